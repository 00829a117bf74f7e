"""Dense inverse search flow from OpenCV: a few milliseconds a pair, the live default."""

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from mace.errors import DataError
from mace.motion.config import DisConfig

_SMALLEST = 12  # OpenCV refuses smaller images


def dis_flow(
    reference: UInt8[np.ndarray, "b h w"],
    target: UInt8[np.ndarray, "b h w"],
    *,
    config: DisConfig = DisConfig(),  # noqa: B008 - frozen, so sharing it is safe
) -> Float[np.ndarray, "b h w 2"]:
    """Return the DIS flow from each reference to its target, float32 (u, v) in px of these images.

    A pair's flow depends on nothing but the pair, so a live frame and a stored one give the same
    bits: OpenCV's object changes its own settings on small images and keeps them, hence a fresh one
    for every pair (8 µs). OpenCV spreads one pair over its own threads.

    Raises:
        DataError: for images below 12 px.

    Source: T. Kroeger, R. Timofte, D. Dai, L. Van Gool, "Fast optical flow using dense inverse
    search", ECCV 2016, with OpenCV's variational refinement.
    """
    if min(reference.shape[1:]) < _SMALLEST:
        raise DataError(
            f"DIS flow got crops of {reference.shape[2]} by {reference.shape[1]} px, expected at "
            f"least {_SMALLEST} by {_SMALLEST}: use a larger crop"
        )
    flow = np.empty((*reference.shape, 2), np.float32)
    for index, (first, second) in enumerate(zip(reference, target, strict=True)):
        solver = _solver(config)
        # Without None OpenCV would start from whatever the output holds.
        flow[index] = solver.calc(np.ascontiguousarray(first), np.ascontiguousarray(second), None)  # pyright: ignore
    return flow


def _solver(config: DisConfig) -> cv2.DISOpticalFlow:
    solver = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    solver.setFinestScale(config.finest_scale)
    solver.setPatchStride(config.patch_stride)
    solver.setGradientDescentIterations(config.iterations)
    solver.setUseSpatialPropagation(config.propagate)
    solver.setVariationalRefinementIterations(config.refinements)
    return solver
