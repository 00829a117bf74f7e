"""The canonical pose, by hand: a crop of 128 px, eyes 51.2 px apart at a height of 46.08 px."""

import numpy as np
import pytest

from mace.errors import DataError
from mace.face.config import FaceConfig
from mace.face.pose import canonical_transform, eye_shift, face_box, head_turn
from mace.face.similarity import IDENTITY, apply

CONFIG = FaceConfig()


def test_landmarks_are_brought_to_the_canonical_eyes():
    # dlib's five: corners of the left eye, outer first, of the right eye, and the nose.
    landmarks = np.array([[140.0, 80], [120, 80], [60, 80], [80, 80], [100, 110]])
    transform = canonical_transform(landmarks, CONFIG.crop)
    eyes = apply(transform, np.array([[70.0, 80], [130, 80]]))
    np.testing.assert_allclose(eyes, [[37.9, 46.08], [89.1, 46.08]], atol=1e-9)
    with pytest.raises(DataError, match="one place"):
        canonical_transform(np.ones((5, 2)), CONFIG.crop)


def test_box_of_a_face_in_canonical_pose():
    (x, y), width = face_box(IDENTITY, CONFIG)
    assert (x, y, width) == pytest.approx((63.5, 46.08 + 0.35 * 51.2, 2.6 * 51.2))
    halved = np.array([[0.5, 0, 10], [0, 0.5, 20]])  # the face in the frame is twice as large
    (x, y), width = face_box(halved, CONFIG)
    assert (x, y, width) == pytest.approx((2 * (63.5 - 10), 2 * (64.0 - 20), 2 * 133.12))


def test_shift_is_that_of_the_eyes_in_eye_distances():
    aside = np.array([[1, 0, 3.072], [0, 1, 4.096]])  # 5.12 px
    assert eye_shift(IDENTITY, aside, CONFIG) == pytest.approx(0.1)
    assert eye_shift(aside, aside, CONFIG) == pytest.approx(0)
    # Enlarged about the eye on the left, which stays; the other moves by half a distance.
    left, height = CONFIG.crop.eyes[0]
    larger = np.array([[1.5, 0, -0.5 * left], [0, 1.5, -0.5 * height]])
    assert eye_shift(IDENTITY, larger, CONFIG) == pytest.approx(0.5)


def test_turn_is_how_far_the_nose_has_left_the_middle():
    # Eyes 60 px apart about (100, 80); 24 px to the right are all that a nose stands out.
    landmarks = np.array([[140.0, 80], [120, 80], [60, 80], [80, 80], [124, 115]])
    assert head_turn(landmarks) == pytest.approx(45)
    landmarks[4, 0] = 100 - 24 * np.tan(np.radians(20))
    assert head_turn(landmarks) == pytest.approx(-20)
    quarter = np.array([[0.0, -1, 0], [1, 0, 0]])  # tilt changes nothing
    assert head_turn(apply(quarter, landmarks)) == pytest.approx(-20)
    many = np.zeros((68, 2))
    many[[36, 39, 42, 45, 33]] = landmarks[[2, 3, 1, 0, 4]]
    assert head_turn(many) == pytest.approx(-20)
    with pytest.raises(DataError, match="one place"):
        head_turn(np.ones((5, 2)))
