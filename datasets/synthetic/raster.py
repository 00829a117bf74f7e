"""Software rasteriser: which triangle is in front at every sample, and how deep.

Screen points are (x, y, depth) in samples, y down, larger depth nearer; the sample of column c is
taken at c + 0.5. Literals are float32, since one float64 literal makes a kernel three times slower.
"""

import numpy as np
from jaxtyping import Float32, Int32, UInt8
from numba import njit

FAR = np.float32(-1e30)
OPAQUE_BYTE = np.float32(255)
_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
_EDGE = np.float32(-1e-5)


@njit(fastmath=True, cache=True)
def rasterise(
    screen: Float32[np.ndarray, "n 3"],
    triangles: Int32[np.ndarray, "t 3"],
    solid: int,
    texture_points: Float32[np.ndarray, "u 2"],
    texture_triangles: Int32[np.ndarray, "t 3"],
    opacity: UInt8[np.ndarray, "h w"] | Float32[np.ndarray, "h w"],
    opaque: np.float32,
    depth: Float32[np.ndarray, "y x"],
    ids: Int32[np.ndarray, "y x"],
) -> None:
    """Fill `depth` and `ids` (-1: nothing) with the nearest front-facing triangle of each sample.

    Rows are solved for the span inside a triangle. Triangles from `solid` on are hair: a sample
    counts only where the texture's opacity, from 0 to `opaque`, beats a threshold that changes from
    sample to sample, so that averaging samples softens the edge.
    """
    height, width = depth.shape
    rows, columns = opacity.shape[0], opacity.shape[1]
    for y in range(height):
        for x in range(width):
            depth[y, x] = FAR
            ids[y, x] = -1
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0 = screen[a, 0], screen[a, 1]
        x1, y1 = screen[b, 0], screen[b, 1]
        x2, y2 = screen[c, 0], screen[c, 1]
        area = (x1 - x0) * (y2 - y0) - (y1 - y0) * (x2 - x0)
        if area >= _ZERO:
            continue
        left, right = min(x0, x1, x2), max(x0, x1, x2)
        top, bottom = min(y0, y1, y2), max(y0, y1, y2)
        if right < _ZERO or bottom < _ZERO or left >= width or top >= height:
            continue
        x_begin, x_end = max(int(left + _HALF), 0), min(int(right + _HALF), width)
        y_begin, y_end = max(int(top + _HALF), 0), min(int(bottom + _HALF), height)
        if x_begin >= x_end or y_begin >= y_end:
            continue
        inverse = _ONE / area
        z0 = screen[a, 2]
        dz1, dz2 = screen[b, 2] - z0, screen[c, 2] - z0
        step_x1, step_y1 = (y2 - y0) * inverse, -(x2 - x0) * inverse
        step_x2, step_y2 = -(y1 - y0) * inverse, (x1 - x0) * inverse
        px = np.float32(x_begin) + _HALF - x0
        for y in range(y_begin, y_end):
            py = np.float32(y) + _HALF - y0
            w1 = step_x1 * px + step_y1 * py
            w2 = step_x2 * px + step_y2 * py
            for x in range(x_begin, x_end):
                if w1 >= _EDGE and w2 >= _EDGE and w1 + w2 <= _ONE - _EDGE:
                    z = z0 + w1 * dz1 + w2 * dz2
                    if z > depth[y, x]:
                        shown = True
                        if t >= solid:
                            w0 = _ONE - w1 - w2
                            ta = texture_triangles[t, 0]
                            tb = texture_triangles[t, 1]
                            tc = texture_triangles[t, 2]
                            u = w0 * texture_points[ta, 0] + w1 * texture_points[tb, 0]
                            v = w0 * texture_points[ta, 1] + w1 * texture_points[tb, 1]
                            u += w2 * texture_points[tc, 0]
                            v += w2 * texture_points[tc, 1]
                            row = min(max(int(v), 0), rows - 1)
                            column = min(max(int(u), 0), columns - 1)
                            # A 2x2 ordered pattern: 1/8, 3/8, 5/8, 7/8 of the whole.
                            step = np.float32(((x & 1) ^ (y & 1)) * 2 + (y & 1))
                            threshold = (np.float32(0.125) + np.float32(0.25) * step) * opaque
                            shown = np.float32(opacity[row, column]) >= threshold
                        if shown:
                            depth[y, x] = z
                            ids[y, x] = t
                w1 += step_x1
                w2 += step_x2


@njit(fastmath=True, cache=True)
def rasterise_depth(
    screen: Float32[np.ndarray, "n 3"],
    triangles: Int32[np.ndarray, "t 3"],
    depth: Float32[np.ndarray, "y x"],
) -> None:
    """Fill `depth` with the nearest surface, whichever way it faces: the shadow map."""
    height, width = depth.shape
    for y in range(height):
        for x in range(width):
            depth[y, x] = FAR
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0 = screen[a, 0], screen[a, 1]
        x1, y1 = screen[b, 0], screen[b, 1]
        x2, y2 = screen[c, 0], screen[c, 1]
        area = (x1 - x0) * (y2 - y0) - (y1 - y0) * (x2 - x0)
        if area == _ZERO:
            continue
        x_begin = max(int(min(x0, x1, x2) + _HALF), 0)
        x_end = min(int(max(x0, x1, x2) + _HALF), width)
        y_begin = max(int(min(y0, y1, y2) + _HALF), 0)
        y_end = min(int(max(y0, y1, y2) + _HALF), height)
        inverse = _ONE / area
        for y in range(y_begin, y_end):
            py = np.float32(y) + _HALF
            for x in range(x_begin, x_end):
                px = np.float32(x) + _HALF
                w1 = ((px - x0) * (y2 - y0) - (py - y0) * (x2 - x0)) * inverse
                w2 = ((x1 - x0) * (py - y0) - (y1 - y0) * (px - x0)) * inverse
                if w1 >= _ZERO and w2 >= _ZERO and w1 + w2 <= _ONE:
                    z = (_ONE - w1 - w2) * screen[a, 2] + w1 * screen[b, 2] + w2 * screen[c, 2]
                    if z > depth[y, x]:
                        depth[y, x] = z


@njit(cache=True)
def spread(
    screen: Float32[np.ndarray, "n 3"],
    triangles: Int32[np.ndarray, "t 3"],
    ids: Int32[np.ndarray, "y x"],
    values: Float32[np.ndarray, "n 2"],
    out: Float32[np.ndarray, "y x 2"],
) -> None:
    """Interpolate two values per vertex over the samples of a rasterised image; 0 where empty."""
    for y in range(ids.shape[0]):
        for x in range(ids.shape[1]):
            out[y, x, 0] = _ZERO
            out[y, x, 1] = _ZERO
            t = ids[y, x]
            if t < 0:
                continue
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            x0, y0 = screen[a, 0], screen[a, 1]
            e1x, e1y = screen[b, 0] - x0, screen[b, 1] - y0
            e2x, e2y = screen[c, 0] - x0, screen[c, 1] - y0
            inverse = _ONE / (e1x * e2y - e1y * e2x)
            qx, qy = np.float32(x) + _HALF - x0, np.float32(y) + _HALF - y0
            w1 = (qx * e2y - qy * e2x) * inverse
            w2 = (e1x * qy - e1y * qx) * inverse
            w0 = _ONE - w1 - w2
            for k in range(2):
                out[y, x, k] = w0 * values[a, k] + w1 * values[b, k] + w2 * values[c, k]
