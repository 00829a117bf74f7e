"""A session from the source to its record, and what is said when it cannot go on."""

import csv
import itertools
import json
import os
import sys

import cv2
import pytest

from mace.bundle import save_bundle
from mace.cli import main
from mace.errors import OutputError
from mace.live.config import LiveConfig
from mace.live.pipeline import Pipeline
from mace.live.recorder import Recorder
from mace.live.sources.opening import open_source
from mace.live.sources.stored import IterableSource, Paced
from mace.live.terminal import run_until_ended, summary_text
from mace.recordings.session import load_session
from mace.spotting.events import Event


@pytest.fixture(scope="module")
def images(surprise):
    return list(surprise.frames[surprise.onset :])


@pytest.fixture(scope="module")
def model(bundle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("session") / "model"
    save_bundle(folder, bundle)
    return folder


def run(source, bundle, out, *, seconds=None, said=None):
    return run_until_ended(
        source,
        bundle,
        live=LiveConfig(),
        out=out,
        window=False,
        seconds=seconds,
        facts={"source": source.name, "fps": source.fps, "notice": "a notice"},
        say=(said if said is not None else []).append,
    )


def test_a_session_leaves_a_record_that_can_be_played_again(images, bundle, tmp_path):
    out = tmp_path / "session"
    summary = run(IterableSource(images, fps=100), bundle, out)
    assert summary["counters"] == {"frames": len(images), "dropped": 0, "skipped": 0}
    names = {file.name for file in out.iterdir()}
    tables = {"frames.csv", "frames.jsonl", "events.csv", "events.jsonl"}
    assert names == {*tables, "video.mov", "session.json"}
    rows = list(csv.DictReader((out / "frames.csv").read_text(encoding="utf-8").splitlines()))
    assert [int(row["frame"]) for row in rows] == list(range(len(images)))
    facts = json.loads((out / "session.json").read_text(encoding="utf-8"))
    assert facts["complete"]
    assert facts["pictures_missed"] == 0
    played = [frame.image for frame in open_source(out / "video.mov").frames()]
    assert len(played) == len(images)
    # JPEG of high quality, nothing drawn on it.
    difference = cv2.absdiff(cv2.cvtColor(played[3], cv2.COLOR_BGR2GRAY), images[3])
    assert difference.mean() < 2
    text = summary_text(summary)
    assert f"{len(images)} frames" in text
    assert "inference" in text


def test_a_live_source_ends_when_its_time_is_over(images, bundle, tmp_path):
    source = Paced(IterableSource(itertools.cycle(images), fps=50))
    summary = run(source, bundle, tmp_path / "session", seconds=1.5)
    assert 1.0 < summary["seconds"] < 60
    assert summary["counters"]["frames"] > 5
    rows = (tmp_path / "session" / "frames.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + summary["counters"]["frames"]


def test_what_becomes_certain_at_the_end_of_a_live_source_is_recorded(
    images, bundle, tmp_path, monkeypatch
):
    late = Event(0, "blink", 0.1, 0.2, 0.3, 10, 20, 30, strength_px=1.0)
    monkeypatch.setattr(Pipeline, "last_events", lambda _: (late,))
    source = Paced(IterableSource(itertools.cycle(images), fps=50))
    summary = run(source, bundle, tmp_path / "session", seconds=0.5)
    played = load_session(tmp_path / "session")
    assert [event.kind for event in played.spotted][-1] == "blink"
    assert len(played.lines) == summary["counters"]["frames"]


def test_a_full_disk_ends_the_session_in_one_sentence(images, bundle, tmp_path, monkeypatch):
    written = Recorder.write_result

    def fail(self, result, image, **options):
        if result.frame.index >= 5:  # frame 5 itself may have been dropped
            raise OutputError(f"cannot write to {tmp_path}: No space left on device")
        written(self, result, image, **options)

    monkeypatch.setattr(Recorder, "write_result", fail)
    source = Paced(IterableSource(itertools.cycle(images), fps=50))
    with pytest.raises(OutputError, match="No space left"):
        run(source, bundle, tmp_path / "session", seconds=60)
    kept = load_session(tmp_path / "session")  # what a camera saw cannot be had again
    assert 0 < len(kept.lines) <= 5
    assert kept.facts["complete"] is False


def command(*words):
    return main(["live", *map(str, words)])


def test_a_video_played_as_a_camera_is_recorded_where_asked(
    surprise_folder, model, tmp_path, capsys
):
    out = tmp_path / "out"
    settings = ["--source.realtime", "--fps", "50", "--seconds", "1", "--json"]
    assert command(surprise_folder, "--model", model, "--out", out, *settings) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["counters"]["frames"] > 0
    assert (out / "video.mov").stat().st_size > 0


def test_the_profile_of_a_file(surprise_folder, model, capsys):
    assert command(surprise_folder, "--model", model, "--profile") == 0
    table = capsys.readouterr().out
    assert "p99" in table
    assert "ms of processor time a frame" in table


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux's variables")
def test_no_display_is_a_sentence(surprise_folder, model, monkeypatch, capsys):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert command(surprise_folder, "--model", model, "--source.realtime") == 2
    error = capsys.readouterr().err
    assert "there is no screen to show a window on" in error
    assert "--web" in error


def test_no_camera_is_a_sentence(model, capfd):
    if os.path.exists("/dev/video77"):
        pytest.fail("there is a camera 77")
    assert command("77", "--model", model, "--window", "no") == 3
    error = capfd.readouterr().err
    assert error.count("\n") == 1
    assert "77" in error
