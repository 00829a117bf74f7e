"""Cutting crops out of frames without aliasing, and how much of a crop the frame covers."""

import math

import cv2
import numpy as np
from jaxtyping import UInt8

from mace.face.config import CropConfig, Interpolation
from mace.face.similarity import Transform, invert, scale

_KERNELS: dict[Interpolation, int] = {
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
}
_LEAST_SAMPLES, _MOST_SAMPLES = 2, 4


def supersampling(transform: Transform) -> int:
    """Return how many samples an axis a crop pixel gets.

    Measured on a one-pixel brow raise: two samples are worth a quarter of the signal-to-noise even
    where nothing is shrunk, and half of it where a face is shrunk to one half.
    """
    return min(max(math.ceil(1 / scale(transform) - 0.5), _LEAST_SAMPLES), _MOST_SAMPLES)


def warp(
    gray: UInt8[np.ndarray, "h w"],
    transform: Transform,
    crop: CropConfig,
    *,
    samples: int | None = None,
) -> UInt8[np.ndarray, "s s"]:
    """Return the crop that `transform` (frame px to crop px) cuts out of the frame.

    A crop pixel is the mean of `samples` x `samples` interpolated values: a shrunk face would
    alias otherwise, and aliasing turns head motion into flicker. Beyond the frame's edge its
    last pixels are repeated.

    Args:
        gray: the frame.
        transform: frame px to crop px.
        crop: size and interpolation.
        samples: see above; by default what `supersampling` says.
    """
    samples = supersampling(transform) if samples is None else samples
    size = crop.size, crop.size
    return sample(gray, transform, size, samples=samples, interpolation=crop.interpolation)


def sample(
    gray: UInt8[np.ndarray, "h w"],
    transform: Transform,
    size: tuple[int, int],
    *,
    samples: int,
    interpolation: Interpolation = "linear",
) -> UInt8[np.ndarray, "height width"]:
    """Return the picture of `size` (width, height) px that `transform` cuts out, as `warp` does."""
    # Pixel x covers the fine samples `samples`·x to `samples`·x + `samples` - 1.
    fine = transform * samples
    fine[:, 2] += (samples - 1) / 2
    picture = cv2.warpAffine(
        gray,
        fine,
        (size[0] * samples, size[1] * samples),
        flags=_KERNELS[interpolation],
        borderMode=cv2.BORDER_REPLICATE,
    )
    if samples > 1:
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.asarray(picture)


def visible_fraction(transform: Transform, crop: CropConfig, shape: tuple[int, ...]) -> float:
    """Return which fraction of the crop lies within a frame of the given (height, width)."""
    edge = crop.size - 0.5
    (a, b, x), (c, d, y) = invert(transform).tolist()
    corners = [
        (a * u + b * v + x, c * u + d * v + y)
        for u, v in ((-0.5, -0.5), (edge, -0.5), (edge, edge), (-0.5, edge))
    ]
    right, bottom = shape[1] - 0.5, shape[0] - 0.5
    if all(-0.5 <= u <= right and -0.5 <= v <= bottom for u, v in corners):
        return 1.0
    frame = [(-0.5, -0.5), (right, -0.5), (right, bottom), (-0.5, bottom)]
    area, _ = cv2.intersectConvexConvex(np.array(corners, np.float32), np.array(frame, np.float32))
    return float(min(area * scale(transform) ** 2 / crop.size**2, 1.0))
