"""The window without a screen: what it shows, what its keys do, what it says where none is."""

import sys

import cv2
import numpy as np
import pytest
from livefakes import CLASSES, FACTS, FakeEngine, grey_images, labelled, looped

from mace.errors import ConfigError, OutputError
from mace.live.overlay import draw_result
from mace.live.queues import LatestResult
from mace.live.results import Result
from mace.live.sources.frame import Frame
from mace.live.timeline import History, draw_timeline
from mace.live.window import Actions, View, require_display
from mace.spotting.events import Event

SIZE = (960, 150)


def results(seconds=3.0, fps=50):
    engine = FakeEngine()
    for frame in looped(grey_images(), fps=fps, seconds=seconds, paced=False):
        yield from engine.push(frame)


@pytest.fixture
def view(tmp_path):
    return View(CLASSES, FACTS.notice, tmp_path / "shots")


def test_no_event_is_lost_on_a_slow_consumer():
    box = LatestResult()
    given = list(results(6.0))
    told = [one for result in given for one in result.events]
    taken = []
    for index, result in enumerate(given):
        box.put(result)
        if index % 40 == 39:
            taken.append(box.take())
    box.close()
    taken.append(box.take())
    assert box.closed
    assert box.take() is None
    assert [one for result in taken for one in result.events] == told
    assert len(told) >= 5


def test_the_timeline_forgets_what_is_old():
    history = History(seconds=2.0)
    for result in results(8.0):
        history.add(result)
    assert history.now - history.samples[0][0] <= 2.0
    assert 1 <= len(history.events) <= 3
    (first, *_) = results()
    history.add(first)  # the file starts over
    assert len(history.samples) == 1
    assert not history.events


def test_the_timeline_s_picture():
    history = History()
    empty = draw_timeline(history, classes=CLASSES, size=SIZE)
    assert empty.shape == (150, 960, 3)
    for result in results(9.0):
        history.add(result)
    full = draw_timeline(history, classes=CLASSES, size=SIZE)
    again = draw_timeline(history, classes=CLASSES, size=SIZE)
    np.testing.assert_array_equal(full, again)
    assert (full != empty).any(axis=2).mean() > 0.1
    micro = (full == (76, 138, 239)).all(axis=2)
    assert micro.any()
    tiny = draw_timeline(history, classes=CLASSES, size=(40, 20))
    assert tiny.shape == (20, 40, 3)


def test_names_of_events_do_not_lie_on_each_other():
    def names(*events):
        history = History(now=10.0)
        history.add_events(events)
        return draw_timeline(history, classes=CLASSES, size=SIZE)[:14]

    def event(kind, onset, label=None):
        return Event(0, kind, onset, onset + 0.1, onset + 0.3, 0, 0, 0, 1.0, label=label)

    blink, micro, later = event("blink", 4.0), event("micro", 4.1, "surprise"), event("head", 8.0)
    np.testing.assert_array_equal(names(blink, micro), names(micro))
    np.testing.assert_array_equal(names(blink, event("head", 4.1)), names(blink))
    both = names(blink, later)
    assert (both != names(blink)).any()
    assert (both != names(later)).any()


def test_a_person_who_left_gives_the_timeline_to_another():
    history = History()
    frame = Frame(0, 0.0, grey_images(1)[0])
    history.add(Result(frame, (labelled(frame), labelled(frame, identity=2))))
    assert history.identity == 0
    frame = Frame(1, 0.1, frame.image)
    history.add(Result(frame, (labelled(frame, identity=2),)))
    assert history.identity == 2
    assert len(history.samples) == 1


@pytest.mark.parametrize("grey", [False, True])
def test_several_faces_and_none_on_grey_and_colour(grey):
    image = grey_images(1)[0]
    frame = Frame(0, 0.0, image[:, :, 0].copy() if grey else image)
    before = frame.image.copy()
    nobody = draw_result(Result(frame, ()), classes=CLASSES, notice=FACTS.notice)
    one = draw_result(Result(frame, (labelled(frame),)), classes=CLASSES, notice="")
    both = Result(frame, (labelled(frame), labelled(frame, identity=1)))
    two = draw_result(both, classes=CLASSES, notice="")
    assert nobody.shape == one.shape == two.shape == image.shape
    assert (one != nobody).any()
    assert (two != one).any()
    np.testing.assert_array_equal(frame.image, before)


def test_keys(view, tmp_path):
    asked = []

    def record(on):
        asked.append(on)
        return "recording" if on else "saved"

    view.actions = Actions(reset_reference=lambda: asked.append("reset"), record=record)
    assert view.picture() is None
    first, *more = results(1.0)
    view.take(first)
    picture = view.picture()
    assert picture.shape == (540 + 150 + 52, 720, 3)
    view.press(-1)
    view.press(ord(" "))
    for result in more:
        view.take(result)
    assert view.paused
    frozen = view.picture()
    np.testing.assert_array_equal(frozen[30:560], picture[30:560])
    assert (frozen[570:] != picture[570:]).any()  # the timeline goes on
    view.press(ord(" "))
    view.take(more[-1])
    assert (view.picture()[30:560] != picture[30:560]).any()
    view.press(ord("s"))
    (shot,) = (tmp_path / "shots").iterdir()
    assert cv2.imread(str(shot)).shape == picture.shape
    for key in "rvv":
        view.press(ord(key))
    assert asked == ["reset", True, False]
    assert not view.closed
    view.press(27)
    assert view.closed


def test_a_recording_that_cannot_be_made_is_said_and_not_shown(view):
    def record(on):
        raise OutputError("the disk is full; free some space")

    view.actions = Actions(record=record)
    view.press(ord("v"))
    assert not view.recording
    view.actions = Actions()
    view.press(ord("v"))
    assert not view.recording


def test_a_snapshot_that_cannot_be_written_ends_nothing(tmp_path):
    (tmp_path / "file").write_text("in the way")
    view = View(CLASSES, "", tmp_path / "file" / "shots")
    view.take(next(iter(results())))
    view.press(ord("s"))
    assert not view.closed
    assert view.picture() is not None


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a screen")
def test_no_screen(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(ConfigError, match="--web"):
        require_display()
    monkeypatch.setenv("DISPLAY", ":0")
    require_display()
