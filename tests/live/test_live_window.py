"""The window without a screen: what it shows, what its keys do, what it says where none is."""

import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest
from livefakes import CLASSES, FACTS, FakeEngine, event, grey_images, labelled, looped

from mace.errors import ConfigError, OutputError
from mace.live.face_picture import face_picture
from mace.live.overlay import Looks, draw_result, panel_rows
from mace.live.queues import LatestResult
from mace.live.results import Moving, Result, unseen
from mace.live.sources.frame import Frame
from mace.live.timeline import History, draw_timeline
from mace.live.window import View, require_display
from mace.motion.config import OWN_FRAMING
from mace.spotting.events import Event, Unit
from mace.spotting.moving import RegionMotion

SIZE = (960, 150)


def results(seconds=3.0, fps=50):
    engine = FakeEngine()
    for frame in looped(grey_images(), fps=fps, seconds=seconds, paced=False):
        yield from engine.push(frame)


@pytest.fixture
def view(tmp_path):
    return View(CLASSES, FACTS["notice"], tmp_path / "shots")


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


def test_whoever_nobody_has_seen_yet_has_no_lane():
    (first, *_) = results()
    history = History()
    history.add(replace(first, faces=(unseen(first.frame, CLASSES),)))
    assert history.people == ()
    history.add(first)
    assert history.people == (first.faces[0].identity,)


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
        history.events.extend(events)
        return draw_timeline(history, classes=CLASSES, size=SIZE)[:14]

    def movement(kind, onset, label=None):
        return Event(0, kind, onset, onset + 0.1, onset + 0.3, 0, 0, 0, 1.0, label=label)

    blink, micro = movement("blink", 4.0), movement("micro", 4.1, "surprise")
    later = movement("head", 8.0)
    np.testing.assert_array_equal(names(blink, micro), names(micro))
    np.testing.assert_array_equal(names(blink, movement("head", 4.1)), names(blink))
    both = names(blink, later)
    assert (both != names(blink)).any()
    assert (both != names(later)).any()


def test_everybody_has_a_lane():
    history = History()
    frame = Frame(0, 0.0, grey_images(1)[0])
    history.add(Result(frame, (labelled(frame), labelled(frame, identity=2))))
    assert history.people == (0, 2)
    history.events.extend([event(0.0, identity=2), event(-0.2, kind="blink")])
    two = draw_timeline(history, classes=CLASSES, size=SIZE)
    history.events.pop()
    assert (draw_timeline(history, classes=CLASSES, size=SIZE) != two)[:22].any()
    history.events.clear()
    assert (draw_timeline(history, classes=CLASSES, size=SIZE) != two)[22:44].any()


def moving(frame, units=None):
    """A face whose brow rises by half a pixel, as seen by a network that names units or not."""
    flow = np.zeros((28, 28, 2), np.float32)
    flow[2:8, :, 1] = -0.5
    brow = RegionMotion("brow_left", 0.0, -0.5)
    read = None if units is None else lambda: units
    return replace(labelled(frame), moving=Moving((brow,), flow, OWN_FRAMING, read))


UNITS = {"1": Unit(0.9, 0.6, 0.0, True), "2": Unit(0.1, 0.5, 0.0, False)}


@pytest.mark.parametrize(("units", "lanes"), [(UNITS, {"AU01"}), (None, {"brow left"})])
def test_the_timeline_has_a_lane_for_what_moved(units, lanes):
    history = History()
    frame = Frame(0, 0.0, grey_images(1)[0])
    for index in range(50):
        face = moving(frame, units) if 20 < index < 30 else labelled(frame)
        history.add(Result(replace(frame, index=index, time=index / 25), (face,)))
    assert {name for sample in history.samples for name in sample.px} == lanes
    drawn = draw_timeline(history, classes=CLASSES, size=SIZE)
    assert (drawn == (217, 179, 127)).all(axis=2).any()
    other = draw_timeline(history, classes=CLASSES, size=SIZE, probabilities=True)
    assert (other != drawn).any()


def test_a_face_that_does_nothing_is_not_named():
    frame = Frame(100, 2.0, grey_images(1)[0])
    still = replace(labelled(frame), moving=Moving((), None, OWN_FRAMING))
    certain = event(1.6)

    def said(face, events=(), **looks):
        return [row.text for row in panel_rows(face, events, CLASSES, Looks(**looks))]

    assert said(still) == ["  2.000 s  no micro-movement"]
    assert said(still, [certain])[1:] == ["micro: surprise 70 %"]
    first, region, unit = said(moving(frame, UNITS))
    assert first.endswith("moves: brow left")
    assert (region, unit) == ("brow left    0.50 px", "AU1          0.60 px")
    assert not any(name in text for text in said(moving(frame, UNITS)) for name in CLASSES)
    assert [text.split()[0] for text in said(still, probabilities=True)[2:]] == list(CLASSES)


def test_what_moves_is_coloured_and_shown_larger():
    frame = Frame(0, 0.0, grey_images(1)[0])
    face, still = moving(frame, UNITS), labelled(frame)
    plain = draw_result(Result(frame, (face,)), classes=CLASSES, notice="", looks=Looks(False))
    heated = draw_result(Result(frame, (face,)), classes=CLASSES, notice="")
    assert (heated != plain).any()
    large = face_picture(frame, face, side=160, factor=10)
    assert large.shape == (160, 160, 3)
    changed = (large != face_picture(frame, face, side=160)).any(axis=2)
    assert changed[20:60].any()
    assert not changed[100:].any()
    np.testing.assert_array_equal(
        face_picture(frame, still, side=160, factor=10), face_picture(frame, still, side=160)
    )


@pytest.mark.parametrize("grey", [False, True])
def test_several_faces_and_none_on_grey_and_colour(grey):
    image = grey_images(1)[0]
    frame = Frame(0, 0.0, image[:, :, 0].copy() if grey else image)
    before = frame.image.copy()
    nobody = draw_result(Result(frame, ()), classes=CLASSES, notice=FACTS["notice"])
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

    view.reset_reference, view.record = lambda: asked.append("reset"), record
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
    view.press(ord("x"))
    assert view.picture().shape[1] > picture.shape[1]
    for _ in range(3):
        view.press(ord("x"))
    assert view.picture().shape == picture.shape
    before = view.picture()
    view.press(ord("p"))
    assert (view.picture() != before).any()
    view.press(ord("m"))
    assert not view.looks.motion
    for key in "rvv":
        view.press(ord(key))
    assert asked == ["reset", True, False]
    assert not view.closed
    view.press(27)
    assert view.closed


def test_a_recording_that_cannot_be_made_is_said_and_not_shown(view):
    def record(on):
        raise OutputError("the disk is full; free some space")

    view.record = record
    view.press(ord("v"))
    assert not view.recording
    view.record = None
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
