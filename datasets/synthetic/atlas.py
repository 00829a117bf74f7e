"""The texture atlas: the head unrolled onto a cylinder, with a strip of patches for the rest.

Rows 0 to `SKIN_HEIGHT` hold the skin by angle and height, the strip below holds the two irises and
a few flat colours; the hair layer has a second image of the same size stacked underneath.
"""

import cv2
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


def gaussian(
    theta: float, y: float, sigma_theta: float, sigma_y: float
) -> Float32[np.ndarray, "h w"]:
    """A soft spot on the chart; separable, hence cheap."""
    across = np.exp(-0.5 * ((THETA - np.float32(theta)) / np.float32(sigma_theta)) ** 2)
    down = np.exp(-0.5 * ((Y - np.float32(y)) / np.float32(sigma_y)) ** 2)
    return down * across


def value_noise(
    rng: np.random.Generator,
    octaves: tuple[tuple[int, float], ...],
    shape: tuple[int, int] = (SKIN_HEIGHT, WIDTH),
) -> Float32[np.ndarray, "h w"]:
    """Sum of smooth random fields, each given as (cells across, amplitude)."""
    total = np.zeros(shape, np.float32)
    for cells, amplitude in octaves:
        rows = max(2, int(cells * shape[0] / shape[1]))
        coarse = rng.standard_normal((rows, cells), dtype=np.float32)
        total += np.float32(amplitude) * cv2.resize(
            coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC
        )
    return total


def to_linear(colour: object) -> Float32[np.ndarray, "..."]:
    """Linear light from 8-bit display values."""
    return (np.asarray(colour, np.float32) / np.float32(255)) ** np.float32(GAMMA)


def to_display(linear: Float32[np.ndarray, "..."]) -> np.ndarray:
    """8-bit display values from linear light in [0, 1]."""
    return (np.clip(linear, 0, 1) ** np.float32(1 / GAMMA) * 255).astype(np.uint8)
