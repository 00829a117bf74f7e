"""Where a head is: its points posed and placed on the samples; `synthetic.raster` does the rest.

Kernels of the renderer, 2 x 2 samples a pixel, literals in float32 (one float64 literal makes a
kernel three times slower). Screen points are in samples, edges at integers, as in
`synthetic.raster`.
"""

import numpy as np
from jaxtyping import Float32, Float64, Int32
from numba import njit

from mace.datasets.synthetic.camera import LOOK_AT_Y

_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
SAMPLES = 2


@njit(fastmath=True, cache=True)
def pose_points(
    rest: Float32[np.ndarray, "n 3"],
    deltas: Float32[np.ndarray, "k n 3"],
    weights: Float32[np.ndarray, " k"],
) -> Float32[np.ndarray, "n 3"]:
    """Vertices of a face whose units have the given weights."""
    out = rest.copy()
    for k in range(weights.shape[0]):
        weight = weights[k]
        if weight != _ZERO:
            for i in range(rest.shape[0]):
                out[i, 0] += weight * deltas[k, i, 0]
                out[i, 1] += weight * deltas[k, i, 1]
                out[i, 2] += weight * deltas[k, i, 2]
    return out


@njit(fastmath=True, cache=True)
def place(
    points: Float32[np.ndarray, "n 3"],
    pivot: Float32[np.ndarray, " 3"],
    turn: Float32[np.ndarray, "3 3"],
    distance: np.float32,
    linear: Float64[np.ndarray, "2 2"],
    offset: Float64[np.ndarray, " 2"],
) -> tuple[Float32[np.ndarray, "n 3"], Float32[np.ndarray, "n 3"]]:
    """Turned vertices in dm, and their place on the samples with depth; see `view`."""
    placed, screen = np.empty_like(points), np.empty_like(points)
    s = np.float32(SAMPLES)
    m00, m01 = np.float32(linear[0, 0]) * s, np.float32(linear[0, 1]) * s
    m10, m11 = np.float32(linear[1, 0]) * s, np.float32(linear[1, 1]) * s
    # Half a pixel: from centres at integers to edges at integers.
    x_off, y_off = (np.float32(offset[0]) + _HALF) * s, (np.float32(offset[1]) + _HALF) * s
    axis = np.float32(LOOK_AT_Y)
    for i in range(points.shape[0]):
        x, y, z = points[i, 0] - pivot[0], points[i, 1] - pivot[1], points[i, 2] - pivot[2]
        px = turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] * z
        py = turn[1, 0] * x + turn[1, 1] * y + turn[1, 2] * z - axis
        pz = turn[2, 0] * x + turn[2, 1] * y + turn[2, 2] * z
        zoom = distance / (distance - pz)
        sx, sy = px * zoom, -py * zoom
        placed[i, 0], placed[i, 1], placed[i, 2] = px, py, pz
        screen[i, 0] = m00 * sx + m01 * sy + x_off
        screen[i, 1] = m10 * sx + m11 * sy + y_off
        screen[i, 2] = pz
    return placed, screen


@njit(cache=True)
def mend(ids: Int32[np.ndarray, "y x"], depth: Float32[np.ndarray, "y x"]) -> None:
    """Close holes of a few samples, through which the wall would shine through a head.

    They are at the corners of some mouths, where triangles of the cheek meet those of the lips, and
    between strands of hair at the outline.
    """
    for y in range(4, ids.shape[0] - 4):
        for x in range(4, ids.shape[1] - 4):
            if ids[y, x] >= 0 or ids[y, x - 1] < 0 or ids[y, x + 4] < 0:
                continue
            if ids[y - 1, x] >= 0 and ids[y + 4, x] >= 0:
                ids[y, x], depth[y, x] = ids[y, x - 1], depth[y, x - 1]
