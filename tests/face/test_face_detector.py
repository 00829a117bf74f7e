import cv2
import numpy as np
import pytest

from mace.face.config import DetectorConfig
from mace.face.detector import FaceDetector

DETECTOR = FaceDetector()
EYES = np.array([[203.3, 102.0], [247.7, 104.3]])


def test_face_is_found_around_its_eyes(photo):
    (face,) = DETECTOR.detect(photo)
    assert face.score > 1
    assert ([face.left, face.top] < EYES).all()
    assert ([face.right, face.bottom] > EYES).all()


@pytest.mark.parametrize("factor", [0.5, 2.0, 4.0])
def test_box_is_in_px_of_the_image_whatever_its_size(photo, factor):
    (small,) = DETECTOR.detect(photo)
    resized = cv2.resize(photo, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    face = DETECTOR.detect(resized)[0]
    assert face.width == pytest.approx(factor * small.width, rel=0.35)
    assert np.hypot(*np.subtract(face.centre, np.multiply(factor, small.centre))) < 0.2 * face.width


@pytest.mark.parametrize("shape", [(480, 640), (1, 1), (3, 200), (16, 16)])
def test_no_face_is_an_empty_list(shape):
    noise = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    assert DETECTOR.detect(noise) == []
    assert DETECTOR.detect(np.zeros(shape, np.uint8)) == []


def test_largest_face_comes_first(photo):
    face = photo[10:270, 110:340]
    scene = np.full((480, 640), 128, np.uint8)
    scene[100:230, 20:135] = cv2.resize(face, (115, 130), interpolation=cv2.INTER_AREA)
    scene[50:430, 250:590] = cv2.resize(face, (340, 380), interpolation=cv2.INTER_AREA)
    found = FaceDetector(DetectorConfig(side=1280)).detect(scene)
    assert len(found) == 2
    assert found[0].left > 250
    assert found[1].right < 250


def test_near_confirms_a_face_and_only_there(photo):
    (face,) = DETECTOR.detect(photo)
    found = DETECTOR.near(photo, face.centre, face.width)
    assert found is not None
    assert np.hypot(*np.subtract(found.centre, face.centre)) < 0.15 * face.width
    assert DETECTOR.near(photo, (430.0, 300.0), face.width) is None
    assert DETECTOR.near(photo, (-500.0, -500.0), face.width) is None
    assert DETECTOR.near(photo, face.centre, 3 * face.width) is None


def test_score_threshold_decides(photo):
    assert FaceDetector(DetectorConfig(min_score=50.0)).detect(photo) == []
