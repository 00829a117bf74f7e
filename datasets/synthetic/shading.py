"""Light on the vertices, texture on the samples, and the camera's tone curve and noise."""

import numpy as np
from jaxtyping import Float32, Int32, UInt8
from numba import njit

from mace.datasets.synthetic.atlas import GAMMA, SKIN_HEIGHT

_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
_BYTE = np.float32(1 / 255)
_CREASE = np.float32(0.02)
_PATCHES = np.float32(SKIN_HEIGHT + 1)

LINEAR_OF_BYTE: Float32[np.ndarray, " 256"] = ((np.arange(256) / 255) ** GAMMA).astype(np.float32)

# Radiance in [0, TONE_RANGE) to display values in 0–255: a soft shoulder, then gamma.
TONE_RANGE = 4.0
_radiance = np.arange(16384) / 16384 * TONE_RANGE
TONE: Float32[np.ndarray, " 16384"] = (
    np.clip((1 - np.exp(-1.35 * _radiance)) * 1.15, 0, 1) ** (1 / GAMMA) * 255
).astype(np.float32)


@njit(fastmath=True, cache=True)
def _texel_weights(
    u: np.float32, v: np.float32, width: int, height: int
) -> tuple[int, int, np.float32, np.float32]:
    column = min(max(int(u), 0), width - 2)
    row = min(max(int(v), 0), height - 2)
    return column, row, u - np.float32(column), v - np.float32(row)


@njit(fastmath=True, cache=True)
def shade(
    screen: Float32[np.ndarray, "n 3"],
    ids: Int32[np.ndarray, "y x"],
    depth: Float32[np.ndarray, "y x"],
    triangles: Int32[np.ndarray, "t 3"],
    solid: int,
    texture_points: Float32[np.ndarray, "u 2"],
    texture_triangles: Int32[np.ndarray, "t 3"],
    texture: UInt8[np.ndarray, "a b 4"],
    linear: Float32[np.ndarray, " 256"],
    furrows: Float32[np.ndarray, "p q"],
    furrow_origin: tuple[int, int],
    diffuse: Float32[np.ndarray, "n 3"],
    specular: Float32[np.ndarray, " n"],
    samples: int,
    out: Float32[np.ndarray, "h w 4"],
) -> None:
    """Deferred shading of `samples` x `samples` samples per pixel into linear RGB and coverage.

    Inside a surface (all samples covered, no jump in depth, no change of atlas region) one sample
    in the middle of the pixel is enough: texture and light are smooth there.

    `furrows` darkens the skin; its texels are two atlas texels wide and begin at `furrow_origin`
    (column, row of the atlas).
    """
    height, width = out.shape[0], out.shape[1]
    rows, columns = texture.shape[0], texture.shape[1]
    f_rows, f_columns = furrows.shape
    for yo in range(height):
        for xo in range(width):
            taken = samples
            first = ids[yo * samples, xo * samples]
            if first >= 0 and first < solid:
                near = far = depth[yo * samples, xo * samples]
                patch = texture_points[texture_triangles[first, 0], 1] > _PATCHES
                smooth = True
                for sy in range(samples):
                    for sx in range(samples):
                        t = ids[yo * samples + sy, xo * samples + sx]
                        if t < 0 or t >= solid:
                            smooth = False
                        else:
                            z = depth[yo * samples + sy, xo * samples + sx]
                            far = min(far, z)
                            near = max(near, z)
                            if (texture_points[texture_triangles[t, 0], 1] > _PATCHES) != patch:
                                smooth = False
                if smooth and near - far < _CREASE:
                    taken = 1
            offset = np.float32(samples) * _HALF if taken == 1 else _HALF
            red = green = blue = alpha = _ZERO
            for sy in range(taken):
                for sx in range(taken):
                    y, x = yo * samples + sy, xo * samples + sx
                    t = ids[y, x]
                    if t < 0:
                        continue
                    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                    x0, y0 = screen[a, 0], screen[a, 1]
                    e1x, e1y = screen[b, 0] - x0, screen[b, 1] - y0
                    e2x, e2y = screen[c, 0] - x0, screen[c, 1] - y0
                    inverse = _ONE / (e1x * e2y - e1y * e2x)
                    qx, qy = np.float32(x) + offset - x0, np.float32(y) + offset - y0
                    w1 = (qx * e2y - qy * e2x) * inverse
                    w2 = (e1x * qy - e1y * qx) * inverse
                    w0 = _ONE - w1 - w2
                    ta, tb, tc = (
                        texture_triangles[t, 0],
                        texture_triangles[t, 1],
                        texture_triangles[t, 2],
                    )
                    u = w0 * texture_points[ta, 0] + w1 * texture_points[tb, 0]
                    v = w0 * texture_points[ta, 1] + w1 * texture_points[tb, 1]
                    u += w2 * texture_points[tc, 0] - _HALF
                    v += w2 * texture_points[tc, 1] - _HALF
                    iu, iv, fu, fv = _texel_weights(u, v, columns, rows)
                    k00, k01 = (_ONE - fu) * (_ONE - fv), fu * (_ONE - fv)
                    k10, k11 = (_ONE - fu) * fv, fu * fv
                    p00, p01 = texture[iv, iu], texture[iv, iu + 1]
                    p10, p11 = texture[iv + 1, iu], texture[iv + 1, iu + 1]
                    gloss = k00 * np.float32(p00[3]) + k01 * np.float32(p01[3])
                    gloss += k10 * np.float32(p10[3]) + k11 * np.float32(p11[3])
                    shine = w0 * specular[a] + w1 * specular[b] + w2 * specular[c]
                    shine *= gloss * _BYTE
                    dark = _ONE
                    gu = (u - np.float32(furrow_origin[0])) * _HALF
                    gv = (v - np.float32(furrow_origin[1])) * _HALF
                    if gu > _ZERO and gv > _ZERO and gu < f_columns - 1 and gv < f_rows - 1:
                        ju, jv, hu, hv = _texel_weights(gu, gv, f_columns, f_rows)
                        top = furrows[jv, ju] * (_ONE - hu) + furrows[jv, ju + 1] * hu
                        low = furrows[jv + 1, ju] * (_ONE - hu) + furrows[jv + 1, ju + 1] * hu
                        dark = _ONE - (top * (_ONE - hv) + low * hv)
                    red += dark * shine + dark * (
                        k00 * linear[p00[0]]
                        + k01 * linear[p01[0]]
                        + k10 * linear[p10[0]]
                        + k11 * linear[p11[0]]
                    ) * (w0 * diffuse[a, 0] + w1 * diffuse[b, 0] + w2 * diffuse[c, 0])
                    green += dark * shine + dark * (
                        k00 * linear[p00[1]]
                        + k01 * linear[p01[1]]
                        + k10 * linear[p10[1]]
                        + k11 * linear[p11[1]]
                    ) * (w0 * diffuse[a, 1] + w1 * diffuse[b, 1] + w2 * diffuse[c, 1])
                    blue += dark * shine + dark * (
                        k00 * linear[p00[2]]
                        + k01 * linear[p01[2]]
                        + k10 * linear[p10[2]]
                        + k11 * linear[p11[2]]
                    ) * (w0 * diffuse[a, 2] + w1 * diffuse[b, 2] + w2 * diffuse[c, 2])
                    alpha += _ONE
            share = _ONE / np.float32(taken * taken)
            out[yo, xo, 0] = red * share
            out[yo, xo, 1] = green * share
            out[yo, xo, 2] = blue * share
            out[yo, xo, 3] = alpha * share


@njit(fastmath=True, cache=True)
def expose(
    image: Float32[np.ndarray, "h w 4"],
    background: Float32[np.ndarray, "h w 3"],
    gain: np.float32,
    tone: Float32[np.ndarray, " k"],
    grain: Float32[np.ndarray, "p q"],
    offsets: np.ndarray,
    sigma: np.float32,
    out: UInt8[np.ndarray, "h w 3"],
) -> None:
    """Put the head before the background, apply the tone curve, add noise and round to 8 bits.

    The noise is a shared luminance part and a weaker part per channel, read from the random image
    `grain` at `offsets` (4, 2). A sum of Gaussians, `sigma` grey levels each.
    """
    height, width = out.shape[0], out.shape[1]
    scale = np.float32(tone.shape[0] / 4.0)
    last = tone.shape[0] - 1
    chroma = np.float32(0.6)
    for y in range(height):
        for x in range(width):
            clear = _ONE - image[y, x, 3]
            shared = grain[y + offsets[3, 0], x + offsets[3, 1]]
            for k in range(3):
                light = (image[y, x, k] + clear * background[y, x, k] * gain) * scale
                level = tone[min(max(int(light), 0), last)]
                own = grain[y + offsets[k, 0], x + offsets[k, 1]]
                level += (own * chroma + shared) * sigma + _HALF
                out[y, x, k] = np.uint8(min(max(level, _ZERO), np.float32(255)))
