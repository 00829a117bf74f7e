"""How far each region of the face has moved: a flow field boiled down to a few displacements."""

import functools
import math

import numpy as np
from jaxtyping import Float

from mace.face.config import CropConfig
from mace.face.similarity import apply, invert

type Box = tuple[float, float, float, float]

# Boxes (left, right, top, bottom) in eye distances from the point between the eyes, y downward.
# Left is the left of the image. Wide enough that the flow's noise averages out, apart enough that
# a blink, which moves the lids by several px, is not smeared over the brows.
_BOXES: dict[str, Box] = {
    "brow_left": (-0.95, -0.30, -0.62, -0.24),
    "brow_middle": (-0.30, 0.30, -0.62, -0.20),
    "brow_right": (0.30, 0.95, -0.62, -0.24),
    "eye_left": (-0.80, -0.20, -0.15, 0.15),
    "eye_right": (0.20, 0.80, -0.15, 0.15),
    "nose": (-0.28, 0.28, 0.25, 0.62),
    "cheek_left": (-0.90, -0.30, 0.22, 0.68),
    "cheek_right": (0.30, 0.90, 0.22, 0.68),
    "mouth_left": (-0.65, -0.26, 0.72, 1.16),
    "mouth_right": (0.26, 0.65, 0.72, 1.16),
    "lip_upper": (-0.28, 0.28, 0.70, 0.92),
    "lip_lower": (-0.28, 0.28, 0.95, 1.18),
    "chin": (-0.40, 0.40, 1.22, 1.55),
}
REGIONS = tuple(_BOXES)
EYES = tuple(name for name in REGIONS if name.startswith("eye"))
"""The regions of a blink."""
SPEAKING = ("mouth_left", "mouth_right", "lip_upper", "lip_lower", "chin")
"""The regions of speech."""
HEAD_POINTS = 3
"""Points that `head_position` gives."""


def region_displacements(
    flow: Float[np.ndarray, "h w 2"],
    *,
    framing: Box = (0.0, 0.0, 1.0, 1.0),
    crop: CropConfig = CropConfig(),  # noqa: B008 - frozen, so sharing it is safe
) -> Float[np.ndarray, "r 2"]:
    """Return the mean displacement (u, v) of each of `REGIONS`, in the flow's px.

    Args:
        flow: of a corrected face against a reference, cleared of what registration left of the
            head's motion, as `mace.motion.representation.represent` gives it (its first two
            channels); at any resolution.
        framing: left, top, right and bottom of what the flow shows, as shares of the crop
            (`MotionConfig.framing`).
        crop: where the eyes lie in it.
    """
    height, width = flow.shape[:2]
    weights = region_weights(height, width, framing=framing, crop=crop)
    return weights @ flow.reshape(height * width, 2).astype(np.float64)


@functools.lru_cache(maxsize=32)
def region_centre(
    name: str,
    *,
    crop: CropConfig = CropConfig(),  # noqa: B008 - frozen, so sharing it is safe
) -> tuple[float, float]:
    """Return the middle (x, y) of one of `REGIONS`, as shares of the crop."""
    left, right, top, bottom = _BOXES[name]
    across, down = (left + right) / 2, (top + bottom) / 2
    return 0.5 + across * crop.eye_distance, crop.eye_height + down * crop.eye_distance


@functools.lru_cache(maxsize=64)
def region_mask(
    names: tuple[str, ...],
    size: int,
    *,
    crop: CropConfig = CropConfig(),  # noqa: B008 - frozen, so sharing it is safe
) -> Float[np.ndarray, "size size"]:
    """Return 1 in and about some of `REGIONS`, falling to 0 over a fifth of the eyes' distance."""
    at = (np.arange(size) + 0.5) / size
    mask = np.zeros((size, size))
    for name in names:
        left, right, top, bottom = _BOXES[name]
        across, down = (at - 0.5) / crop.eye_distance, (at - crop.eye_height) / crop.eye_distance
        x = np.maximum(np.maximum(left - across, across - right), 0)
        y = np.maximum(np.maximum(top - down, down - bottom), 0)
        away = np.hypot(x[None], y[:, None])
        mask = np.maximum(mask, np.clip((0.3 - away) / 0.2, 0, 1))
    return mask


@functools.lru_cache(maxsize=8)
def region_weights(
    height: int,
    width: int,
    *,
    framing: Box = (0.0, 0.0, 1.0, 1.0),
    crop: CropConfig = CropConfig(),  # noqa: B008 - frozen, so sharing it is safe
) -> Float[np.ndarray, "r n"]:
    """Return the share of each pixel in each of `REGIONS`, summing to 1 over the pixels.

    Args:
        height: of the picture, px.
        width: likewise.
        framing: what it shows, as shares of the crop.
        crop: where the eyes lie in the crop.
    """
    left, top, right, bottom = framing
    rows = []
    for x0, x1, y0, y1 in _BOXES.values():
        columns = [0.5 + x * crop.eye_distance for x in (x0, x1)]
        lines = [crop.eye_height + y * crop.eye_distance for y in (y0, y1)]
        across = _cover([(c - left) / (right - left) * width for c in columns], width)
        down = _cover([(r - top) / (bottom - top) * height for r in lines], height)
        rows.append(np.outer(down, across).ravel())
    return np.array(rows)


def _cover(edges: list[float], count: int) -> Float[np.ndarray, " count"]:
    """Return how much of each of `count` cells lies between two edges, summing to 1."""
    cells = np.arange(count)
    covered = np.clip(np.minimum(edges[1], cells + 1) - np.maximum(edges[0], cells), 0, None)
    # A region that the framing has cut away is read at the nearest border.
    nearest = int(np.clip(np.mean(edges), 0, count - 1))
    return covered / covered.sum() if covered.sum() > 0 else np.eye(count)[nearest]


def head_position(
    transform: Float[np.ndarray, "2 3"],
    *,
    crop: CropConfig = CropConfig(),  # noqa: B008 - frozen, so sharing it is safe
) -> Float[np.ndarray, "3 2"]:
    """Return where the eyes and the middle of the mouth are in the frame, in px of the crop.

    They move with the head and not with the face, since the registration is on rigid points; so
    they are the rigid part of the motion.

    Args:
        transform: frame px to crop px.
        crop: where the eyes lie in the crop.
    """
    enlarged = math.sqrt(abs(transform[0, 0] * transform[1, 1] - transform[0, 1] * transform[1, 0]))
    return apply(invert(transform), _head_points(crop)) * (enlarged * 128 / crop.size)


@functools.lru_cache(maxsize=8)
def _head_points(crop: CropConfig) -> Float[np.ndarray, "3 2"]:
    below = crop.eyes.mean(axis=0) + np.array([0, crop.eye_distance * crop.size])
    return np.vstack([crop.eyes, below])
