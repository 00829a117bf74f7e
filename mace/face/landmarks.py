"""Facial landmarks by dlib's regression trees: five points, or sixty-eight."""

from typing import Literal

import numpy as np
from jaxtyping import Float, UInt8

from mace.face.detector import Detection
from mace.face.dlib_models import rectangle, shape_predictor

# Pairs of eye corners, the eye on the left of the image first. Corners, and not lids or iris:
# blinking and looking aside leave them in place.
_EYES: dict[int, tuple[list[int], list[int]]] = {5: ([2, 3], [0, 1]), 68: ([36, 39], [42, 45])}
_NOSE_BASE = {5: 4, 68: 33}
_FILES: dict[int, str] = {
    5: "shape_predictor_5_face_landmarks.dat",
    68: "shape_predictor_68_face_landmarks.dat",
}
# Shifts and scales of the box, fractions of its width: the trees jitter with the box, by more than
# the sensor's noise makes them, and the average of a few boxes does not.
_JITTER = [(0, 0, 1), (0.04, 0, 1), (-0.04, 0, 1), (0, 0.04, 1), (0, -0.04, 1)]
_JITTER += [(0, 0, 1.06), (0, 0, 0.94), (0.03, 0.03, 1.03), (-0.03, -0.03, 0.97)]


class Landmarker:
    """Places landmarks in a detected face.

    Source: Kazemi and Sullivan, One millisecond face alignment with an ensemble of regression
    trees, CVPR 2014; dlib's models. The model of 68 points was trained on iBUG 300-W, whose terms
    exclude commercial use; the one of five points was not.

    Raises:
        DataError: if the model file is missing.
    """

    def __init__(self, points: Literal[5, 68] = 5, *, boxes: int = 1) -> None:
        self.points = points
        self._jitter = _JITTER[: max(1, boxes)]
        self._predict = shape_predictor(_FILES[points])

    def locate(
        self, gray: UInt8[np.ndarray, "h w"], detection: Detection
    ) -> Float[np.ndarray, "n 2"]:
        """Return the landmarks (x, y) in px of the frame, the mean over the shifted boxes."""
        (x, y), width = detection.centre, detection.width
        total = np.zeros((self.points, 2))
        for right, down, scale in self._jitter:
            half = 0.5 * scale * width
            box = rectangle(
                round(x + right * width - half),
                round(y + down * width - half),
                round(x + right * width + half) - 1,
                round(y + down * width + half) - 1,
            )
            parts = self._predict(gray, box).parts()
            total += [(point.x, point.y) for point in parts]
        return total / len(self._jitter)


def eye_centres(landmarks: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "2 2"]:
    """Return the centres of the eyes, (x, y) in px: the midpoints between their corners.

    Args:
        landmarks: 5 or 68 landmarks in dlib's order.

    Returns:
        The subject's right eye, which is on the left of the image, then the left one.
    """
    left, right = _EYES[len(landmarks)]
    return np.stack([landmarks[left].mean(axis=0), landmarks[right].mean(axis=0)])


def nose_base(landmarks: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "2"]:
    """Return where the nose meets the upper lip, (x, y) in px.

    Args:
        landmarks: 5 or 68 landmarks in dlib's order.
    """
    return landmarks[_NOSE_BASE[len(landmarks)]]
