"""Software rasteriser: points of a posed head on the samples, and what is in front at each.

Screen points are (x, y, depth) in samples, y down, larger depth nearer; the sample of column c is
taken at c + 0.5, and a pixel has `SAMPLES` of them along each side. Literals are float32, since one
float64 literal makes a kernel three times slower.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int32
from numba import njit

from mace.datasets.synthetic.geometry.camera import LOOK_AT_Y, PIVOT, View

SAMPLES = 2
_FAR = np.float32(-1e30)
_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
_EDGE = np.float32(-1e-5)


class Surface(NamedTuple):
    """The triangles of a head, those of the hair last.

    Attributes:
        triangles: indices into the vertices.
        solid: number of triangles that are not hair.
        texture_points: column and row of each texture vertex.
        texture_triangles: indices into them.
    """

    triangles: Int32[np.ndarray, "t 3"]
    solid: int
    texture_points: Float32[np.ndarray, "u 2"]
    texture_triangles: Int32[np.ndarray, "t 3"]

    def bald(self) -> "Surface":
        """Return it without its hair."""
        triangles, corners = self.triangles[: self.solid], self.texture_triangles[: self.solid]
        return Surface(triangles, self.solid, self.texture_points, corners)


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


def place(
    points: Float32[np.ndarray, "n 3"], view: View
) -> tuple[Float32[np.ndarray, "n 3"], Float32[np.ndarray, "n 3"]]:
    """Return turned vertices in dm, and their place on the samples with depth."""
    return _place(
        points, PIVOT, view.turn.astype(np.float32), np.float32(view.distance), view.linear,
        view.offset,
    )  # fmt: skip


@njit(fastmath=True, cache=True)
def _place(
    points: Float32[np.ndarray, "n 3"],
    pivot: Float32[np.ndarray, " 3"],
    turn: Float32[np.ndarray, "3 3"],
    distance: np.float32,
    linear: Float64[np.ndarray, "2 2"],
    offset: Float64[np.ndarray, " 2"],
) -> tuple[Float32[np.ndarray, "n 3"], Float32[np.ndarray, "n 3"]]:
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


@njit(fastmath=True, cache=True)
def rasterise(
    screen: Float32[np.ndarray, "n 3"],
    surface: Surface,
    opacity: Float32[np.ndarray, "h w"],
    depth: Float32[np.ndarray, "y x"],
    ids: Int32[np.ndarray, "y x"],
) -> None:
    """Fill `depth` and `ids` (-1: nothing) with the nearest front-facing triangle of each sample.

    Rows are solved for the span inside a triangle. Of hair a sample counts only where the texture's
    opacity, from 0 to 1, beats a threshold that changes from sample to sample, so that averaging
    samples softens the edge.
    """
    triangles, solid, texture_points, texture_triangles = surface
    height, width = depth.shape
    rows, columns = opacity.shape[0], opacity.shape[1]
    for y in range(height):
        for x in range(width):
            depth[y, x] = _FAR
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
                            threshold = np.float32(0.125) + np.float32(0.25) * step
                            shown = np.float32(opacity[row, column]) >= threshold
                        if shown:
                            depth[y, x] = z
                            ids[y, x] = t
                w1 += step_x1
                w2 += step_x2


def nearest(
    screen: Float32[np.ndarray, "n 3"], triangles: Int32[np.ndarray, "t 3"], *, side: int
) -> Int32[np.ndarray, "side side"]:
    """Return which of some triangles is in front at each sample, -1 for none."""
    depth, ids = np.empty((side, side), np.float32), np.empty((side, side), np.int32)
    # None of them is hair, so the texture is never looked at.
    surface = Surface(triangles, len(triangles), np.zeros((1, 2), np.float32), triangles)
    rasterise(screen, surface, np.zeros((1, 1), np.float32), depth, ids)
    return ids


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
            depth[y, x] = _FAR
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
