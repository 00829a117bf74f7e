"""What a head looks like: gray light on its vertices, texture and light on the pixels.

Kernels of the renderer, one channel, literals in float32; screen points as in `raster`.
"""

import numpy as np
from jaxtyping import Float32, Int32
from numba import njit

from mace.datasets.synthetic.geometry.normals import vertex_normals
from mace.datasets.synthetic.geometry.raster import SAMPLES, Surface
from mace.datasets.synthetic.head.atlas import ROWS
from mace.datasets.synthetic.head.figure import EYE_KIND, HAIR_KIND

_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
_WRAP = np.float32(0.2)


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
    out: Float32[np.ndarray, "n 2"],
) -> None:
    """Fill diffuse and specular light per vertex of a placed head, from its own normals.

    Wrapped diffuse light stands for scattering under the skin; the highlight is Blinn's with
    Schlick's grazing term, in integer powers. `sky` is the ambient occlusion, `lit` the share of
    the key lamp that is not shadowed.

    Source: Green, Real-time approximations to subsurface scattering, GPU Gems, 2004 (wrap); Blinn,
    Models of light reflection for computer synthesized pictures, SIGGRAPH 1977; Schlick, An
    inexpensive BRDF model, Computer Graphics Forum 13(3), 1994.
    """
    normals = vertex_normals(placed, triangles)
    hx, hy, hz = key[0], key[1], key[2] + _ONE
    half = _ONE / np.sqrt(hx * hx + hy * hy + hz * hz)
    hx, hy, hz = hx * half, hy * half, hz * half
    share = _ONE / (_ONE + _WRAP)
    for i in range(placed.shape[0]):
        x, y, z = normals[i, 0], normals[i, 1], normals[i, 2]
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
        if kind[i] == EYE_KIND:
            light *= min(max(sky[i] * np.float32(1.1), np.float32(0.45)), _ONE)
            s256 = s64 * s64 * s64 * s64
            out[i, 1] = (np.float32(1.6) * s256 + np.float32(0.03)) * key_power
        elif kind[i] == HAIR_KIND:
            out[i, 1] = np.float32(0.25) * s8 * s2 * lit[i] * key_power * hair_shine
        else:
            away = _ONE - min(max(z, _ZERO), _ONE)
            glow = np.float32(0.16) * s16 * s2 + np.float32(0.10) * s64
            glow += np.float32(0.12) * away * away * away * away * sky[i]
            out[i, 1] = glow * lit[i] * key_power
        out[i, 0] = light


@njit(fastmath=True, cache=True, inline="always")
def _weights(
    screen: Float32[np.ndarray, "n 3"], a: int, b: int, c: int, x: np.float32, y: np.float32
) -> tuple[np.float32, np.float32]:
    """Barycentric weights of a triangle's second and third vertex at a place on the samples."""
    x0, y0 = screen[a, 0], screen[a, 1]
    e1x, e1y = screen[b, 0] - x0, screen[b, 1] - y0
    e2x, e2y = screen[c, 0] - x0, screen[c, 1] - y0
    inverse = _ONE / (e1x * e2y - e1y * e2x)
    qx, qy = x - x0, y - y0
    return (qx * e2y - qy * e2x) * inverse, (e1x * qy - e1y * qx) * inverse


@njit(fastmath=True, cache=True)
def shade(
    screen: Float32[np.ndarray, "n 3"],
    ids: Int32[np.ndarray, "y x"],
    depth: Float32[np.ndarray, "y x"],
    surface: Surface,
    texture: Float32[np.ndarray, "a b 2"],
    light: Float32[np.ndarray, "n 2"],
    background: Float32[np.ndarray, "h w"],
    out: Float32[np.ndarray, "h w"],
) -> None:
    """Linear gray of every pixel: texture times light, averaged over 2 x 2 samples at edges.

    Inside a surface (all samples covered, no jump in depth, no change from skin to eye) one sample
    in the middle of the pixel is enough: texture and light are smooth there.
    """
    triangles, solid, texture_points, texture_triangles = surface
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
                    w1, w2 = _weights(
                        screen, a, b, c, np.float32(x) + inside, np.float32(y) + inside
                    )
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
                    w1, w2 = _weights(screen, a, b, c, np.float32(x) + _HALF, np.float32(y) + _HALF)
                    w0 = _ONE - w1 - w2
                    u += w0 * values[a, 0] + w1 * values[b, 0] + w2 * values[c, 0]
                    v += w0 * values[a, 1] + w1 * values[b, 1] + w2 * values[c, 1]
                    count += _ONE
            share = _ONE / max(count, _ONE)
            out[yo, xo, 0] = u * share
            out[yo, xo, 1] = v * share
