"""The canonical pose: the transform that takes a face to it, and what it says of the frame."""

import math

import numpy as np
from jaxtyping import Float

from mace.errors import DataError
from mace.face.config import CropConfig, FaceConfig
from mace.face.landmarks import eye_centres, nose_base
from mace.face.similarity import Transform, apply, compose, fit_similarity, invert, scale

# How far the base of the nose stands out before the eyes, in eye distances: 0.36 to 0.43 of eight
# rendered heads that were turned by 20 to 40 degrees.
_NOSE_REACH = 0.4


def canonical_transform(landmarks: Float[np.ndarray, "n 2"], crop: CropConfig) -> Transform:
    """Return the similarity, frame px to crop px, that brings the eyes to their canonical places.

    Raises:
        DataError: if the eyes coincide.
    """
    return fit_similarity(eye_centres(landmarks), crop.eyes)


def face_box(transform: Transform, config: FaceConfig) -> tuple[tuple[float, float], float]:
    """Return centre and width of the box dlib would draw around a face in canonical pose."""
    crop = config.crop
    distance = crop.eye_distance * crop.size
    # Halfway between the eyes, and a little below.
    centre_x, centre_y = (crop.size - 1) / 2, crop.eye_height * crop.size + 0.35 * distance
    (a, b, x), (c, d, y) = invert(transform).tolist()
    centre = a * centre_x + b * centre_y + x, c * centre_x + d * centre_y + y
    return centre, 2.6 * distance / scale(transform)


def eye_shift(transform: Transform, other: Transform, config: FaceConfig) -> float:
    """Return how far apart two transforms put the eyes, in eye distances."""
    eyes = config.crop.eyes
    moved = apply(compose(other, invert(transform)), eyes) - eyes
    return float(np.hypot(*moved.T).max()) / (config.crop.eye_distance * config.crop.size)


def head_turn(landmarks: Float[np.ndarray, "n 2"]) -> float:
    """Return how far a head is turned out of the image's plane, degrees to the image's right.

    By how far the base of the nose has left the middle between the eyes, along the line through
    them. Coarse, since noses differ: on rendered level heads that were turned by up to 30 degrees
    it is wrong by less than 7 in the root mean square and 16 at most (tests/face/test_face_truth).
    Of a head that is bowed or raised by 15 degrees it may be half or one and a half times as much
    as it should. A head that is tilted in the plane is measured alike.

    Args:
        landmarks: 5 or 68 landmarks in dlib's order, px.

    Raises:
        DataError: if the eyes coincide.
    """
    eyes = eye_centres(landmarks)
    along = eyes[1] - eyes[0]
    squared = float(along @ along)
    if squared == 0:
        raise DataError("cannot tell how a head is turned whose eyes are in one place")
    aside = float((nose_base(landmarks) - eyes.mean(axis=0)) @ along) / squared
    return math.degrees(math.atan(aside / _NOSE_REACH))
