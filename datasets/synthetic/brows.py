"""Eyebrows and stubble: hairs drawn as thin strokes on the skin chart."""

import cv2
import numpy as np
from jaxtyping import Float32

from mace.datasets.synthetic import atlas
from mace.datasets.synthetic.assets import skin_masks
from mace.datasets.synthetic.atlas import SKIN_HEIGHT, THETA, WIDTH, Y
from mace.datasets.synthetic.identity import Style

_LAYERS = 7
# Brows stay inside this window of the chart; drawing on a part is what makes them cheap.
_LEFT, _TOP = (int(v) for v in atlas.texel(-0.75, 7.8))
_RIGHT, _BOTTOM = (int(v) for v in atlas.texel(0.75, 7.2))


def paint_brows(rng: np.random.Generator, style: Style) -> Float32[np.ndarray, "h w"]:
    """Opacity of the brows on the skin chart."""
    thickness = rng.uniform(0.45, 1.4) * (1.2 if style.male > 0.5 else 0.75)
    arch, lift, length = (
        rng.uniform(-0.015, 0.06),
        rng.uniform(-0.03, 0.035),
        rng.uniform(0.36, 0.46),
    )
    hairs = int(150 * rng.uniform(0.5, 1.5))
    strength = rng.uniform(0.7, 1.0)
    clear = np.ones((_BOTTOM - _TOP, _RIGHT - _LEFT), np.float32)

    def place(theta: float, y: float) -> tuple[int, int]:
        column, row = atlas.texel(theta, y)
        return int((column - _LEFT) * 16), int((row - _TOP) * 16)

    for _ in range(_LAYERS):
        layer = np.zeros_like(clear)
        for side in (-1, 1):
            along = rng.random(hairs) ** 0.9
            across = np.clip(rng.normal(0, 0.5, hairs), -1, 1)
            height = 7.475 + lift + 0.035 * along - 0.12 * np.maximum(along - 0.62, 0) / 0.38
            height += arch * np.sin(np.pi * np.minimum(along * 1.25, 1))
            half = 0.046 * thickness * (1 - 0.72 * along)
            half *= 0.65 + 0.35 * np.minimum(1, along * 5)
            slant = np.deg2rad(75 - 70 * along**0.8 - across * 25 + rng.normal(0, 9, hairs))
            size = rng.uniform(0.03, 0.06, hairs)
            shade = rng.uniform(0.15, 0.55, hairs) * strength
            x, y = 0.10 + length * along, height + across * half
            ends = x + np.cos(slant) * size, y + np.sin(slant) * size * 0.8
            for k in range(hairs):
                begin, end = place(side * x[k], y[k]), place(side * ends[0][k], ends[1][k])
                cv2.line(layer, begin, end, (float(shade[k]),), 1, cv2.LINE_AA, 4)
        clear *= 1 - layer
    brows = 1 - clear
    full = np.zeros((SKIN_HEIGHT, WIDTH), np.float32)
    full[_TOP:_BOTTOM, _LEFT:_RIGHT] = np.clip(
        np.maximum(brows, cv2.GaussianBlur(brows, (0, 0), 3) * 0.75), 0, 0.95
    )
    return full


def paint_stubble(style: Style, grain: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """Opacity of the beard on the skin chart; `grain` is white noise."""
    side = np.abs(THETA)
    area = np.clip((6.78 - Y) / 0.12, 0, 1) * np.clip((Y - 6.02) / 0.15, 0, 1)
    area = area * np.clip((1.35 - side) / 0.2, 0, 1)
    area *= 1 - 0.4 * np.clip(1.2 * atlas.gaussian(0, 6.5, 0.12, 0.05), 0, 1)
    area *= 1 - np.clip(skin_masks().lips * 1.3, 0, 1)
    cheek = 6.78 - 0.42 * np.clip(side - 0.35, -0.2, 0.7) + 0.54 * np.clip(side - 0.9, 0, 1)
    area = area * np.where(side > 0.33, np.clip((cheek - Y) / 0.12, 0, 1), 1)
    dots = np.clip(0.55 + 1.2 * cv2.GaussianBlur(grain, (0, 0), 0.9), 0, 1)
    return np.clip(area * style.beard * (dots * 0.75 + 0.15), 0, 0.93).astype(np.float32)
