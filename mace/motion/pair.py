"""Optical flow of two pictures, or of many pairs of them, as anybody has them."""

from typing import Literal

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from mace.errors import DataError
from mace.motion.config import TvL1Config

type Method = Literal["dis", "tvl1", "patches"]


def flow(
    onset: UInt8[np.ndarray, "..."],
    apex: UInt8[np.ndarray, "..."],
    *,
    method: Method = "dis",
) -> Float[np.ndarray, "*b h w 2"]:
    """Return the optical flow from one picture to another, or from each of many to its partner.

    Args:
        onset: uint8 pictures: gray (h, w), colour (h, w, 3) as OpenCV reads it (blue, green, red),
            or gray ones in a batch (b, h, w), colour ones in a batch (b, h, w, 3). Any size of 12
            px and more; the head's own motion is not taken out.
        apex: of the same shape.
        method: `dis`, dense inverse search by OpenCV (Kroeger et al., ECCV 2016), a few
            milliseconds a pair; `tvl1`, total variation and L1 (Zach, Pock, Bischof, DAGM 2007),
            the field's standard, jitted and batched; `patches`, inverse search without refinement,
            the fastest.

    Returns:
        float32 (h, w, 2) or (b, h, w, 2): u to the right and v down, in px, such that
        `apex[y + v, x + u]` looks like `onset[y, x]`.

    Raises:
        DataError: for pictures that are not uint8, of different shapes or too small.

    Examples:
        >>> import numpy as np
        >>> import mace
        >>> picture = np.random.default_rng(0).integers(0, 255, (16, 16), np.uint8)
        >>> onset = np.kron(picture, np.ones((8, 8), np.uint8))
        >>> field = mace.flow(onset, np.roll(onset, 2, axis=1))
        >>> field.shape, float(np.median(field[..., 0]).round())
        ((128, 128, 2), 2.0)
    """
    reference, target = _gray_batch(onset, "onset"), _gray_batch(apex, "apex")
    if onset.shape != apex.shape:
        raise DataError(
            f"onset has the shape {onset.shape} and apex {apex.shape}; both must be of one size"
        )
    field = _measure(reference, target, method)
    single = onset.ndim == 2 or (onset.ndim == 3 and onset.shape[-1] == 3)
    return field[0] if single else field


def _measure(
    reference: UInt8[np.ndarray, "b h w"], target: UInt8[np.ndarray, "b h w"], method: Method
) -> Float[np.ndarray, "b h w 2"]:
    if method == "dis":
        from mace.motion.dis import dis_flow

        return dis_flow(reference, target)
    if method == "patches":
        from mace.motion.patches import patch_flow

        return patch_flow(reference, target)
    if method == "tvl1":
        from mace.motion.tvl1 import tvl1_flow

        scale = np.float32(255)
        return np.asarray(tvl1_flow(reference / scale, target / scale, config=TvL1Config()))
    raise DataError(f"method is {method!r}, expected dis, tvl1 or patches")


def _gray_batch(pictures: UInt8[np.ndarray, "..."], name: str) -> UInt8[np.ndarray, "b h w"]:
    if not isinstance(pictures, np.ndarray) or pictures.dtype != np.uint8:
        kind = getattr(pictures, "dtype", type(pictures).__name__)
        raise DataError(f"{name} is {kind}, expected pictures of uint8, 0 to 255")
    if pictures.ndim == 4 and pictures.shape[-1] == 3:
        return np.stack([cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) for picture in pictures])
    if pictures.ndim == 3 and pictures.shape[-1] == 3:
        return np.asarray(cv2.cvtColor(pictures, cv2.COLOR_BGR2GRAY), np.uint8)[None]
    if pictures.ndim == 3:
        return pictures
    if pictures.ndim == 2:
        return pictures[None]
    raise DataError(
        f"{name} has the shape {pictures.shape}, expected (h, w), (h, w, 3), (b, h, w) or "
        "(b, h, w, 3)"
    )
