import importlib.util

import numpy as np
import pytest

from mace.errors import DataError
from mace.face.detector import FaceDetector
from mace.face.dlib_models import model_path
from mace.face.landmarks import Landmarker, eye_centres

EYES = np.array([[203.3, 102.0], [247.7, 104.3]])


@pytest.mark.parametrize("points", [5, 68])
def test_eye_centres_lie_on_the_eyes(photo, points):
    (face,) = FaceDetector().detect(photo)
    landmarks = Landmarker(points).locate(photo, face)
    assert landmarks.shape == (points, 2)
    assert np.abs(eye_centres(landmarks) - EYES).max() < 2


def test_average_over_boxes_is_steadier(filmed):
    detector = FaceDetector()
    frames = [filmed(index, motion=0) for index in range(12)]
    spread = []
    for boxes in (1, 9):
        landmarker = Landmarker(5, boxes=boxes)
        eyes = [eye_centres(landmarker.locate(f, detector.detect(f)[0])) for f in frames]
        spread.append(np.std(eyes, axis=0).mean())
    assert spread[1] < 0.7 * spread[0]


def test_missing_model_file_is_named():
    with pytest.raises(DataError, match=r"no_such\.dat is missing"):
        model_path("no_such.dat")


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataError, match="face-recognition-models"):
        model_path("shape_predictor_5_face_landmarks.dat")
