"""Dense motion by patches in a fraction of a millisecond a pair: the flow of live sources.

OpenCV's DIS spends most of its time around the search: on what depends on the reference alone, and
on merging patches pixel by pixel. Here the reference is prepared once, for all frames that are
compared with it; `mace.motion.patch_search` has the loops.
"""

import functools

import cv2
import numpy as np
from jaxtyping import Float32, Int64, UInt8

from mace.errors import DataError
from mace.motion.patch_search import PATCH, Scale, cut_patches, follow_patches, halve

_STRIDE = 6  # from patch to patch, px
_COARSEST = 32  # side of the coarsest scale, px, at least
_PREPARED = 16  # references that are remembered; half a megabyte each at 128 px


def patch_flow(
    reference: UInt8[np.ndarray, "b h w"], target: UInt8[np.ndarray, "b h w"]
) -> Float32[np.ndarray, "b h w 2"]:
    """Return the flow from each reference to its target, (u, v) in px of these images.

    A pair's flow depends on nothing but the pair. The last references are remembered: another
    target of one takes little more than half of the time.

    Raises:
        DataError: for images below 16 px.

    Source: T. Kroeger, R. Timofte, D. Dai, L. Van Gool, "Fast optical flow using dense inverse
    search", ECCV 2016, without variational refinement. Deviations: a patch's Hessian is of
    gradients less their mean, as its errors are, and damped; OpenCV's leaves the mean in it and
    falls short of the motion. The number of steps is fixed, and a patch then moves as its
    neighbours do in the mean, which takes the place of refinement.
    """
    height, width = reference.shape[1:]
    if min(height, width) < 2 * PATCH:
        raise DataError(
            f"the flow of patches got crops of {width} by {height} px, expected at least "
            f"{2 * PATCH} by {2 * PATCH}: use a larger crop"
        )
    flow = np.empty((len(reference), height, width, 2), np.float32)
    for first, second, out in zip(reference, target, flow, strict=True):
        follow_patches(_prepare(first.tobytes(), height, width), np.ascontiguousarray(second), out)
    return flow


@functools.lru_cache(maxsize=_PREPARED)
def _prepare(pixels: bytes, height: int, width: int) -> tuple[Scale, ...]:
    """Return the scales of a reference as `follow_patches` wants them."""
    picture = np.frombuffer(pixels, np.uint8).reshape(height, width).astype(np.float32)
    scales = []
    while True:
        tops, lefts = (_places(length) for length in picture.shape)
        x, y = _gradient(picture, 1, 0), _gradient(picture, 0, 1)
        scales.append((cut_patches(picture, x, y, tops, lefts), tops, lefts))
        if min(picture.shape) < 2 * _COARSEST:
            return tuple(scales)
        picture = halve(picture)


def _gradient(picture: np.ndarray, x: int, y: int) -> np.ndarray:
    """Return Sobel's derivative in x or in y, gray levels a px."""
    edge = cv2.BORDER_REPLICATE
    return np.asarray(cv2.Sobel(picture, cv2.CV_32F, x, y, scale=1 / 8, borderType=edge))


def _places(length: int) -> Int64[np.ndarray, " n"]:
    """Return where patches begin, the last one at the edge."""
    return np.minimum(np.arange(0, length - PATCH + _STRIDE, _STRIDE), length - PATCH)
