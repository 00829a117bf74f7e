"""Face correction measured on rendered faces, whose every point is known exactly."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from mace.datasets.synthetic.clips.clip import RenderedClip, render_clip
from mace.datasets.synthetic.clips.config import ClipConfig
from mace.datasets.synthetic.clips.subject import Subject
from mace.datasets.synthetic.geometry.camera import rotation
from mace.datasets.synthetic.head.assets import UNIT_NAMES
from mace.datasets.synthetic.picture import sensor
from mace.datasets.synthetic.picture.studio import Studio
from mace.face.clip import AlignedClip, correct_clip
from mace.face.config import CropConfig
from mace.face.detector import FaceDetector
from mace.face.landmarks import Landmarker, eye_centres
from mace.face.pose import canonical_transform, head_turn
from mace.face.similarity import apply
from mace.face.warping import warp

CROP = CropConfig()
RIGID = [*range(27, 36), 36, 39, 42, 45]  # nose and eye corners among the 68 landmarks
BROWS = list(range(17, 27))
FRAMES = 36


@pytest.fixture(scope="module")
def subject() -> Subject:
    return Subject(2)


@pytest.fixture(scope="module")
def record(subject):
    def clip(aus: dict[str, float], **recording: float) -> RenderedClip:
        config = ClipConfig.quiet(width=320, height=240, eye_distance=60.0, noise=1.0, **recording)
        return render_clip(subject, aus=aus, seed=3, config=config)

    return clip


@pytest.fixture(scope="module")
def still(record) -> RenderedClip:
    return record({}, frames=24)


@pytest.fixture(scope="module")
def moving(record) -> RenderedClip:
    return record({}, frames=FRAMES, head_motion=3.0, flicker=1.0)


@pytest.fixture(scope="module")
def brow_raise(record) -> RenderedClip:
    # One pixel of the crop, whose scale is 51.2 px to 60 px of the frame.
    peak = 60 / 51.2
    return record({"1": peak, "2": peak}, frames=FRAMES, head_motion=3.0)


def landed(clip: RenderedClip, transforms: np.ndarray, points: list[int]) -> np.ndarray:
    """Where landmarks lie in the crops, (t, n, 2)."""
    pairs = zip(transforms, clip.points[:, points].astype(np.float64), strict=True)
    return np.stack([apply(transform, places) for transform, places in pairs])


def rms(offsets: np.ndarray) -> float:
    return float(np.sqrt((offsets**2).sum(axis=-1).mean()))


def per_frame_landmarks(clip: RenderedClip) -> tuple[np.ndarray, np.ndarray]:
    """Eye alignment of every frame by itself: crops and transforms."""
    detector, landmarker = FaceDetector(), Landmarker(5)
    located = [landmarker.locate(f, detector.detect(f)[0]) for f in clip.frames]
    transforms = [canonical_transform(landmarks, CROP) for landmarks in located]
    crops = [warp(f, t, CROP) for f, t in zip(clip.frames, transforms, strict=True)]
    return np.stack(crops), np.stack(transforms)


def test_still_face_jitters_at_most_two_hundredths_of_a_pixel(still):
    places = landed(still, correct_clip(still.frames).transforms, RIGID)
    assert rms(places - places.mean(axis=0)) <= 0.02


def test_moving_head_jitters_at_most_five_hundredths_of_a_pixel(moving):
    aligned = correct_clip(moving.frames)
    assert aligned.quality == "good"
    places = landed(moving, aligned.transforms, RIGID)
    assert rms(places - places.mean(axis=0)) <= 0.05
    carried = landed(moving, np.repeat(aligned.transforms[:1], FRAMES, axis=0), RIGID)
    assert np.ptp(carried, axis=0).max() > 0.5  # there was motion to remove


def test_eyes_lie_in_their_places_but_for_the_landmarks_error(still, moving):
    for clip in (still, moving):
        aligned = correct_clip(clip.frames)
        detector, landmarker = FaceDetector(), Landmarker(5)
        errors = []
        for frame, transform, eyes in zip(
            clip.frames[::4], aligned.transforms[::4], clip.eye_centres[::4], strict=True
        ):
            found = eye_centres(landmarker.locate(frame, detector.detect(frame)[0]))
            errors.append(apply(transform, found) - apply(transform, np.float64(eyes)))
        pairs = zip(aligned.transforms, clip.eye_centres, strict=True)
        places = np.stack([apply(transform, np.float64(eyes)) for transform, eyes in pairs])
        assert rms(places - CROP.eyes) <= 0.5 + rms(np.stack(errors))


@pytest.mark.parametrize("roll", [-30.0, 30.0])
def test_roll_up_to_thirty_degrees_is_removed(record, still, roll):
    rolled = record({}, frames=3, roll_deg=roll)
    (left, right) = rolled.eye_centres[0]
    seen = np.degrees(np.arctan2(right[1] - left[1], right[0] - left[0]))
    assert abs(seen) > 25
    aligned = correct_clip(rolled.frames)
    (left, right) = apply(aligned.transforms[0], np.float64(rolled.eye_centres[0]))
    assert abs(np.degrees(np.arctan2(right[1] - left[1], right[0] - left[0]))) < 2.5


def test_turn_out_of_the_plane_is_told_to_some_degrees():
    detector, landmarker = FaceDetector(), Landmarker(5, boxes=5)
    config = ClipConfig.quiet(width=320, height=240, eye_distance=60.0, frames=2)
    errors = []
    for person in range(2, 6):
        subject = Subject(person)
        view = render_clip(subject, aus={}, seed=3, config=config).views[0]
        studio = Studio(subject.person, height=240, width=320)
        for turn in (-30.0, -20.0, 0.0, 20.0, 30.0):
            view = replace(view, turn=rotation(np.radians([turn, 0.0, 0.0])))
            light, _, _ = studio.expose(
                np.zeros(len(UNIT_NAMES), np.float32),
                view,
                lamps=subject.lamps,
                lit=subject.person.shadows(view.turn.T @ subject.lamps.key),
                wall=subject.wall(height=240, width=320),
            )
            gray = sensor.record(light, subject.sensor(1.0), brightness=1.0, grain=(0, 0))
            landmarks = landmarker.locate(gray, detector.detect(gray)[0])
            errors.append(head_turn(landmarks) - turn)
    assert np.sqrt(np.mean(np.square(errors))) < 7
    assert np.abs(errors).max() < 16


def brow_signal(crops: np.ndarray, clip: RenderedClip, transforms: np.ndarray) -> float:
    """Signal-to-noise of the brow raise: rise at the apex over the spread at rest."""
    brows = landed(clip, transforms, BROWS)[0]
    (left, top), (right, bottom) = brows.min(axis=0).astype(int), brows.max(axis=0).astype(int)
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    window = slice(top - 2, bottom + 3), slice(left, right + 1)
    rise = [-flow.calc(crops[0], crop, None)[window][..., 1].mean() for crop in crops[1:]]
    weights = clip.au_weights.sum(axis=1)[1:]
    rest = np.array(rise)[weights < 0.02 * weights.max()]
    assert len(rest) >= 4
    peak = np.array(rise)[weights > 0.9 * weights.max()].mean()
    return abs(peak - rest.mean()) / rest.std()


def test_brow_raise_stands_out_five_times_better_than_by_landmarks(brow_raise):
    aligned: AlignedClip = correct_clip(brow_raise.frames)
    ours = brow_signal(aligned.frames, brow_raise, aligned.transforms)
    crops, transforms = per_frame_landmarks(brow_raise)
    theirs = brow_signal(crops, brow_raise, transforms)
    assert ours > 10
    assert ours >= 5 * theirs


def test_brow_raise_itself_is_left_in_the_crop(brow_raise):
    aligned = correct_clip(brow_raise.frames)
    weights = brow_raise.au_weights.sum(axis=1)
    brows = landed(brow_raise, aligned.transforms, BROWS)
    rigid = landed(brow_raise, aligned.transforms, RIGID)
    apex = int(weights.argmax())
    assert (brows[0, :, 1] - brows[apex, :, 1]).max() > 0.6
    assert rms(rigid[apex] - rigid[0]) < 0.1
