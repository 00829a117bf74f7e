"""`mace review --out`: a page of what was recorded, also where little of it is left."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from livefakes import CLASSES, FACTS, FakeEngine, event, looped

from mace.cli import main
from mace.errors import DataError, OutputError
from mace.live.recorder import Recorder
from mace.live.results import Result
from mace.live.sources.frame import Frame
from mace.recordings.session import load_session
from mace.review.clips import cut_clips
from mace.spotting.records import EventsLog, event_line, event_of, event_record, read_events

FPS = 50.0


def numbered_images(count):
    """Pictures whose grey value is ten times the frame's number modulo twenty."""
    return [np.full((96, 128, 3), 10 * (k % 20) + 20, np.uint8) for k in range(count)]


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sessions") / "one"
    facts = {"source": "fake", "fps": FPS, "size": [128, 96], "classes": list(CLASSES)}
    facts |= {"notice": FACTS["notice"], "model": "<b>bold</b>", "live": {"adapt_s": 0.0}}
    with Recorder(folder, classes=CLASSES, size=(128, 96), session=facts) as recorder:
        engine = FakeEngine()
        for frame in looped(numbered_images(20), fps=FPS, seconds=4.5, paced=False):
            for result in engine.push(frame):
                recorder.write_result(result, frame.image)
    return folder


def copied(session, folder, *names):
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes((session / name).read_bytes())
    return folder


def review(folder, *more, out=None):
    out = folder / "review.html" if out is None else out
    return main(["review", str(folder), "--out", str(out), *map(str, more)])


def test_an_event_survives_its_line():
    first = event(1.25)
    assert event_of(json.loads(event_line(first))) == first
    assert event_of(event_record(event(2.0, kind="blink"))).label is None


def test_the_page_is_whole_and_needs_nothing(session, tmp_path, capsys):
    out = tmp_path / "page.html"
    assert review(session, out=out) == 0
    assert capsys.readouterr().out.strip() == str(out)
    page = out.read_text()
    assert FACTS["notice"] in page
    assert "<b>bold</b>" not in page
    assert "&lt;b&gt;bold" in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert "http" not in page
    assert page.count('class="clip"') == 4
    assert page.count("<polyline") == len(CLASSES)
    for text in ("4 events", "3 micro-expressions", "surprise 70 %", "blink", "left brow"):
        assert text in page
    assert "did not end well" not in page


def test_clips_hold_the_frames_around_the_apex(session):
    loaded = load_session(session)
    clips = cut_clips(loaded, max_bytes=10_000_000)
    assert len(clips) == 4
    for index, clip in clips.items():
        one = loaded.spotted[index]
        assert clip.times == sorted(clip.times)
        assert clip.times[0] <= one.onset
        assert clip.times[-1] >= one.offset - 0.1
        assert abs(clip.times[clip.shown] - one.apex) <= 0.5 / FPS
        data = np.frombuffer(base64.b64decode(clip.images[clip.shown].split(",")[1]), np.uint8)
        number = round(clip.times[clip.shown] * FPS)
        grey = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE).mean()
        assert grey == pytest.approx(10 * (number % 20) + 20, abs=5)


def test_an_expression_has_its_card_where_the_camera_s_own_frames_were_kept(surprise, tmp_path):
    first, fps = surprise.onset, 200.0
    times = [(index - first) / fps for index in (first, surprise.apex, len(surprise.frames) - 1)]
    moved = replace(event(0.0), **dict(zip(("onset", "apex", "offset"), times, strict=True)))
    blink = replace(moved, kind="blink", label=None)
    size, session = (320, 240), {"source": "fake", "fps": fps, "classes": list(CLASSES)}
    folder = tmp_path / "own"
    with Recorder(folder, classes=CLASSES, size=size, session=session, pictures="own") as recorder:
        for index, image in enumerate(surprise.frames[first:]):
            frame = Frame(index, index / fps, image)
            recorder.write_result(
                Result(frame, (), (moved, blink) if index == 9 else ()), frame.colour()
            )
    clips = cut_clips(load_session(folder), max_bytes=10**7)
    (card,) = [clip.card for clip in clips.values() if clip.card]
    jpeg = base64.b64decode(card.removeprefix("data:image/jpeg;base64,"))
    assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), 0).shape == (480, 600)
    assert len(clips) == 2
    assert review(folder) == 0
    assert (folder / "review.html").read_text().count("<summary>Exaggerated") == 1


def test_pictures_are_bounded_and_micro_expressions_have_them_first(session, tmp_path):
    clips = cut_clips(load_session(session), max_bytes=700_000)
    loaded = load_session(session)
    assert [loaded.spotted[index].kind for index in clips] == ["micro", "micro"]
    assert sum(len(url) for clip in clips.values() for url in clip.images) <= 700_000
    out = tmp_path / "page.html"
    assert review(session, "--max-mb", "0.1", out=out) == 0
    assert "4 of 4 events have no pictures" in out.read_text()


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("events.jsonl",), ["did not end well", "no annotated.mp4", "4 events"]),
        (("session.json", "frames.jsonl"), ["no events are known", "No event was found"]),
        (("events.jsonl", "annotated.mp4"), ["did not end well", 'class="clip"']),
    ],
)
def test_what_is_missing_is_said(session, tmp_path, names, words):
    folder = copied(session, tmp_path / "part", *names)
    assert review(folder) == 0
    page = (folder / "review.html").read_text()
    for word in words:
        assert word in page


def test_an_empty_log_and_a_cut_off_last_line(session, tmp_path):
    folder = copied(session, tmp_path / "cut", "events.jsonl", "frames.jsonl", "session.json")
    for name in ("events.jsonl", "frames.jsonl"):
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[:-30])
    loaded = load_session(folder)
    assert len(loaded.spotted) == 3
    assert len(loaded.lines) == len(load_session(session).lines) - 1
    (folder / "events.jsonl").write_bytes(b"")
    (folder / "frames.jsonl").write_bytes(b"")
    assert review(folder) == 0
    assert "No event was found" in (folder / "review.html").read_text()


def test_a_video_that_cannot_be_played(session, tmp_path):
    folder = copied(session, tmp_path / "bad", "events.jsonl", "frames.jsonl", "session.json")
    (folder / "annotated.mp4").write_bytes((session / "annotated.mp4").read_bytes()[:500])
    assert review(folder) == 0
    assert "cannot be played" in (folder / "review.html").read_text()


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("events.jsonl", "no json\n", "line 1"),
        ("events.jsonl", "[]\n", "line 1"),
        ("events.jsonl", '{"kind": "micro"}\n', "no event"),
        ("events.jsonl", '\xff{"kind": "micro"}\n', "line 1"),
        ("frames.jsonl", '{"frame": "x", "timestamp": 0}\n', "line 1"),
        ("frames.jsonl", '{"frame": 1, "timestamp": 0, "smoothed": 3}\n', "line 1"),
        ("session.json", "{", "JSON"),
        ("session.json", "[]", "object"),
    ],
)
def test_damage_is_one_sentence(session, tmp_path, capsys, name, text, word):
    folder = copied(session, tmp_path / "damaged", "events.jsonl", "session.json")
    (folder / name).write_text(text, encoding="latin-1")
    assert review(folder) == 3
    error = capsys.readouterr().err
    assert error.startswith("mace review: ")
    assert name in error
    assert word in error
    assert "Traceback" not in error


def test_no_session(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("mine")
    for folder, word in ((tmp_path, "holds no session"), (tmp_path / "gone", "no session at")):
        assert review(folder) == 3
        assert word in capsys.readouterr().err
    assert review(tmp_path, "--max-mb", "0") == 2


def test_a_log_is_never_written_over(tmp_path):
    with EventsLog(tmp_path / "events.jsonl") as log:
        log.write([event(1.0)])
        assert read_events(tmp_path / "events.jsonl") == (event(1.0),)  # not closed yet
    with pytest.raises(OutputError, match=r"events\.jsonl"):
        EventsLog(tmp_path / "events.jsonl")
    with pytest.raises(DataError, match="cannot be read"):
        read_events(tmp_path / "gone.jsonl")


def test_a_full_disk_is_a_sentence(tmp_path):
    resource = pytest.importorskip("resource")  # not on Windows
    line, limits = event_line(event(1.0)), resource.getrlimit(resource.RLIMIT_FSIZE)
    path = tmp_path / "events.jsonl"
    with EventsLog(path) as log:
        log.write([event(1.0)])
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(line), limits[1]))  # as if it were full
        try:
            with pytest.raises(OutputError, match=r"cannot write .*events\.jsonl: File too large"):
                log.write([event(2.0)])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [one.apex for one in read_events(path)] == [1.0]


KILLED = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from livefakes import CLASSES, FakeEngine, grey_images, looped
from mace.live.recorder import Recorder
from mace.live.results import Result
from mace.live.sources.frame import Frame
engine = FakeEngine()
with Recorder(Path({out!r}), classes=CLASSES, size=(320, 240), session={{}}) as recorder:
    for frame in looped(grey_images(), fps=50, paced=False):
        for result in engine.push(frame):
            recorder.write_result(result, frame.image)
        if frame.index == 200:
            print("now", flush=True)
            import time; time.sleep(60)
"""


def test_a_killed_session_can_be_reviewed(tmp_path):
    tests = str(Path(__file__).parents[1])
    code = KILLED.format(tests=tests, out=str(tmp_path / "killed"))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"now\n"
        os.kill(process.pid, signal.SIGKILL)
    (folder,) = tmp_path.iterdir()
    loaded = load_session(folder)
    assert [line.frame for line in loaded.lines] == list(range(201))
    assert len(loaded.spotted) == 3
    assert review(folder) == 0
    assert "did not end well" in (folder / "review.html").read_text()
