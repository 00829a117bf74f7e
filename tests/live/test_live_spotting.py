"""Spotting within the live loop: a rendered flash is found, named and reported once."""

import time
from dataclasses import replace

import cv2
import numpy as np
import pytest
from livefakes import labelled

from mace.config import from_dict
from mace.face.config import FaceConfig
from mace.face.tracked import Status, TrackedFace
from mace.live.config import LiveConfig
from mace.live.pipeline import Pipeline
from mace.live.results import FaceResult
from mace.live.sources.frame import Frame
from mace.live.spotting import SpottingStage, can_spot
from mace.live.step import Stepper
from mace.motion.config import MotionConfig
from mace.spotting.signal import REGIONS, region_displacements

TRANSFORM = np.array([[0.5, 0, -20], [0, 0.5, -10.0]])


def face_at(index, moved, *, fps=50.0, identity=0, reference=0, seen=True, state=""):
    """A face whose brows have moved by `moved` px, and whose crop says so by its gray level."""
    inputs = np.zeros((28, 28, 3), np.float32)
    inputs[2:7, :, 1] = -moved
    level = np.uint8(100 + 100 * moved)
    face = TrackedFace(
        index,
        Status.TRACKED,
        crop=np.full((128, 128), level, np.uint8),
        transform=TRANSFORM,
        reference_id=reference,
    )
    return FaceResult(
        index,
        index / fps,
        face,
        ("negative", "positive", "surprise"),
        inputs=inputs if seen else None,
        identity=identity,
        state=state,
    )


def flash(time):
    return float(0.5 - 0.5 * np.cos(2 * np.pi * np.clip((time - 1.0) / 0.28, 0, 1)))


def spotter_for(bundle, **settings):
    config = LiveConfig(**settings)
    return SpottingStage(bundle, config, face=from_dict(FaceConfig, bundle.face))


def test_a_flash_is_named_by_onset_and_apex(bundle, monkeypatch):
    asked, step = [], Stepper.__call__

    def listening(self, queries):
        asked.extend((pair.reference[0, 0], pair.target[0, 0]) for pair in queries.values())
        return step(self, queries)

    monkeypatch.setattr(Stepper, "__call__", listening)
    spotter = spotter_for(bundle)
    events = [
        (k / 50, event) for k in range(150) for event in spotter.push([face_at(k, flash(k / 50))])
    ]
    ((when, event),) = events
    assert (event.kind, event.apex) == ("micro", pytest.approx(1.14, abs=0.03))
    assert when - event.offset <= 0.5
    assert event.label in bundle.classes
    assert sum(event.probabilities.values()) == pytest.approx(1)
    assert event.confidence == max(event.probabilities.values())
    # Three pairs: from the onset's face, hardly moved, to those about the apex.
    assert len(asked) == 3
    assert all(onset < 125 and apex > 175 for onset, apex in asked)
    assert spotter.finish() == ()


def test_more_frames_than_needed_change_nothing(bundle):
    def events(fps):
        spotter = spotter_for(bundle)
        frames = [face_at(k, flash(k / fps), fps=fps) for k in range(round(3 * fps))]
        return [event for one in frames for event in spotter.push([one])]

    (slow,), (fast,) = events(50.0), events(200.0)
    assert fast.apex == pytest.approx(slow.apex, abs=0.011)
    assert fast.apex_frame == pytest.approx(4 * slow.apex_frame, abs=3)


def test_two_people_are_told_apart(bundle):
    spotter = spotter_for(bundle, faces=2)
    events = [
        event
        for k in range(150)
        for event in spotter.push(
            [face_at(k, 0.0, identity=4), face_at(k, flash(k / 50), identity=7)]
        )
    ]
    assert [event.identity for event in events] == [7]


def test_a_new_reference_or_the_end_of_the_neutral_time_is_no_event(bundle):
    spotter = spotter_for(bundle)
    events = []
    for k in range(300):
        other = {"reference": int(k > 100), "state": "neutral" if k < 200 else ""}
        events += spotter.push([face_at(k, 0.8 * (k > 100) - 0.5 * (k > 200), **other)])
    assert [*events, *spotter.finish()] == []


def test_what_waits_at_the_end_is_reported(bundle):
    spotter = spotter_for(bundle)
    early = [event for k in range(68) for event in spotter.push([face_at(k, flash(k / 50))])]
    (event,) = spotter.finish()
    assert (early, event.kind) == ([], "micro")
    assert event.label in bundle.classes


@pytest.mark.parametrize(("last", "events"), [(62, 0), (68, 1)])
def test_what_was_over_before_a_break_is_reported_after_it(bundle, last, events):
    spotter = spotter_for(bundle)
    for k in range(last):  # the flash is over at 1.28 s, in frame 64
        assert spotter.push([face_at(k, flash(k / 50))]) == ()
    rest = [event for k in range(500, 560) for event in spotter.push([face_at(k, 0.3)])]
    assert [event.label is not None for event in rest] == [True] * events
    assert all(event.offset <= last / 50 for event in rest)
    assert spotter.finish() == ()


def test_names_wait_while_the_network_is_left_out(bundle):
    spotter = spotter_for(bundle)
    events, k = [], 0
    while not spotter._open:
        events += spotter.push([face_at(k, flash(k / 50))])
        k += 1
    for _ in range(10):
        assert spotter.push([face_at(k, 0.0, seen=False)]) == ()
        k += 1
    later = [event for j in range(k, k + 5) for event in spotter.push([face_at(j, 0.0)])]
    assert [event.kind for event in events + later] == ["micro"]


def test_frames_between_the_grid_points_are_not_due(bundle):
    spotter = spotter_for(bundle)
    due = []
    for k in range(40):
        due.append(spotter.due(k / 200))
        spotter.push([face_at(k, 0.0, fps=200.0, seen=due[-1])])
    assert due[0]
    assert sum(due) == pytest.approx(10, abs=1)


def test_spotting_needs_flow(bundle):
    assert can_spot(bundle)
    assert not can_spot(replace(bundle, motion=MotionConfig(representation="appearance")))


def test_the_cost_of_a_frame_is_small(bundle):
    spotter = spotter_for(bundle)
    frames = [face_at(k, 0.0, fps=200.0) for k in range(1200)]
    begun = time.process_time()
    for one in frames:
        spotter.push([one])
    # 0.1 ms on a quiet core: only a quarter of the frames is looked at.
    assert (time.process_time() - begun) / len(frames) < 1e-3


def test_fakes_have_a_motion_the_regions_can_read():
    one = labelled(Frame(0, 0.25, np.zeros((240, 320, 3), np.uint8)))
    assert region_displacements(one.inputs[..., :2]).shape == (len(REGIONS), 2)


def test_the_engine_finds_a_rendered_flash(bundle, brow_flash):
    pipeline = Pipeline(bundle, LiveConfig())
    frames = [Frame(k, k / 60, np.asarray(image)) for k, image in enumerate(brow_flash.frames)]
    results = [result for frame in frames for result in pipeline.push(frame)]
    results += pipeline.finish()
    events = [event for result in results for event in result.events]
    events += pipeline.last_events()
    pipeline.close()
    (micro,) = (event for event in events if event.kind == "micro")
    assert micro.apex_frame == pytest.approx(brow_flash.apex, abs=4)
    assert {"brow_left", "brow_right"} & set(micro.regions)
    assert micro.label in bundle.classes


def test_the_engine_is_not_misled_by_a_hand(bundle, brow_flash):
    # Before the mouth while the brows are up, at times that are no multiple of anything.
    eyes = brow_flash.eye_centres
    unit = float(np.hypot(*(eyes[0, 1] - eyes[0, 0])))
    rng = np.random.default_rng(3)
    times = np.cumsum(rng.uniform(0.008, 0.026, len(brow_flash.frames))) * 74 / 60 / 1.25
    pipeline, results = Pipeline(bundle, LiveConfig()), []
    for k, image in enumerate(brow_flash.frames):
        frame = np.array(image)
        if 0.35 <= k / 60 < 0.6:
            middle = eyes[k].mean(axis=0) + np.array([0, 0.95 * unit])
            axes = int(0.55 * unit), int(0.32 * unit)
            cv2.ellipse(frame, tuple(int(v) for v in middle), axes, 0, 0, 360, 130, -1, cv2.LINE_AA)
        results += pipeline.push(Frame(k, float(times[k]), frame))
    results += pipeline.finish()
    events = [event for result in results for event in result.events] + [*pipeline.last_events()]
    pipeline.close()
    (micro,) = (event for event in events if event.kind == "micro")
    assert {"brow_left", "brow_right"} & set(micro.regions)
    assert not {"lip_upper", "lip_lower", "mouth_left", "mouth_right"} & set(micro.regions)
    assert micro.apex == pytest.approx(times[brow_flash.apex], abs=0.07)
    flagged = {
        result.frame.index
        for result in results
        for face in result.faces
        if face.quality is not None and "covered" in face.quality.reasons
    }
    assert flagged >= set(range(23, 35))
    assert flagged <= set(range(20, 38))
