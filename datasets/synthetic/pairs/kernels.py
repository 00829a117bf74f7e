"""The renderer's kernels: gray light on the vertices, triangles on samples, texture on pixels.

One channel, 2 x 2 samples a pixel, literals in float32 (one float64 literal makes a kernel three
times slower). Screen points are in samples, edges at integers, as in `synthetic.raster`.
"""

import numpy as np
from jaxtyping import Float32, Float64, Int32
from numba import njit

from mace.datasets.synthetic.camera import LOOK_AT_Y
from mace.datasets.synthetic.pairs.figure import ROWS

_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
_WRAP = np.float32(0.2)
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


@njit(fastmath=True, cache=True)
def light_vertices(
    placed: Float32[np.ndarray, "n 3"],
    triangles: Int32[np.ndarray, "t 3"],
    sky: Float32[np.ndarray, " n"],
    lit: Float32[np.ndarray, " n"],
    kind: np.ndarray,
    key: Float32[np.ndarray, " 3"],
    fill: Float32[np.ndarray, " 3"],
    key_power: np.float32,
    fill_power: np.float32,
    ambient_power: np.float32,
    hair_shine: np.float32,
    gloss: np.float32,
    out: Float32[np.ndarray, "n 2"],
) -> None:
    """Fill diffuse and specular light per vertex of a placed head, from its own normals.

    The model of `synthetic.lighting.light_vertices` in gray, with integer powers: wrapped diffuse,
    Blinn highlight, Schlick's grazing term.
    """
    normals = np.zeros_like(placed)
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy = placed[b, 0] - placed[a, 0], placed[b, 1] - placed[a, 1]
        uz = placed[b, 2] - placed[a, 2]
        vx, vy = placed[c, 0] - placed[a, 0], placed[c, 1] - placed[a, 1]
        vz = placed[c, 2] - placed[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for k in (a, b, c):
            normals[k, 0] += nx
            normals[k, 1] += ny
            normals[k, 2] += nz
    hx, hy, hz = key[0], key[1], key[2] + _ONE
    half = _ONE / np.sqrt(hx * hx + hy * hy + hz * hz)
    hx, hy, hz = hx * half, hy * half, hz * half
    share = _ONE / (_ONE + _WRAP)
    for i in range(placed.shape[0]):
        x, y, z = normals[i, 0], normals[i, 1], normals[i, 2]
        inverse = _ONE / (np.sqrt(x * x + y * y + z * z) + np.float32(1e-12))
        x, y, z = x * inverse, y * inverse, z * inverse
        to_key = max((x * key[0] + y * key[1] + z * key[2] + _WRAP) * share, _ZERO)
        to_fill = max((x * fill[0] + y * fill[1] + z * fill[2] + _WRAP) * share, _ZERO)
        open_sky = np.float32(0.4) + np.float32(0.6) * sky[i]
        ambient = (np.float32(0.72) + np.float32(0.28) * y) * sky[i]
        light = to_key * lit[i] * key_power
        light += to_fill * open_sky * fill_power + ambient * ambient_power
        shine = max(x * hx + y * hy + z * hz, _ZERO)
        s2 = shine * shine
        s4 = s2 * s2
        s8 = s4 * s4
        s16 = s8 * s8
        s64 = s16 * s16 * s16 * s16
        if kind[i] == 1:
            light *= min(max(sky[i] * np.float32(1.1), np.float32(0.45)), _ONE)
            s256 = s64 * s64 * s64 * s64
            out[i, 1] = (np.float32(1.6) * s256 + np.float32(0.03)) * key_power
        elif kind[i] == 2:
            out[i, 1] = np.float32(0.25) * s8 * s2 * lit[i] * key_power * hair_shine
        else:
            away = _ONE - min(max(z, _ZERO), _ONE)
            glow = np.float32(0.16) * s16 * s2 + np.float32(0.10) * s64
            glow += np.float32(0.12) * away * away * away * away * sky[i]
            out[i, 1] = glow * lit[i] * key_power * gloss
        out[i, 0] = light


@njit(fastmath=True, cache=True)
def rasterise(
    screen: Float32[np.ndarray, "n 3"],
    triangles: Int32[np.ndarray, "t 3"],
    solid: int,
    texture_points: Float32[np.ndarray, "u 2"],
    texture_triangles: Int32[np.ndarray, "t 3"],
    texture: Float32[np.ndarray, "h w 2"],
    depth: Float32[np.ndarray, "y x"],
    ids: Int32[np.ndarray, "y x"],
) -> None:
    """Fill `depth` and `ids` (-1: nothing) with the nearest front-facing triangle of each sample.

    Rows are solved for the span inside the triangle, so samples outside are never visited. Hair
    (triangles from `solid` on) shows where its opacity beats an ordered 2 x 2 pattern.
    """
    height, width = depth.shape
    wide, high = np.float32(width), np.float32(height)
    depth[:] = np.float32(-1e30)
    ids[:] = -1
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
        if right < _ZERO or bottom < _ZERO or left >= wide or top >= high:
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
        edge = np.float32(-1e-5)
        for y in range(y_begin, y_end):
            py = np.float32(y) + _HALF - y0
            w1 = step_x1 * px + step_y1 * py
            w2 = step_x2 * px + step_y2 * py
            for x in range(x_begin, x_end):
                if w1 >= edge and w2 >= edge and w1 + w2 <= _ONE - edge:
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
                            row = min(max(int(v), 0), texture.shape[0] - 1)
                            column = min(max(int(u), 0), texture.shape[1] - 1)
                            # Opacity thresholds 1/8, 3/8, 5/8, 7/8 from sample to sample.
                            step = ((x & 1) ^ (y & 1)) * 2 + (y & 1)
                            threshold = np.float32(0.125) + np.float32(0.25) * np.float32(step)
                            shown = texture[row, column, 1] >= threshold
                        if shown:
                            depth[y, x] = z
                            ids[y, x] = t
                w1 += step_x1
                w2 += step_x2


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


@njit(fastmath=True, cache=True)
def shade(
    screen: Float32[np.ndarray, "n 3"],
    ids: Int32[np.ndarray, "y x"],
    depth: Float32[np.ndarray, "y x"],
    triangles: Int32[np.ndarray, "t 3"],
    solid: int,
    texture_points: Float32[np.ndarray, "u 2"],
    texture_triangles: Int32[np.ndarray, "t 3"],
    texture: Float32[np.ndarray, "a b 2"],
    light: Float32[np.ndarray, "n 2"],
    background: Float32[np.ndarray, "h w"],
    out: Float32[np.ndarray, "h w"],
) -> None:
    """Linear gray of every pixel: texture times light, averaged over 2 x 2 samples at edges.

    Inside a surface (all samples covered, no jump in depth, no change from skin to eye) one sample
    in the middle of the pixel is enough: texture and light are smooth there.
    """
    height, width = out.shape
    patches = np.float32(ROWS + 0.5)
    last_row, last_column = texture.shape[0] - 2, texture.shape[1] - 2
    crease = np.float32(0.02)
    for yo in range(height):
        for xo in range(width):
            total = _ZERO
            i00, i01 = ids[2 * yo, 2 * xo], ids[2 * yo, 2 * xo + 1]
            i10, i11 = ids[2 * yo + 1, 2 * xo], ids[2 * yo + 1, 2 * xo + 1]
            taken = SAMPLES
            if min(i00, i01, i10, i11) >= 0 and max(i00, i01, i10, i11) < solid:
                d00, d01 = depth[2 * yo, 2 * xo], depth[2 * yo, 2 * xo + 1]
                d10, d11 = depth[2 * yo + 1, 2 * xo], depth[2 * yo + 1, 2 * xo + 1]
                if max(d00, d01, d10, d11) - min(d00, d01, d10, d11) < crease:
                    p00 = texture_points[texture_triangles[i00, 0], 1] > patches
                    p01 = texture_points[texture_triangles[i01, 0], 1] > patches
                    p10 = texture_points[texture_triangles[i10, 0], 1] > patches
                    p11 = texture_points[texture_triangles[i11, 0], 1] > patches
                    if p00 == p01 and p00 == p10 and p00 == p11:
                        taken = 1
            inside = _ONE if taken == 1 else _HALF
            share = _ONE / np.float32(taken * taken)
            for sy in range(taken):
                for sx in range(taken):
                    y, x = yo * SAMPLES + sy, xo * SAMPLES + sx
                    t = ids[y, x]
                    if t < 0:
                        total += background[yo, xo]
                        continue
                    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                    x0, y0 = screen[a, 0], screen[a, 1]
                    e1x, e1y = screen[b, 0] - x0, screen[b, 1] - y0
                    e2x, e2y = screen[c, 0] - x0, screen[c, 1] - y0
                    inverse = _ONE / (e1x * e2y - e1y * e2x)
                    qx, qy = np.float32(x) + inside - x0, np.float32(y) + inside - y0
                    w1 = (qx * e2y - qy * e2x) * inverse
                    w2 = (e1x * qy - e1y * qx) * inverse
                    # The middle of a pixel may lie beside the triangle of its first sample.
                    w1, w2 = max(w1, _ZERO), max(w2, _ZERO)
                    w0 = max(_ONE - w1 - w2, _ZERO)
                    whole = _ONE / (w0 + w1 + w2)
                    w0, w1, w2 = w0 * whole, w1 * whole, w2 * whole
                    ta = texture_triangles[t, 0]
                    tb = texture_triangles[t, 1]
                    tc = texture_triangles[t, 2]
                    u = w0 * texture_points[ta, 0] + w1 * texture_points[tb, 0]
                    v = w0 * texture_points[ta, 1] + w1 * texture_points[tb, 1]
                    u += w2 * texture_points[tc, 0] - _HALF
                    v += w2 * texture_points[tc, 1] - _HALF
                    iu = min(max(int(u), 0), last_column)
                    iv = min(max(int(v), 0), last_row)
                    fu, fv = u - np.float32(iu), v - np.float32(iv)
                    k00, k01 = (_ONE - fu) * (_ONE - fv), fu * (_ONE - fv)
                    k10, k11 = (_ONE - fu) * fv, fu * fv
                    albedo = k00 * texture[iv, iu, 0] + k01 * texture[iv, iu + 1, 0]
                    albedo += k10 * texture[iv + 1, iu, 0] + k11 * texture[iv + 1, iu + 1, 0]
                    gloss = k00 * texture[iv, iu, 1] + k01 * texture[iv, iu + 1, 1]
                    gloss += k10 * texture[iv + 1, iu, 1] + k11 * texture[iv + 1, iu + 1, 1]
                    diffuse = w0 * light[a, 0] + w1 * light[b, 0] + w2 * light[c, 0]
                    shine = w0 * light[a, 1] + w1 * light[b, 1] + w2 * light[c, 1]
                    total += albedo * diffuse + gloss * shine
            out[yo, xo] = total * share


@njit(fastmath=True, cache=True)
def spread(
    screen: Float32[np.ndarray, "n 3"],
    ids: Int32[np.ndarray, "y x"],
    triangles: Int32[np.ndarray, "t 3"],
    values: Float32[np.ndarray, "n 2"],
    out: Float32[np.ndarray, "h w 2"],
) -> None:
    """Two values per vertex over the pixels, averaged over the samples on the head; 0 elsewhere."""
    for yo in range(out.shape[0]):
        for xo in range(out.shape[1]):
            u = v = count = _ZERO
            for sy in range(SAMPLES):
                for sx in range(SAMPLES):
                    y, x = yo * SAMPLES + sy, xo * SAMPLES + sx
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
                    u += w0 * values[a, 0] + w1 * values[b, 0] + w2 * values[c, 0]
                    v += w0 * values[a, 1] + w1 * values[b, 1] + w2 * values[c, 1]
                    count += _ONE
            share = _ONE / max(count, _ONE)
            out[yo, xo, 0] = u * share
            out[yo, xo, 1] = v * share
