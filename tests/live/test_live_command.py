"""`mace live` as a user types it: what it leaves, and what it says when it cannot work."""

import csv
import json
import re
import shutil

import cv2
import numpy as np
import pytest
from videos import write_video

from mace.bundle import save_bundle
from mace.cli import main
from mace.video.reader import VideoReader


@pytest.fixture(scope="module")
def model(bundle, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "model"
    save_bundle(path, bundle)
    return path


def live(source, model, out, *more):
    return main(["live", str(source), "--model", str(model), "--out", str(out), *more])


def test_leaves_video_csv_jsonl_and_sidecar(surprise, surprise_folder, model, tmp_path, capsys):
    out = tmp_path / "session"
    assert live(surprise_folder, model, out) == 0
    count = len(surprise.frames) - surprise.onset
    with (out / "frames.csv").open() as file:
        rows = list(csv.DictReader(file))
    lines = [json.loads(line) for line in (out / "frames.jsonl").read_text().splitlines()]
    session = json.loads((out / "session.json").read_text())
    drawn = list(VideoReader(out / "annotated.mp4").pictures())
    assert len(rows) == len(lines) == session["frames"] == count
    assert [f"{picture.time:.3f}" for picture in drawn] == [row["timestamp"][:-3] for row in rows]
    assert session["complete"]
    assert rows[3]["status"] == "tracked"
    assert float(rows[3]["p_surprise"]) == pytest.approx(
        lines[3]["probabilities"]["surprise"], abs=1e-5
    )
    printed = capsys.readouterr()
    assert f"{count} of {count} frames tracked" in printed.out
    for text in (printed.err, session["notice"]):
        assert "synthetic" in text


def test_a_video_that_is_cut_off_leaves_its_results_and_a_sentence(
    surprise, model, tmp_path, capsys
):
    frames = [cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR) for frame in surprise.frames[-8:]]
    times = [0.0, 0.02, 0.05, 0.07, 0.1, 0.15, 0.2, 0.21]
    path = write_video(
        tmp_path / "cut.mp4",
        frames,
        times=times,
        codec="mpeg4",
        pix_fmt="yuv420p",
        muxing={"movflags": "+faststart"},
    )
    path.write_bytes(path.read_bytes()[:-200])
    out = tmp_path / "session"
    assert live(path, model, out) == 0
    with (out / "frames.csv").open() as file:
        rows = list(csv.DictReader(file))
    count = len(rows)
    assert 1 < count < 8
    assert [float(row["timestamp"]) for row in rows] == pytest.approx(times[:count], abs=1e-3)
    assert f"it is cut off: {count} of 8 frames can be read" in capsys.readouterr().out
    remark = json.loads((out / "session.json").read_text())["remarks"][-1]
    assert "cut off" in remark


def test_json_summary(surprise_folder, model, tmp_path, capsys):
    assert live(surprise_folder, model, tmp_path / "session", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["status"] == {"tracked": summary["frames"]}
    assert sum(summary["labels"].values()) == summary["frames"]


def assert_refused(code, folder, capsys, *words):
    error = capsys.readouterr().err
    assert code not in (0, 1)
    assert error.startswith("mace live: ")
    assert "Traceback" not in error
    for word in words:
        assert word in error
    assert list(folder.iterdir()) == []


def test_missing_video(model, tmp_path, capsys):
    (folder := tmp_path / "results").mkdir()
    code = live(tmp_path / "gone.mp4", model, folder / "out")
    assert_refused(code, folder, capsys, "gone.mp4")


def test_missing_model(surprise_folder, tmp_path, capsys):
    (folder := tmp_path / "results").mkdir()
    code = live(surprise_folder, tmp_path / "model", folder / "out")
    assert_refused(code, folder, capsys, "model", "mace reproduce")


def test_damaged_model(surprise_folder, model, tmp_path, capsys):
    damaged = tmp_path / "model"
    shutil.copytree(model, damaged)
    weights = damaged / "weights.npz"
    weights.write_bytes(weights.read_bytes()[:-200])
    (folder := tmp_path / "results").mkdir()
    assert_refused(live(surprise_folder, damaged, folder / "out"), folder, capsys, "damaged")


def test_video_that_breaks_off_leaves_nothing(surprise_folder, model, tmp_path, capsys):
    frames = tmp_path / "frames"
    shutil.copytree(surprise_folder, frames)
    (frames / "img9.png").write_bytes(b"no image")
    (folder := tmp_path / "results").mkdir()
    assert_refused(live(frames, model, folder / "out"), folder, capsys, "img9.png")


def test_folder_that_cannot_be_written_to(surprise_folder, model, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    code = live(surprise_folder, model, tmp_path / "file" / "out")
    error = capsys.readouterr().err
    assert code == 6
    assert "cannot write to" in error


def test_results_of_recordings_of_one_name_do_not_meet(model, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("mace.commands.live.RUNS_DIR", tmp_path / "runs")
    videos = [grey(tmp_path / subject / "EP01") for subject in ("s01", "s02")]
    for video in videos:
        assert main(["live", str(video), "--model", str(model), "--fps", "50"]) == 0
    made = sorted(path.name for path in (tmp_path / "runs" / "live").iterdir())
    assert made == ["EP01", "s02-EP01"]
    capsys.readouterr()
    assert main(["live", str(videos[1]), "--model", str(model)]) == 6
    assert f"holds the results of {videos[1]}" in capsys.readouterr().err


def grey(folder):
    folder.mkdir(parents=True)
    for number in (1, 2, 3):
        assert cv2.imwrite(str(folder / f"img{number}.png"), np.full((48, 64), 90, np.uint8))
    return folder


def test_frames_are_counted_once_however_many_people_are_in_them(scene, model, tmp_path, capsys):
    (frames := tmp_path / "two").mkdir()
    for number in range(12):
        image = scene([(0, 180, 200), (1, 460, 200)], index=number)
        assert cv2.imwrite(str(frames / f"{number}.png"), image)
    assert live(frames, model, tmp_path / "out", "--live.faces", "2", "--fps", "50") == 0
    printed = capsys.readouterr().out
    match = re.match(r"(\d+) of 12 frames tracked \(of its faces (\d+) tracked", printed)
    assert match is not None
    assert int(match[1]) <= 12 < int(match[2])


def test_a_rate_that_cannot_be_is_the_users(surprise_folder, model, tmp_path, capsys):
    (folder := tmp_path / "results").mkdir()
    code = live(surprise_folder, model, folder / "out", "--fps", "0")
    assert_refused(code, folder, capsys, "--fps is 0")


def test_results_are_never_overwritten(surprise_folder, model, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    assert live(surprise_folder, model, tmp_path / "out") == 6
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"
