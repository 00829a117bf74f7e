"""What people use to measure motion between two crops, under one name and in one unit."""

from typing import Literal, get_args

import cv2
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float32, UInt8

from mace.errors import ConfigError
from mace.motion.config import DisConfig
from mace.motion.dis import dis_flow
from mace.motion.illumination import match_light
from mace.motion.tvl1 import tvl1_flow

Estimator = Literal["dis", "dis-medium", "farneback", "tvl1", "lucas-kanade", "exact"]
ESTIMATORS: tuple[Estimator, ...] = get_args(Estimator)
"""`exact` is the truth, which only the renderer knows."""

MEDIUM = DisConfig(finest_scale=1, patch_stride=3, iterations=25, propagate=True)
"""OpenCV's own MEDIUM preset, which others' flow mostly comes from."""

_BATCH = 8
_LK_STEP = 4  # px between the points of the sparse tracker


def measure(
    reference: UInt8[np.ndarray, "n h w"], target: UInt8[np.ndarray, "n h w"], *, estimator: str
) -> Float32[np.ndarray, "n h w 2"]:
    """Measure the motion (u, v) from references to targets in px of these pictures.

    Canvas crops have the scale of the 128-px crop, so theirs is in crop px.

    Args:
        reference: gray crops.
        target: gray crops of the same shape.
        estimator: `dis` has the settings of `mace.motion`, `dis-medium` OpenCV's MEDIUM preset;
            `farneback` is OpenCV's polynomial expansion with the settings of its own example on a
            pyramid of 3; `tvl1` is ours, after matching the light, as `mace.motion` does;
            `lucas-kanade` is OpenCV's sparse tracker on a grid, interpolated between its points.

    Raises:
        ConfigError: for an unknown estimator, and for `exact`, which is not measured.
    """
    if estimator == "dis":
        return np.asarray(dis_flow(reference, target), np.float32)
    if estimator == "dis-medium":
        return np.asarray(dis_flow(reference, target, config=MEDIUM), np.float32)
    if estimator == "farneback":
        return _farneback(reference, target)
    if estimator == "tvl1":
        return _tvl1(reference, target)
    if estimator == "lucas-kanade":
        return _lucas_kanade(reference, target)
    raise ConfigError(
        f"no motion can be measured with {estimator!r}; known: {', '.join(ESTIMATORS[:-1])}"
    )


def _farneback(reference: np.ndarray, target: np.ndarray) -> Float32[np.ndarray, "n h w 2"]:
    """G. Farnebäck, Two-frame motion estimation based on polynomial expansion, SCIA 2003."""
    flow = np.zeros((*reference.shape, 2), np.float32)
    for k, (first, second) in enumerate(zip(reference, target, strict=True)):
        flow[k] = cv2.calcOpticalFlowFarneback(
            first, second, flow[k],
            pyr_scale=0.5, levels=3, winsize=15, iterations=3, poly_n=5, poly_sigma=1.2, flags=0,
        )  # fmt: skip
    return flow


def _lucas_kanade(reference: np.ndarray, target: np.ndarray) -> Float32[np.ndarray, "n h w 2"]:
    """B. D. Lucas and T. Kanade, An iterative image registration technique, IJCAI 1981."""
    height, width = reference.shape[1:]
    rows, columns = (
        (np.arange(side // _LK_STEP, dtype=np.float32) + 0.5) * _LK_STEP - 0.5
        for side in (height, width)
    )
    points = np.stack(np.meshgrid(columns, rows), -1).reshape(-1, 1, 2)
    # Where each pixel lies between the points.
    x, y = np.meshgrid(
        (np.arange(width, dtype=np.float32) + 0.5) / _LK_STEP - 0.5,
        (np.arange(height, dtype=np.float32) + 0.5) / _LK_STEP - 0.5,
    )
    flow = np.empty((*reference.shape, 2), np.float32)
    for k, (first, second) in enumerate(zip(reference, target, strict=True)):
        tracked, good, _ = cv2.calcOpticalFlowPyrLK(
            first, second, points, np.empty_like(points), winSize=(15, 15), maxLevel=2
        )
        moved = np.where(good[..., None] > 0, tracked - points, np.float32(0))
        grid = moved.reshape(len(rows), len(columns), 2)
        flow[k] = cv2.remap(grid, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return flow


def _tvl1(reference: np.ndarray, target: np.ndarray) -> Float32[np.ndarray, "n h w 2"]:
    flow = np.empty((*reference.shape, 2), np.float32)
    # Always the same shape, so that JAX compiles once; the last batch is filled up.
    for start in range(0, len(reference), _BATCH):
        rows = np.minimum(np.arange(start, start + _BATCH), len(reference) - 1)
        first, second = (jnp.asarray(v[rows], jnp.float32) for v in (reference, target))
        second = match_light(first, second)
        measured = np.asarray(tvl1_flow(first / 255, second / 255))
        flow[start : start + _BATCH] = measured[: len(reference) - start]
    return flow
