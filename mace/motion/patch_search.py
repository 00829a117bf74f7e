"""The loops of the flow by patches: cutting them out, finding them again, merging their motions.

A patch is kept as rows of one number more than its side, since the window that it is interpolated
from has that many: both lie alike in consecutive numbers, and a step of the search is one
vectorised loop. The number too many has neither gradient nor weight. Literals are float32, since
one float64 literal makes a kernel three times slower, and indices unsigned, or Numba would look for
negative ones at every pixel. Helpers are put into their callers (`inline`), which takes a sixth off
the time and a fifth off the compilation.
"""

import numpy as np
from jaxtyping import Float32, Int64, UInt8
from numba import njit, uintp

PATCH = 8
"""Side of a patch, px."""
_BORDER = 16  # how far a patch may look beyond the edge, px

_STEPS = 2
# Added to the summed squares of a patch's gradients, (gray levels / px)²: where noise alone would
# move a patch without texture, it stays where the coarser scale has put it.
_DAMPING = np.float32(30)
_ROW = PATCH + 1
_SIZE = PATCH * _ROW
_PIXELS = np.float32(PATCH**2)
_MIDDLE = np.float32(PATCH / 2)
_FARTHEST = np.float32(PATCH**2)  # px²
_ZERO, _HALF, _ONE, _TWO = np.float32(0), np.float32(0.5), np.float32(1), np.float32(2)
_QUARTER = np.float32(0.25)


type Scale = tuple[np.ndarray, np.ndarray, np.ndarray]
"""A reference at one size: its patches (`cut_patches`), their first rows, their first columns."""


@njit(fastmath=True, cache=True, nogil=True)
def cut_patches(
    picture: Float32[np.ndarray, "h w"],
    gradient_x: Float32[np.ndarray, "h w"],
    gradient_y: Float32[np.ndarray, "h w"],
    tops: Int64[np.ndarray, " i"],
    lefts: Int64[np.ndarray, " j"],
) -> Float32[np.ndarray, "n 3 k"]:
    """Return of every patch its gray levels, and the motion in x and in y that one too many says.

    That motion, in px, is the Hessian's inverse times the gradient, less the patch's mean gradient:
    a patch that is brighter as a whole has not moved.

    Args:
        picture: gray levels.
        gradient_x: its derivative, gray levels a px.
        gradient_y: its derivative, gray levels a px.
        tops: first rows of the patches.
        lefts: their first columns.
    """
    patches = np.zeros((len(tops) * len(lefts), 3, _SIZE), np.float32)
    number = 0
    for top in tops:
        for left in lefts:
            gray, says_x, says_y = patches[number, 0], patches[number, 1], patches[number, 2]
            number += 1
            mean_x, mean_y = _ZERO, _ZERO
            for j in range(PATCH):
                for i in range(PATCH):
                    mean_x += gradient_x[top + j, left + i]
                    mean_y += gradient_y[top + j, left + i]
            xx, xy, yy = _DAMPING, _ZERO, _DAMPING
            for j in range(PATCH):
                for i in range(PATCH):
                    place = j * _ROW + i
                    x = gradient_x[top + j, left + i] - mean_x / _PIXELS
                    y = gradient_y[top + j, left + i] - mean_y / _PIXELS
                    gray[place], says_x[place], says_y[place] = picture[top + j, left + i], x, y
                    xx, xy, yy = xx + x * x, xy + x * y, yy + y * y
            share = _ONE / (xx * yy - xy * xy)
            for place in range(_SIZE):
                x, y = share * says_x[place], share * says_y[place]
                says_x[place], says_y[place] = yy * x - xy * y, xx * y - xy * x
    return patches


@njit(fastmath=True, cache=True, nogil=True)
def follow_patches(
    scales: tuple[Scale, ...],
    target: UInt8[np.ndarray, "h w"],
    out: Float32[np.ndarray, "h w 2"],
) -> None:
    """Search for a reference in a target, the coarsest scale first, and write the flow to `out`.

    All in one call: each gives Python's lock away and has to wait for it again.

    Args:
        scales: of the reference, the finest first.
        target: gray levels.
        out: (u, v) in px.
    """
    pictures = [target.astype(np.float32)]
    for _ in range(len(scales) - 1):
        pictures.append(halve(pictures[-1]))
    flow = np.zeros((1, 1, 2), np.float32)
    for level in range(len(scales) - 1, -1, -1):
        patches, tops, lefts = scales[level]
        around = _framed(pictures[level])
        motions = _search(patches, tops, lefts, around, flow)
        height, width = pictures[level].shape
        flow = out if level == 0 else np.empty((height, width, 2), np.float32)
        _merge(patches, tops, lefts, around, motions, flow)


@njit(fastmath=True, cache=True, nogil=True)
def halve(picture: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "y x"]:
    """Return the means of four pixels; an odd row or column at the end is left out."""
    half = np.empty((picture.shape[0] // 2, picture.shape[1] // 2), np.float32)
    for y in range(uintp(half.shape[0])):
        upper, lower, row = picture[2 * y], picture[2 * y + 1], half[y]
        for x in range(uintp(half.shape[1])):
            left, right = uintp(2) * x, uintp(2) * x + uintp(1)
            row[x] = _QUARTER * (upper[left] + upper[right] + lower[left] + lower[right])
    return half


@njit(fastmath=True, cache=True, nogil=True)
def _framed(picture):
    """Return the picture with its edge repeated around it."""
    height, width = picture.shape
    framed = np.empty((height + 2 * _BORDER, width + 2 * _BORDER), np.float32)
    for y in range(height + 2 * _BORDER):
        row = min(max(y - _BORDER, 0), height - 1)
        for x in range(width + 2 * _BORDER):
            framed[y, x] = picture[row, min(max(x - _BORDER, 0), width - 1)]
    return framed


@njit(fastmath=True, cache=True, nogil=True)
def _search(
    patches: Float32[np.ndarray, "n 3 k"],
    tops: Int64[np.ndarray, " i"],
    lefts: Int64[np.ndarray, " j"],
    target: Float32[np.ndarray, "y x"],
    coarse: Float32[np.ndarray, "t s 2"],
) -> Float32[np.ndarray, "i j 2"]:
    """Return how far every patch has moved, (u, v) in px.

    Args:
        patches: of the reference, from `cut_patches`.
        tops: their first rows.
        lefts: their first columns.
        target: gray levels, with `_BORDER` px around them.
        coarse: flow of the scale half as large, in px of that, where the search begins.
    """
    pixels, window = target.ravel(), np.zeros(_SIZE + _ROW + 1, np.float32)
    motions = np.empty((len(tops), len(lefts), 2), np.float32)
    number = 0
    for row in range(len(tops)):
        coarse_y = _HALF * (np.float32(tops[row]) + _MIDDLE) - _HALF
        for column in range(len(lefts)):
            coarse_x = _HALF * (np.float32(lefts[column]) + _MIDDLE) - _HALF
            start_u = _TWO * _between(coarse, coarse_x, coarse_y, 0)
            start_v = _TWO * _between(coarse, coarse_x, coarse_y, 1)
            gray, says_x, says_y = patches[number, 0], patches[number, 1], patches[number, 2]
            number += 1
            u, v = start_u, start_v
            for _ in range(_STEPS):
                shares = _open(window, pixels, target.shape, lefts[column], tops[row], u, v)
                x, y = _ZERO, _ZERO
                for place in range(uintp(_SIZE)):
                    error = _seen(window, place, shares) - gray[place]
                    x += error * says_x[place]
                    y += error * says_y[place]
                u, v = u - x, v - y
            if (u - start_u) ** 2 + (v - start_v) ** 2 > _FARTHEST:  # lost
                u, v = start_u, start_v
            motions[row, column, 0], motions[row, column, 1] = u, v
    return motions


@njit(fastmath=True, cache=True, nogil=True)
def _merge(
    patches: Float32[np.ndarray, "n 3 k"],
    tops: Int64[np.ndarray, " i"],
    lefts: Int64[np.ndarray, " j"],
    target: Float32[np.ndarray, "y x"],
    motions: Float32[np.ndarray, "i j 2"],
    flow: Float32[np.ndarray, "h w 2"],
) -> None:
    """Write the flow that the patches' motions make.

    A patch moves as its neighbours do, in the mean. A pixel's motion is the mean over the patches
    that hold it, weighted by how well they agree there, where differences below a gray level are
    none.

    Args:
        patches: of the reference, from `cut_patches`.
        tops: their first rows.
        lefts: their first columns.
        target: gray levels, with `_BORDER` px around them.
        motions: from `_search`.
        flow: where the result is written, (u, v) in px.
    """
    height, width = flow.shape[0], flow.shape[1]
    pixels, window = target.ravel(), np.zeros(_SIZE + _ROW + 1, np.float32)
    agreement = np.empty(_SIZE, np.float32)
    merged = np.zeros((3, height * width), np.float32)
    weights, sums_x, sums_y = merged[0], merged[1], merged[2]
    number = 0
    for row in range(len(tops)):
        for column in range(len(lefts)):
            gray = patches[number, 0]
            number += 1
            u, v = _among(motions, row, column)
            shares = _open(window, pixels, target.shape, lefts[column], tops[row], u, v)
            for place in range(uintp(_SIZE)):
                error = abs(_seen(window, place, shares) - gray[place])
                agreement[place] = _ONE / max(_ONE, error)
            for j in range(PATCH):
                first = uintp(tops[row] + j) * uintp(width) + uintp(lefts[column])
                for i in range(PATCH):
                    weight, place = agreement[uintp(j * _ROW) + uintp(i)], first + uintp(i)
                    weights[place] += weight
                    sums_x[place] += weight * u
                    sums_y[place] += weight * v
    found = flow.ravel()
    for place in range(uintp(height * width)):
        share = _ONE / weights[place]
        found[uintp(2) * place] = share * sums_x[place]
        found[uintp(2) * place + uintp(1)] = share * sums_y[place]


@njit(fastmath=True, cache=True, nogil=True, inline="always")
def _among(motions, row, column):
    """Return the mean motion of a patch and its neighbours, with binomial weights."""
    weights, u, v = _ZERO, _ZERO, _ZERO
    for j in range(max(row - 1, 0), min(row + 2, motions.shape[0])):
        for i in range(max(column - 1, 0), min(column + 2, motions.shape[1])):
            weight = (_ONE if i == column else _HALF) * (_ONE if j == row else _HALF)
            weights += weight
            u += weight * motions[j, i, 0]
            v += weight * motions[j, i, 1]
    return u / weights, v / weights


@njit(fastmath=True, cache=True, nogil=True, inline="always")
def _open(window, pixels, shape, left, top, u, v):
    """Lay the pixels about a patch moved by (u, v) px into the window; return four pixels' shares.

    Farther out than the border allows, they are those at its edge.
    """
    wide = uintp(shape[1])
    x = min(max(np.float32(left + _BORDER) + u, _ONE), np.float32(shape[1] - _ROW - 1))
    y = min(max(np.float32(top + _BORDER) + v, _ONE), np.float32(shape[0] - _ROW - 1))
    column, row = int(x), int(y)
    x, y = x - np.float32(column), y - np.float32(row)
    corner = uintp(row) * wide + uintp(column)
    for j in range(_ROW):
        for i in range(_ROW):
            window[uintp(j * _ROW) + uintp(i)] = pixels[corner + uintp(j) * wide + uintp(i)]
    return (_ONE - x) * (_ONE - y), x * (_ONE - y), (_ONE - x) * y, x * y


@njit(fastmath=True, cache=True, nogil=True, inline="always")
def _seen(window, place, shares):
    """Return the gray level between four pixels of the window."""
    a, b, c, d = shares
    return (
        a * window[place]
        + b * window[place + uintp(1)]
        + c * window[place + uintp(_ROW)]
        + d * window[place + uintp(_ROW + 1)]
    )


@njit(fastmath=True, cache=True, nogil=True, inline="always")
def _between(flow, x, y, component):
    """Return a component of the flow at a place between its pixels, or at the nearest of them."""
    height, width = flow.shape[0], flow.shape[1]
    x = min(max(x, _ZERO), np.float32(width - 1))
    y = min(max(y, _ZERO), np.float32(height - 1))
    left, top = int(x), int(y)
    right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
    x, y = x - np.float32(left), y - np.float32(top)
    upper = (_ONE - x) * flow[top, left, component] + x * flow[top, right, component]
    lower = (_ONE - x) * flow[bottom, left, component] + x * flow[bottom, right, component]
    return (_ONE - y) * upper + y * lower
