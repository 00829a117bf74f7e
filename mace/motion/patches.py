"""Dense motion by patches in a fraction of a millisecond a pair: the flow of live sources.

OpenCV's DIS spends most of its time around the search: on what depends on the reference alone, and
on merging patches pixel by pixel. Here the reference is prepared once, for all frames that are
compared with it; `mace.motion.patch_search` has the loops.
"""

import functools
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, Int64, UInt8

from mace.errors import DataError
from mace.motion.patch_search import (
    BORDER,
    PATCH,
    cut_patches,
    merge_patches,
    search_patches,
)

_STRIDE = 5  # from patch to patch, px
_COARSEST = 32  # side of the coarsest scale, px, at least
_PREPARED = 16  # references that are remembered; two thirds of a megabyte each at 128 px


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
        _follow(_prepare(first.tobytes(), height, width), second, out)
    return flow


@dataclass(frozen=True)
class _Scale:
    """The reference at one size.

    Attributes:
        tops: first rows of the patches.
        lefts: their first columns.
        patches: what `cut_patches` made of them.
    """

    tops: Int64[np.ndarray, " i"]
    lefts: Int64[np.ndarray, " j"]
    patches: Float32[np.ndarray, "n 3 k"]


@functools.lru_cache(maxsize=_PREPARED)
def _prepare(pixels: bytes, height: int, width: int) -> tuple[_Scale, ...]:
    """Return the scales of a reference, the finest first."""
    scales = []
    for picture in _pyramid(np.frombuffer(pixels, np.uint8).reshape(height, width)):
        x, y = _gradient(picture, 1, 0), _gradient(picture, 0, 1)
        tops, lefts = (_places(length) for length in picture.shape)
        scales.append(_Scale(tops, lefts, cut_patches(picture, x, y, tops, lefts)))
    return tuple(scales)


def _follow(
    scales: tuple[_Scale, ...], target: UInt8[np.ndarray, "h w"], out: Float32[np.ndarray, "h w 2"]
) -> None:
    """Search for the patches in `target`, on the coarsest scale first, and merge them in `out`."""
    flow = np.zeros((1, 1, 2), np.float32)
    for scale, picture in zip(reversed(scales), reversed(_pyramid(target)), strict=True):
        grid = scale.patches, scale.tops, scale.lefts
        around = cv2.copyMakeBorder(picture, BORDER, BORDER, BORDER, BORDER, cv2.BORDER_REPLICATE)
        motions = search_patches(*grid, np.asarray(around), flow)
        flow = out if picture.shape == target.shape else np.empty((*picture.shape, 2), np.float32)
        merge_patches(*grid, np.asarray(around), motions, flow)


def _pyramid(picture: UInt8[np.ndarray, "h w"]) -> list[np.ndarray]:
    """Return the picture as float32, halved again and again by means of four pixels."""
    pictures = [picture.astype(np.float32)]
    while min(pictures[-1].shape) >= 2 * _COARSEST:
        height, width = pictures[-1].shape
        half = cv2.resize(pictures[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        pictures.append(np.asarray(half, np.float32))
    return pictures


def _gradient(picture: np.ndarray, x: int, y: int) -> np.ndarray:
    """Return Sobel's derivative in x or in y, gray levels a px."""
    edge = cv2.BORDER_REPLICATE
    return np.asarray(cv2.Sobel(picture, cv2.CV_32F, x, y, scale=1 / 8, borderType=edge))


def _places(length: int) -> Int64[np.ndarray, " n"]:
    """Return where patches begin, the last one at the edge."""
    return np.minimum(np.arange(0, length - PATCH + _STRIDE, _STRIDE), length - PATCH)
