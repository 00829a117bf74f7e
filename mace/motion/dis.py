"""Dense inverse search flow from OpenCV: a few milliseconds a pair, the live default."""

import threading

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
    bits. OpenCV spreads one pair over its own threads.

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
    # Without None OpenCV would start from whatever the output holds.
    flows = [
        _solver(config).calc(np.ascontiguousarray(first), np.ascontiguousarray(second), None)  # pyright: ignore
        for first, second in zip(reference, target, strict=True)
    ]
    if len(flows) == 1:  # a live frame's, which need not be copied
        return flows[0][None]
    return np.stack(flows) if flows else np.empty((*reference.shape, 2), np.float32)


class _Kept(threading.local):
    def __init__(self) -> None:
        self.solvers: dict[DisConfig, cv2.DISOpticalFlow] = {}


_KEPT = _Kept()


def _solver(config: DisConfig) -> cv2.DISOpticalFlow:
    """Return OpenCV's object for these settings, with the buffers of the last pair if it can.

    On images too small for `finest_scale` it changes its own settings and keeps them, so that it
    has to be made anew; at full resolution there are none.
    """
    if config.finest_scale > 0:
        return _made(config)
    if config not in _KEPT.solvers:
        _KEPT.solvers[config] = _made(config)
    return _KEPT.solvers[config]


def _made(config: DisConfig) -> cv2.DISOpticalFlow:
    solver = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    solver.setFinestScale(config.finest_scale)
    solver.setPatchStride(config.patch_stride)
    solver.setGradientDescentIterations(config.iterations)
    solver.setUseSpatialPropagation(config.propagate)
    solver.setVariationalRefinementIterations(config.refinements)
    return solver
