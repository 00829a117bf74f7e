"""The recorder leaves a whole session or nothing."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from mace.errors import OutputError
from mace.face.tracked import Status, TrackedFace
from mace.live.recorder import Recorder
from mace.live.results import FaceResult, Result, frame_columns, frame_row, frames_table
from mace.live.sources.frame import Frame
from mace.live.sources.opening import open_recording
from mace.recordings.session import load_session, recorded_source
from mace.spotting.events import Event
from mace.video.writer import VideoWriter

FULL = Path("/dev/full")
CLASSES = ("negative", "positive")
PICTURE = np.zeros((48, 64, 3), np.uint8)


def blank(index):
    return FaceResult(index, index / 25, TrackedFace(index, Status.NO_FACE), CLASSES)


def result(index):
    return Result(Frame(index, index / 25, PICTURE), (blank(index),))


def recorder(folder, **options):
    session = {"source": "test"}
    return Recorder(folder, classes=CLASSES, size=(64, 48), session=session, **options)


def record(folder, frames, then=None):
    with recorder(folder) as session:
        for index in range(frames):
            session.write_result(result(index), PICTURE)
        if then is not None:
            raise then


def test_row_of_a_frame_without_a_face_has_empty_cells():
    columns = frame_columns(CLASSES)
    row = dict(zip(columns, frame_row(blank(3).to_dict(), columns), strict=True))
    assert row["frame"] == "3"
    assert row["timestamp"] == "0.120000"
    assert row["status"] == "no_face"
    assert (row["success"], row["confidence"]) == ("0", "0")
    assert {row[name] for name in ("x", "label", "p_negative", "s_positive", "error_px")} == {""}


def test_a_data_frame_of_results_has_the_columns_of_the_file():
    seen = FaceResult(
        4, 0.16, TrackedFace(4, Status.NO_FACE), CLASSES,
        smoothed=np.array([0.25, 0.75]), label="positive",
    )  # fmt: skip
    nobody = Result(Frame(5, 0.2, PICTURE), ())
    table = frames_table([result(3), Result(Frame(4, 0.16, PICTURE), (seen,)), nobody])
    assert list(table) == frame_columns(CLASSES)
    assert table["frame"].tolist() == [3, 4]
    assert table["s_positive"].tolist()[1] == 0.75
    assert table.isna()[["x", "p_positive"]].all(axis=None)
    assert table["label"].tolist()[1] == "positive"


def test_failure_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError):
        record(tmp_path / "out", frames=1, then=ZeroDivisionError())
    assert list(tmp_path.iterdir()) == []


def test_interruption_keeps_what_was_done(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        record(tmp_path / "out", frames=1, then=KeyboardInterrupt())
    assert '"complete": false' in (tmp_path / "out" / "session.json").read_text()
    assert len((tmp_path / "out" / "frames.jsonl").read_text().splitlines()) == 1


@pytest.mark.skipif(not FULL.exists(), reason="only some systems have a device that is always full")
def test_full_disk_is_said_and_leaves_nothing(tmp_path, monkeypatch):
    session = recorder(tmp_path / "out")
    with FULL.open("wb", 0) as full:
        monkeypatch.setattr(session, "_jsonl", full)
        with pytest.raises(OutputError, match="No space left"), session:
            session.write_result(result(0), PICTURE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not FULL.exists(), reason="only some systems have a device that is always full")
def test_of_a_camera_a_full_disk_leaves_what_was_recorded(tmp_path, monkeypatch):
    session = recorder(tmp_path / "out", pictures="own", keep=True)
    session.write_result(result(0), PICTURE)
    with FULL.open("wb", 0) as full:
        monkeypatch.setattr(session, "_jsonl", full)
        with pytest.raises(OutputError, match="until then is kept"), session:
            session.write_result(result(1), PICTURE)
    found = load_session(tmp_path / "out")
    assert [line.frame for line in found.lines] == [0]
    assert found.facts["complete"] is False
    assert found.video is not None
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


def test_pictures_that_cannot_be_written_are_said_and_leave_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    session = recorder(tmp_path / "out")
    monkeypatch.setattr(VideoWriter, "write", full)
    with pytest.raises(OutputError, match="No space left"), session:
        session.write_result(result(0), PICTURE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("pictures", "name"), [("own", "video.mov"), ("annotated", "annotated.mp4")]
)
def test_pictures_keep_the_times_of_their_frames(tmp_path, pictures, name):
    times = np.array([0.0, 0.07, 0.19, 0.2, 0.41, 1.3])
    late = 0.0314  # of the first frame that is taken
    event = Event(0, "blink", late + 0.07, late + 0.19, late + 0.2, 1, 2, 3, 1.0)
    with recorder(tmp_path / "out", pictures=pictures) as session:
        for index, time in enumerate((late + times).tolist()):
            face = FaceResult(index, time, TrackedFace(index, Status.NO_FACE), CLASSES)
            last = Result(Frame(index, time, PICTURE), (face,))
            session.write_result(last, PICTURE)
        session.write_result(replace(last, events=(event,)), PICTURE)  # once more, at the end
    video = tmp_path / "out" / name
    assert [frame.time for frame in open_recording(video).frames()] == pytest.approx(
        times, abs=1e-4
    )
    written = load_session(tmp_path / "out")
    assert [line.time for line in written.lines] == pytest.approx(times, abs=1e-5)
    assert written.spotted[0].onset == pytest.approx(0.07, abs=1e-5)


def test_a_jpeg_is_kept_bit_for_bit(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    jpeg = cv2.imencode(".jpg", noise, [cv2.IMWRITE_JPEG_QUALITY, 60])[1].tobytes()
    with recorder(tmp_path / "out", pictures="own") as session:
        session.write_result(result(0), jpeg)
    assert jpeg in (tmp_path / "out" / "video.mov").read_bytes()


def test_of_a_recording_that_is_killed_the_pictures_stay(tmp_path):
    code = f"""
import os, numpy as np
from pathlib import Path
from mace.spotting.events import Event
from mace.video.writer import VideoWriter
video = VideoWriter(Path({str(tmp_path)!r}) / "video.mov", codec="mjpeg", size=(640, 480))
noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
for index in range(30):
    video.write(noise, index / 20)
os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    frames = list(open_recording(tmp_path / "video.mov").frames())
    assert len(frames) >= 20
    assert frames[7].time == pytest.approx(7 / 20)


def test_two_processes_never_write_one_folder(tmp_path):
    out = tmp_path / "out"
    first = recorder(out)
    # Whose process it is, is told by its lock and not by the name.
    (tmp_path / f".out.partial-{os.getpid()}").rename(tmp_path / ".out.partial-1")
    assert recorded_source(out) == "test"
    with pytest.raises(OutputError, match=r"another process is writing .*out .by now in"):
        recorder(out)
    (tmp_path / ".out.partial-1").rename(tmp_path / f".out.partial-{os.getpid()}")
    with first:
        first.write_result(result(0), PICTURE)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    # What a killed process left is in nobody's way, and stays, whatever its number was.
    left = [tmp_path / f".more.partial-{number}" / "frames.csv" for number in (1, os.getpid())]
    for file in left:
        file.parent.mkdir()
        file.touch()
    record(tmp_path / "more", frames=1)
    assert (tmp_path / "more" / "frames.csv").exists()
    assert all(file.exists() for file in left)


def test_empty_target_folder_may_exist(tmp_path):
    (tmp_path / "out").mkdir()
    record(tmp_path / "out", frames=2)
    assert (tmp_path / "out" / "annotated.mp4").stat().st_size > 0


def test_a_session_without_pictures_has_its_lines_and_no_video(tmp_path):
    with Recorder(
        tmp_path / "out", classes=CLASSES, size=(64, 48), session={}, pictures="none"
    ) as session:
        session.write_result(result(0), None)
    names = {file.name for file in (tmp_path / "out").iterdir()}
    tables = {"frames.csv", "frames.jsonl", "events.csv", "events.jsonl"}
    assert names == {*tables, "session.json"}
    assert len((tmp_path / "out" / "frames.jsonl").read_text().splitlines()) == 1
