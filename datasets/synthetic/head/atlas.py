"""The texture atlas: the head unrolled onto a cylinder, with a strip of patches for the rest.

Of the cylinder a window is kept, which pictures can show: rows 0 to `ROWS` of a sheet, by angle and
height. The strip below holds the two irises and a few flat patches, and the layer of hair has a
second sheet underneath. A texel is about as wide as a px of the pairs' canvas.
"""

import numpy as np
from jaxtyping import Float32

Plane = Float32[np.ndarray, "h w"]
"""One value for every texel of the skin."""

WIDTH, HEIGHT = 600, 540
"""Of the whole cylinder in texels."""
LAYER = HEIGHT + 50
"""Rows of the cylinder and of the strip below it; those of the layer of hair follow."""
_THETA_MAX = 2.3
_Y_LOW, _Y_HIGH = 5.0, 8.7
_AXIS_Z = 0.25

# Columns and rows on the strip.
EYE_CENTRES = ((50, HEIGHT + 24.5), (150, HEIGHT + 24.5))
EYE_RADIUS = 22
TEETH, MOUTH, TONGUE, NOSTRIL = ((column, HEIGHT + 25) for column in (225, 275, 325, 375))


def angle(points: Float32[np.ndarray, "n 3"]) -> Float32[np.ndarray, " n"]:
    """Angle of each point around the head's vertical axis, 0 in front, in radians."""
    return np.arctan2(points[:, 0], points[:, 2] - np.float32(_AXIS_Z))


def _on_cylinder[T: (float, np.ndarray)](theta: T, y: T) -> tuple[T, T]:
    column = (theta / _THETA_MAX * 0.5 + 0.5) * (WIDTH - 1) + 0.5
    return column, (_Y_HIGH - y) / (_Y_HIGH - _Y_LOW) * (HEIGHT - 1) + 0.5


# The window of the cylinder that is painted, beyond which the border's colour goes on.
PAINTED_LOW, _PAINTED_HIGH = 5.7, 8.4
_LEFT, _RIGHT = (int(_on_cylinder(theta, 7.0)[0]) for theta in (-2.0, 2.0))
_TOP, _BOTTOM = (int(_on_cylinder(0.0, y)[1]) for y in (_PAINTED_HIGH, PAINTED_LOW))
WINDOW = (slice(_TOP, _BOTTOM), slice(_LEFT, _RIGHT))
ROWS, COLUMNS = _BOTTOM - _TOP, _RIGHT - _LEFT
SHEET = ROWS + LAYER - HEIGHT

# Angle of every column and height of every row: broadcast, they are the coordinates of the skin.
THETA = np.linspace(-_THETA_MAX, _THETA_MAX, 2 * WIDTH, dtype=np.float32)[None, ::2][:, WINDOW[1]]
Y = np.linspace(_Y_HIGH, _Y_LOW, 2 * HEIGHT, dtype=np.float32)[::2, None][WINDOW[0]]


def texel[T: (float, np.ndarray)](theta: T, y: T) -> tuple[T, T]:
    """Column and row of the skin at `theta` radians and `y` decimetres."""
    column, row = _on_cylinder(theta, y)
    return column - _LEFT, row - _TOP


def unroll(points: Float32[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n 2"]:
    """Column and row of each point on the whole cylinder."""
    theta = np.clip(angle(points), -_THETA_MAX, _THETA_MAX)
    return np.stack(_on_cylinder(theta, points[:, 1]), 1).astype(np.float32)


def on_sheets(unrolled: Float32[np.ndarray, "n 2"]) -> Float32[np.ndarray, "n 2"]:
    """Column and row on the sheets of points of the cylinder, the strip below, or the hair's."""
    column, row = unrolled.T
    hair = row >= LAYER
    row = np.where(hair, row - LAYER, row)
    strip = row > HEIGHT
    x = np.where(strip, column, np.clip(column - _LEFT, 1, COLUMNS - 2))
    y = np.where(strip, row - HEIGHT + ROWS, np.clip(row - _TOP, 1, ROWS - 2))
    return np.stack([x, y + hair * np.float32(SHEET)], 1)
