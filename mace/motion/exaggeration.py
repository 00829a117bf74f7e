"""A movement of half a pixel made large enough to be looked at.

The picture shows what was measured and nothing else: each point of the face is put where it would
be had it moved `factor` times as far (Liu et al., Motion magnification, ACM SIGGRAPH 2005, by dense
flow in place of clustered layers). Three things keep it a picture of the face. What the estimator
makes of a still face is not multiplied; the motion fades out about the face, where what is
behind it moves; and where multiplied motion would fold the skin over itself it is
smoothed, point by point, until it does not.
"""

import functools

import cv2
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Float32, UInt8

from mace.errors import DataError
from mace.motion.config import REFERENCE_SIZE, WHOLE_CROP
from mace.motion.detrend import remove_head_motion
from mace.motion.pair import flow
from mace.motion.resample import Framing

MOST = 50.0
"""The largest factor: by it the faintest motion that is multiplied moves by 5 px of the crop."""

NOISE_PX = 0.1
"""Motion below this, in px of the 128-px crop, is the estimator's own.

Of four rendered still faces with sensor noise of 0.8 to 2 grey levels, DIS makes a flow whose
length is 0.02 px in the median pixel of the face, 0.05 to 0.07 px in the 95 % quantile and 0.09 to
0.17 px in the 99 % one (`tests/motion/test_exaggeration.py` has two of them)."""

# A worse camera makes more: the median is that of noise as long as most of the face is still. Where
# the whole face moves it is not, and must not hide the movement.
_TIMES_MEDIAN, _MOST_NOISE_PX = 4.0, 0.25
# From so many times the noise on a movement is multiplied in full.
_SURE = 1.6
# Standard deviations of Gaussians, px of the 128-px crop: over which a movement must hold together,
# and which softens where it ends.
_NEAR_PX, _SOFT_PX = 2.0, 1.5
# How far multiplied motion may carry a point, as a share of the picture's side.
_FARTHEST = 0.12
# Share of itself that an area may shrink to. Below 0 skin folds over, and is shown twice.
_LEAST_AREA = 0.3
_ROUNDS = 12
_NEWTON = 6
# The face in a crop, as shares of it: middle, and how far it reaches across, up and down; between
# these parts of that motion fades out. Behind the jaw the background moves with every turn.
_MIDDLE, _ACROSS, _UP, _DOWN = (0.5, 0.42), 0.44, 0.41, 0.57
_FADE = 0.85, 1.0


def exaggerate(
    onset: UInt8[np.ndarray, "..."], apex: UInt8[np.ndarray, "..."], *, factor: float = 10.0
) -> UInt8[np.ndarray, "..."]:
    """Return the apex with its motion since the onset multiplied, so that a person can see it.

    Args:
        onset: a face before it moves: uint8, gray (h, w) or colour (h, w, 3) as OpenCV reads it
            (blue, green, red). It should be a corrected crop (`mace.face`), or fill the picture
            about as one; what is left of the head's own motion is taken out.
        apex: the same face at the height of the movement, of the same shape.
        factor: how much farther everything moves, 1 to 50; 1 returns the apex.

    Raises:
        DataError: for pictures of different shapes or types, or a factor out of range.

    Examples:
        >>> import cv2, numpy as np
        >>> import mace
        >>> spots = np.random.default_rng(0).integers(60, 200, (32, 32), np.uint8)
        >>> onset = cv2.resize(spots, (128, 128), interpolation=cv2.INTER_CUBIC)
        >>> y, x = np.mgrid[:128, :128].astype(np.float32)
        >>> down = 0.5 * np.exp(-((x - 64) ** 2 + (y - 64) ** 2) / 200)
        >>> apex = cv2.remap(onset, x, y - down, cv2.INTER_CUBIC)  # half a pixel in the middle
        >>> shown = mace.exaggerate(onset, apex, factor=10)
        >>> bool(3.5 < mace.flow(onset, shown)[62:67, 62:67, 1].mean() < 5)
        True
    """
    check_factor(factor)
    if onset.shape != apex.shape or onset.ndim not in {2, 3}:
        raise DataError(
            f"onset has the shape {onset.shape} and apex {apex.shape}; give two pictures of one "
            "size, (h, w) or (h, w, 3)"
        )
    field = flow(onset, apex)
    field = np.asarray(remove_head_motion(jnp.asarray(field[None]), method="affine"))[0]
    return move(apex, worth_multiplying(field), factor=factor)


def check_factor(factor: float) -> None:
    """See whether motion can be multiplied by `factor`.

    Raises:
        DataError: if it is out of range.
    """
    if not 1 <= factor <= MOST:
        raise DataError(f"factor is {factor}, expected 1 to {MOST:g}")


def worth_multiplying(
    motion: Float[np.ndarray, "h w 2"],
    *,
    noise_px: float | None = None,
) -> Float32[np.ndarray, "h w 2"]:
    """Return a face's motion without the estimator's noise, and fading out before the border.

    Args:
        motion: of a face crop, head motion removed, in its own px.
        noise_px: motion no longer than this is noise, px of the 128-px crop; by default what the
            median over the face says, but between `NOISE_PX` and 0.25 px.
    """
    height, width = motion.shape[:2]
    unit = width / REFERENCE_SIZE
    field = np.ascontiguousarray(motion, np.float32)
    fade = _fade(height, width)
    length = cv2.GaussianBlur(_length(field), (0, 0), _NEAR_PX * unit)
    if noise_px is None:
        usual = float(np.median(length[fade > 0])) / unit
        noise_px = max(NOISE_PX, min(_TIMES_MEDIAN * usual, _MOST_NOISE_PX))
    weight = _smoothstep(length, noise_px * unit, _SURE * noise_px * unit)
    softened = cv2.GaussianBlur(field * weight[..., None], (0, 0), _SOFT_PX * unit)
    return softened * fade[..., None]


def on_crop(
    motion: Float[np.ndarray, "n n 2"],
    *,
    size: int,
    framing: Framing = WHOLE_CROP,
) -> Float32[np.ndarray, "size size 2"]:
    """Return a network's motion, px of the 128-px crop, as one of a whole crop of `size` px.

    Beyond what the network is shown (`framing`) it goes on as at its border.
    """
    left, top, right, bottom = (share * size for share in framing)
    columns, rows = motion.shape[1] / (right - left), motion.shape[0] / (bottom - top)
    x = (np.arange(size) + 0.5 - left) * columns - 0.5
    y = (np.arange(size) + 0.5 - top) * rows - 0.5
    across, down = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    field = np.ascontiguousarray(motion, np.float32)
    scaled = field * np.float32(size / REFERENCE_SIZE)
    return cv2.remap(scaled, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def move(
    picture: UInt8[np.ndarray, "..."],
    motion: Float32[np.ndarray, "h w 2"],
    *,
    factor: float,
) -> UInt8[np.ndarray, "..."]:
    """Return a picture with the motion that led to it multiplied.

    Args:
        picture: after the motion, gray or with colours last; it may be larger than the motion, of
            the same shape: half the side takes a quarter of the time.
        motion: up to it, in its own px: what was at (x, y) before is now at (x + u, y + v).
        factor: of the motion; 1 returns the picture.
    """
    if not motion.any() or factor == 1:
        return picture.copy()
    height, width = motion.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    came = _arrived(unfolded(factor * motion), x, y)
    # One part in `factor` of the way the picture has gone itself.
    back = came * np.float32(1 - 1 / factor)
    way = cv2.INTER_CUBIC
    if picture.shape[:2] != (height, width):
        way = cv2.INTER_LINEAR  # in a third of the time, and such pictures have been enlarged
        height, width = picture.shape[:2]
        back = cv2.resize(back, (width, height), interpolation=cv2.INTER_CUBIC)
        back *= np.float32(width / motion.shape[1])
        y, x = np.mgrid[:height, :width].astype(np.float32)
    place = x - back[..., 0], y - back[..., 1]
    return np.asarray(cv2.remap(picture, *place, way, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _arrived(
    shift: Float32[np.ndarray, "h w 2"], x: np.ndarray, y: np.ndarray
) -> Float32[np.ndarray, "h w 2"]:
    """Return how far the point that a displacement carries to each (x, y) has come.

    By Newton's method, which converges where the skin is stretched, too: nothing folds over.
    """
    (uy, ux), (vy, vx) = np.gradient(shift[..., 0]), np.gradient(shift[..., 1])
    slopes = np.stack([ux, uy, vx, vy], axis=-1)
    came = shift.copy()
    for _ in range(_NEWTON):
        place = x - came[..., 0], y - came[..., 1]
        u, v = np.moveaxis(_at(shift, *place) - came, -1, 0)
        ux, uy, vx, vy = np.moveaxis(_at(slopes, *place), -1, 0)
        area = np.maximum((1 + ux) * (1 + vy) - uy * vx, _LEAST_AREA)
        came[..., 0] += ((1 + vy) * u - uy * v) / area
        came[..., 1] += ((1 + ux) * v - vx * u) / area
    return came


def unfolded(shift: Float32[np.ndarray, "h w 2"]) -> Float32[np.ndarray, "h w 2"]:
    """Return a displacement that carries no point too far and folds nothing over.

    Where an area would shrink below a share of itself, the displacement is smoothed, the more
    widely the longer that lasts; elsewhere it stays as it is.
    """
    most = _FARTHEST * shift.shape[1]
    length = _length(shift) / most
    field = shift / np.sqrt(np.sqrt(1 + length**4))[..., None]
    unit = shift.shape[1] / REFERENCE_SIZE
    for number in range(1, _ROUNDS + 1):
        folding = (_area(field) < _LEAST_AREA).astype(np.float32)
        if not folding.any():
            break
        sigma = number * unit
        near = np.minimum(8 * cv2.GaussianBlur(folding, (0, 0), 1.5 * sigma), 1)[..., None]
        field += near * (cv2.GaussianBlur(field, (0, 0), sigma) - field)
    return field


def _area(field: Float32[np.ndarray, "h w 2"]) -> Float32[np.ndarray, "h w"]:
    """Return by how much the displacement enlarges each pixel; negative where it folds it over."""
    (uy, ux), (vy, vx) = np.gradient(field[..., 0]), np.gradient(field[..., 1])
    return (1 + ux) * (1 + vy) - uy * vx


def _at(field: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _length(field: Float32[np.ndarray, "h w 2"]) -> Float32[np.ndarray, "h w"]:
    return np.hypot(field[..., 0], field[..., 1])


def _smoothstep(values: np.ndarray, low: float, high: float) -> np.ndarray:
    part = np.clip((values - low) / (high - low), 0, 1)
    return part * part * (3 - 2 * part)


@functools.lru_cache(maxsize=8)
def _fade(height: int, width: int) -> Float32[np.ndarray, "h w"]:
    """Return 1 within a face, 0 about it: forehead and temples are square, the jaw is round."""
    x = np.abs((np.arange(width) + 0.5) / width - _MIDDLE[0]) / _ACROSS
    y = (np.arange(height) + 0.5) / height - _MIDDLE[1]
    above = (x[None] ** 4 + (y[:, None] / _UP) ** 4) ** 0.25
    below = (x[None] ** 2 + (y[:, None] / _DOWN) ** 2) ** 0.5
    radius = np.where(y[:, None] < 0, above, below)
    return (1 - _smoothstep(radius, *_FADE)).astype(np.float32)
