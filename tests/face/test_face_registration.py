import math

import cv2
import numpy as np
import pytest

from mace.face.config import FaceConfig, RegistrationConfig
from mace.face.correction import Keyframe
from mace.face.detector import FaceDetector
from mace.face.landmarks import Landmarker, eye_centres
from mace.face.rigid import COARSE, FINE, rigid_points
from mace.face.similarity import apply, compose

CONFIG = FaceConfig()


@pytest.fixture(scope="module")
def keyframe(filmed) -> Keyframe:
    first = filmed(0, motion=0)
    landmarks = Landmarker(5, boxes=5).locate(first, FaceDetector().detect(first)[0])
    return Keyframe(first, landmarks, CONFIG)


def rms(offsets: np.ndarray) -> float:
    return float(np.sqrt((offsets**2).sum(axis=-1).mean()))


def test_keyframe_brings_its_landmarks_to_the_canonical_eyes(keyframe):
    eyes = apply(keyframe.transform, eye_centres(keyframe.landmarks))
    np.testing.assert_allclose(eyes, CONFIG.crop.eyes, atol=1e-9)
    assert keyframe.reference.shape == (128, 128)


def test_keyframe_registers_to_itself_exactly(keyframe, filmed):
    found = keyframe.register(filmed(0, motion=0), keyframe.transform)
    assert found.ok
    assert found.correlation > 0.999
    np.testing.assert_allclose(found.transform, keyframe.transform, atol=1e-6)


def test_still_face_jitters_less_than_two_hundredths_of_a_pixel(keyframe, filmed, probes_in_crop):
    found = [keyframe.register(filmed(i, motion=0), keyframe.transform) for i in range(1, 25)]
    landed = np.stack([probes_in_crop(f.transform, 0, motion=0) for f in found])
    assert all(f.ok for f in found)
    assert rms(landed - landed.mean(axis=0)) <= 0.02


def test_moving_head_is_held_within_five_hundredths_of_a_pixel(keyframe, filmed, probes_in_crop):
    truth = probes_in_crop(keyframe.transform, 0)
    transform, offsets = keyframe.transform, []
    for index in range(1, 120, 3):
        found = keyframe.register(filmed(index), transform)
        assert found.ok
        transform = found.transform
        offsets.append(probes_in_crop(transform, index) - truth)
    # The keyframe's own noise is a constant offset; jitter is what varies about it.
    assert rms(np.stack(offsets) - np.mean(offsets, axis=0)) <= 0.03
    assert rms(np.mean(offsets, axis=0)) <= 0.05


@pytest.mark.parametrize("jump", [4, 12, 25])
def test_jump_of_the_head_is_caught(keyframe, filmed, jump):
    frame, caught = filmed(3, motion=0), 0
    for k in range(8):
        shift = [[1, 0, jump * math.cos(k)], [0, 1, jump * math.sin(k)]]
        found = keyframe.register(frame, compose(np.array(shift), keyframe.transform))
        eyes = eye_centres(keyframe.landmarks)
        caught += found.ok and rms(apply(found.transform, eyes) - CONFIG.crop.eyes) < 0.1
    assert caught == 8


def test_brightness_and_contrast_do_not_move_the_face(keyframe, filmed):
    frame = filmed(0, motion=0, noise=0)
    plain = keyframe.register(frame, keyframe.transform)
    for gain, offset in ((0.8, 0), (1.15, 0), (0.9, 20)):
        lit = cv2.convertScaleAbs(frame, alpha=gain, beta=offset)
        found = keyframe.register(lit, keyframe.transform)
        assert found.ok
        eyes = eye_centres(keyframe.landmarks)
        assert rms(apply(found.transform, eyes) - apply(plain.transform, eyes)) < 0.03


def test_what_is_no_face_does_not_register(keyframe, filmed):
    noise = np.random.default_rng(0).integers(0, 256, (480, 640)).astype(np.uint8)
    for frame in (noise, np.zeros((480, 640), np.uint8), cv2.flip(filmed(0, motion=0), 0)):
        assert not keyframe.register(frame, keyframe.transform).ok


def test_hand_over_an_eye_is_an_outlier_not_a_shift(keyframe, filmed):
    frame = filmed(1, motion=0)
    whole = keyframe.register(frame, keyframe.transform)
    (x, y), _ = eye_centres(keyframe.landmarks)
    x, y = int(x), int(y)
    frame[y - 30 : y + 60, x - 60 : x + 4] = 170
    covered = keyframe.register(frame, keyframe.transform)
    eyes = eye_centres(keyframe.landmarks)
    assert covered.inliers < whole.inliers
    assert covered.error_px < 0.3
    assert rms(apply(covered.transform, eyes) - apply(whole.transform, eyes)) < 0.1


def test_smooth_face_never_registers(filmed):
    blurred = cv2.GaussianBlur(filmed(0, motion=0, noise=0), (0, 0), 40)
    landmarks = np.array([[366, 160], [340, 160], [290, 160], [316, 160], [328, 200]], float)
    blank = Keyframe(np.full_like(blurred, 128), landmarks, CONFIG)
    found = blank.register(blurred, blank.transform)
    assert not found.ok
    assert found.inliers == 0


@pytest.mark.parametrize("field", [FINE, COARSE])
def test_rigid_points_keep_off_brows_lids_and_mouth(field):
    picture = np.random.default_rng(0).integers(0, 256, (field.height, field.width))
    points = rigid_points(picture.astype(np.uint8), field, RegistrationConfig())
    relative = (points - field.eyes.mean(axis=0)) / field.eye_distance
    x, y = np.abs(relative[:, 0]), relative[:, 1]
    assert len(points) >= 20
    assert y.min() > -0.13  # brows lie a quarter of an eye distance and more above the eyes
    assert y.max() < 0.75  # the upper lip begins below
    assert not ((x > 0.36) & (x < 0.65)).any()  # pupils and lids lie at a half
