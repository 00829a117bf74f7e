"""The canonical pose: the transform that takes a face to it, and what it says of the frame."""

import numpy as np
from jaxtyping import Float

from mace.face.config import CropConfig, FaceConfig
from mace.face.landmarks import eye_centres
from mace.face.similarity import Transform, apply, compose, fit_similarity, invert, scale


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
