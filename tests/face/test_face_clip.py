from dataclasses import replace

import cv2
import numpy as np
import pytest

from mace.errors import DataError
from mace.face.clip import correct_clip, correct_video
from mace.face.config import FaceConfig
from mace.face.tracked import Status
from mace.face.tracker import FaceTracker

QUICK = FaceConfig(keyframe_frames=3, boxes=3)
SCENERY = np.random.default_rng(9).integers(0, 256, (480, 640)).astype(np.uint8)


@pytest.fixture(scope="module")
def frames(filmed) -> list[np.ndarray]:
    return [filmed(3 * index) for index in range(12)]


@pytest.fixture(scope="module")
def clip(frames):
    return correct_clip(frames, onset=4, config=QUICK)


def test_clip_has_one_answer_per_frame(clip):
    assert clip.frames.shape == (12, 128, 128)
    assert clip.frames.dtype == np.uint8
    assert clip.transforms.shape == (12, 2, 3)
    assert clip.landmarks.shape == (5, 2)
    assert clip.error_px[4] == 0
    assert (clip.error_px < 0.2).all()
    assert clip.status == (Status.TRACKED,) * 12
    assert clip.quality == "good"


def test_clip_played_from_its_onset_gives_the_same_crops_bit_for_bit(frames, clip):
    tracker = FaceTracker(QUICK)
    answers = [answer for frame in frames[4:] for answer in tracker.push(frame)]
    for answer, crop, transform in zip(answers, clip.frames[4:], clip.transforms[4:], strict=True):
        np.testing.assert_array_equal(answer.crop, crop)
        np.testing.assert_array_equal(answer.transform, transform)


def test_frames_before_the_onset_lie_on_it_too(clip, probes_in_crop):
    landed = np.stack([probes_in_crop(t, 3 * i) for i, t in enumerate(clip.transforms)])
    assert np.abs(landed - landed[4]).max() < 0.1


def test_array_and_list_are_the_same_clip(frames, clip):
    again = correct_clip(np.stack(frames), onset=4, config=QUICK)
    np.testing.assert_array_equal(again.frames, clip.frames)


def test_a_long_video_is_followed_from_its_first_face_on(frames):
    shown = iter([SCENERY, None, *frames[:6], SCENERY, *frames[6:]])
    long = correct_video(shown, fps=30, config=replace(QUICK, search_interval=1))
    plain = correct_clip(frames, config=QUICK)
    tracked = [status is Status.TRACKED for status in long.status]
    assert tracked == [False, False, *[True] * 6, False, *[True] * 6]
    np.testing.assert_array_equal(long.frames[2:8], plain.frames[:6])
    # Nothing is shown where no face is; the face that comes back is registered as before.
    assert not long.frames[0].any()
    assert np.isnan(long.transforms[0]).all()
    assert len(set(long.reference_ids[2:])) == 1
    assert "3 of 15 frames not registered" in long.quality


def test_a_long_video_without_a_face_is_refused():
    with pytest.raises(DataError, match="any of its 2 frames"):
        correct_video([SCENERY, SCENERY], fps=30, config=QUICK)


def test_frame_without_a_face_shows_the_place_where_it_was(frames):
    clip = correct_clip([*frames[:5], SCENERY, SCENERY], config=QUICK)
    assert clip.status[5:] == (Status.LOST, Status.NO_FACE)
    np.testing.assert_array_equal(clip.transforms[5], clip.transforms[4])
    assert np.isnan(clip.error_px[5:]).all()
    assert clip.quality == "2 of 7 frames not registered"


def test_a_blink_leaves_one_keyframe(filmed, photo):
    closed = photo.copy()
    closed[92:114, 185:265] = cv2.GaussianBlur(photo[92:114, 185:265], (0, 0), 9)
    frames = [filmed(i, motion=0) for i in range(6)]
    frames += [filmed(i, motion=0, picture=closed) for i in range(6, 26)]
    frames += [filmed(i, motion=0) for i in range(26, 30)]
    clip = correct_clip(frames)
    assert Status.DOUBTFUL in clip.status  # or it would show nothing
    assert set(clip.status[-4:]) == {Status.TRACKED}
    assert set(clip.reference_ids) == {0}


def test_gap_before_the_onset_is_filled_from_the_onset_outward(frames):
    clip = correct_clip([SCENERY, *frames[:4]], onset=1, config=QUICK)
    assert clip.status[0] is Status.LOST
    np.testing.assert_array_equal(clip.transforms[0], clip.transforms[1])


def test_clip_of_one_frame(frames):
    clip = correct_clip(frames[:1])
    assert clip.frames.shape == (1, 128, 128)
    assert clip.quality == "good"


def test_quality_names_every_doubt(clip):
    doubtful = replace(clip, reference_ids=np.array([0] * 6 + [1] * 6), faces=3, visible=0.8)
    assert doubtful.quality == "2 keyframes; 3 faces; face at the border (80% visible)"
    blurred = replace(clip, error_px=np.array([np.nan] * 11 + [0.72]))
    assert blurred.quality == "registered within 0.7 px only"


@pytest.mark.parametrize(
    ("change", "onset", "says"),
    [
        (lambda f: f[:0], 0, "onset 0 lies outside the clip, which has 0 frames"),
        (lambda f: f, 12, "onset 12 lies outside"),
        (lambda f: f, -1, "onset -1 lies outside"),
        (lambda f: [*f[:3], None], 0, "frame 3: expected an image"),
        (lambda f: [*f[:2], f[2].astype(float)], 0, "frame 2: expected an image of 8-bit"),
        (lambda f: [*f[:2], f[2][:-1]], 0, r"frame 2 is \(640, 479\) px"),
        (lambda f: [SCENERY, *f[:2]], 0, r"no face found in the onset frame \(position 0\)"),
    ],
)
def test_clip_that_cannot_be_corrected_says_why(frames, change, onset, says):
    with pytest.raises(DataError, match=says):
        correct_clip(change(frames), onset=onset, config=QUICK)
