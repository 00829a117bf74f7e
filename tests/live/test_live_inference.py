"""What is said of several people: their own words, kept apart, over time and losses."""

import math

import numpy as np
import pytest

from mace.face.config import CropConfig, FaceConfig
from mace.face.tracker import FaceTracker
from mace.live.config import LiveConfig
from mace.live.faces import Observation
from mace.live.inference import InferenceStage
from mace.live.sources.frame import Frame

FACE = FaceConfig()
FPS = 50


@pytest.fixture(scope="module")
def tracks(scene, surprise):
    """The clip's person, and a person who does not move: tracked faces, one a frame."""
    moving = [np.asarray(one) for one in surprise.frames[surprise.onset :]][:10]
    still = [scene([(1, 320, 200)], index=i) for i in range(10)]
    return tuple(track(one) for one in (moving, still))


def track(images):
    tracker = FaceTracker(FACE)
    tracked = [one for image in images for one in tracker.push(image)] + tracker.finish()
    assert len(tracked) == len(images)
    return tracked


def frame(index):
    return Frame(index, index / FPS, np.zeros((8, 8, 3), np.uint8))


def predicted(bundle, rows, config, skips=()):
    """Return what is said in every frame: identity to labelled face."""
    predictor = InferenceStage(bundle, face=FACE, config=config)
    return [
        {one.identity: one for one in predictor(frame(i), row, skip=i in skips)}
        for i, row in enumerate(rows)
    ]


def alone(track):
    return [(Observation(0, 0, face),) for face in track]


def same(one, other):
    assert one.label == other.label
    for name in ("inputs", "probabilities", "smoothed"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-5)


def test_two_people_are_told_what_each_is_told_alone(bundle, tracks):
    together = [(Observation(0, 0, a), Observation(1, 1, b)) for a, b in zip(*tracks, strict=True)]
    both = predicted(bundle, together, LiveConfig(faces=2))
    for identity, track in enumerate(tracks):
        for found, single in zip(both, predicted(bundle, alone(track), LiveConfig()), strict=True):
            same(found[identity], single[0])
            assert found[identity].identity == identity


def test_whoever_joins_and_leaves_changes_nothing_for_the_other(bundle, tracks):
    first, second = tracks
    rows = [
        (Observation(0, 0, face), *([Observation(1, 1, second[i])] if 3 <= i < 7 else []))
        for i, face in enumerate(first)
    ]
    found = predicted(bundle, rows, LiveConfig(faces=2))
    for row, single in zip(found, predicted(bundle, alone(first), LiveConfig()), strict=True):
        same(row[0], single[0])
    np.testing.assert_array_equal(found[3][1].smoothed, found[3][1].probabilities)


def test_nobody_and_lost_faces_have_no_prediction(bundle, tracks):
    lost = FaceTracker(FACE).push(np.zeros((120, 160), np.uint8))
    found = predicted(
        bundle, [(), (Observation(0, -1, lost[0]),), alone(tracks[0])[0]], LiveConfig()
    )
    assert found[0] == {}
    assert found[1][-1].label is None
    assert found[1][-1].quality is None
    assert found[2][0].label is not None


def test_smoothing_does_not_survive_a_loss_or_another_person(bundle, tracks):
    (first, second), nobody = tracks, FaceTracker(FACE).push(np.zeros((120, 160), np.uint8))[0]
    rows = [
        (Observation(0, 0, first[0]),),
        (Observation(0, 0, first[5]),),
        (Observation(0, 0, nobody),),
    ]
    rows += [(Observation(0, 0, first[6]),), (Observation(0, 1, second[0]),)]
    found = predicted(bundle, rows, LiveConfig(smoothing_s=1.0))
    assert np.abs(found[1][0].smoothed - found[1][0].probabilities).max() > 0
    for one in (found[0][0], found[3][0], found[4][1]):
        np.testing.assert_array_equal(one.smoothed, one.probabilities)
    assert found[2][0].smoothed is None


def test_a_skipped_frame_keeps_what_was_said_and_decays_by_the_clock(bundle, tracks):
    rows = alone(tracks[0])
    found = predicted(bundle, rows, LiveConfig(smoothing_s=0.05), skips={4, 5})
    for index in (4, 5):
        one = found[index][0]
        assert one.tracked
        assert one.inputs is None
        assert one.probabilities is None
        np.testing.assert_array_equal(one.smoothed, found[3][0].smoothed)
        assert one.label == found[3][0].label
    keep = math.exp(-3 / FPS / 0.05)
    expected = keep * found[3][0].smoothed + (1 - keep) * found[6][0].probabilities
    np.testing.assert_allclose(found[6][0].smoothed, expected, atol=1e-6)


@pytest.mark.parametrize("skips", [set(), {4}])
def test_another_person_is_not_measured_against_the_rest_of_the_first(bundle, tracks, skips):
    """Also where the frame in which they came was skipped."""
    first, second = tracks
    rows = [(Observation(0, 0, face),) for face in first[:4]]
    rows += [(Observation(0, 1, face),) for face in second[:6]]
    config = LiveConfig(adapt_s=0.05)
    found = predicted(bundle, rows, config, skips)
    assert [row[0].state for row in found[:3]] == ["neutral"] * 3
    predictor = InferenceStage(bundle, face=FACE, config=config)
    for i, face in enumerate(second[:6], start=4):
        (single,) = predictor(frame(i), (Observation(0, 1, face),), skip=i in skips)
        assert found[i][1].state == single.state
        if i not in skips:
            np.testing.assert_allclose(found[i][1].inputs, single.inputs, atol=1e-6)


def test_every_face_has_its_quality(bundle, tracks):
    together = [(Observation(0, 0, a), Observation(1, 1, b)) for a, b in zip(*tracks, strict=True)]
    found = predicted(bundle, together, LiveConfig(faces=2))
    for row in found:
        assert row[0].quality.ok
        assert row[0].quality.size_px == pytest.approx(88, abs=9)
        assert row[1].quality.size_px == pytest.approx(54, abs=6)
        assert row[1].quality.sharpness == pytest.approx(1, abs=0.15)


def test_crops_of_another_size(bundle, scene):
    face = FaceConfig(crop=CropConfig(size=96), keyframe_frames=1)
    tracker = FaceTracker(face)
    predictor = InferenceStage(bundle, face=face, config=LiveConfig())
    for i in range(3):
        (seen,) = tracker.push(scene([(0, 320, 200)], index=i))
        (one,) = predictor(frame(i), (Observation(0, 0, seen),))
        assert one.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert one.quality.size_px == pytest.approx(54, abs=6)
