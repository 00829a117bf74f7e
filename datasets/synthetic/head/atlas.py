"""The texture atlas: the head unrolled onto a cylinder, with a strip of patches for the rest.

Rows 0 to `SKIN_HEIGHT` hold the skin by angle and height, the strip below holds the two irises and
a few flat patches; the hair layer has a second image of the same size stacked underneath. People
are painted at half of this resolution (`figure.py`): a px of the pairs' canvas is nearly two texels
wide.
"""

import numpy as np
from jaxtyping import Float32

WIDTH = 1200
SKIN_HEIGHT = 1080
HEIGHT = 1180
THETA_MAX = 2.3
Y_LOW, Y_HIGH = 5.0, 8.7
AXIS_Z = 0.25

EYE_CENTRES = ((100, SKIN_HEIGHT + 49), (300, SKIN_HEIGHT + 49))
EYE_RADIUS = 44
TEETH = (450, SKIN_HEIGHT + 50)
MOUTH = (550, SKIN_HEIGHT + 50)
TONGUE = (650, SKIN_HEIGHT + 50)
NOSTRIL = (750, SKIN_HEIGHT + 50)

# Angle of every column and height of every row: broadcast, they are the chart's coordinates.
THETA = np.linspace(-THETA_MAX, THETA_MAX, WIDTH, dtype=np.float32)[None, :]
Y = np.linspace(Y_HIGH, Y_LOW, SKIN_HEIGHT, dtype=np.float32)[:, None]

# sRGB is approximated by a power law in both directions; the tone curve is not photometric anyway.
GAMMA = 2.2


def angle(points: Float32[np.ndarray, "n 3"]) -> Float32[np.ndarray, " n"]:
    """Angle of each point around the head's vertical axis, 0 in front, in radians."""
    return np.arctan2(points[:, 0], points[:, 2] - np.float32(AXIS_Z))


def texel(theta: float, y: float) -> tuple[float, float]:
    """Column and row of the chart position (`theta` in radians, `y` in decimetres)."""
    column = (theta / THETA_MAX * 0.5 + 0.5) * (WIDTH - 2) + 1
    return column, (Y_HIGH - y) / (Y_HIGH - Y_LOW) * (SKIN_HEIGHT - 2) + 1


def unroll(points: Float32[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n 2"]:
    """Column and row of each point on the skin chart."""
    theta = np.clip(angle(points), -THETA_MAX, THETA_MAX)
    column, row = texel(theta, points[:, 1])  # pyright: ignore[reportArgumentType]
    return np.stack([column, row], 1).astype(np.float32)


def to_linear(colour: object) -> Float32[np.ndarray, "..."]:
    """Linear light from 8-bit display values."""
    return (np.asarray(colour, np.float32) / np.float32(255)) ** np.float32(GAMMA)
