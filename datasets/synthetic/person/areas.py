"""Places on the skin that all people share.

Everything here (lips, lids, places of blood, of beard) is made once per process.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from mace.datasets.synthetic.head.assets import skin_masks
from mace.datasets.synthetic.head.atlas import COLUMNS, HEIGHT, ROWS, THETA, WIDTH, WINDOW, Plane, Y
from mace.datasets.synthetic.person.furrows import oldest_wrinkles

_FLUSH = (
    (-0.62, 6.95, 0.25, 0.20, 1.0),
    (0.62, 6.95, 0.25, 0.20, 1.0),
    (0.0, 6.98, 0.16, 0.12, 0.9),
    (0.0, 6.25, 0.25, 0.12, 0.5),
)


@dataclass(frozen=True)
class SharedAreas:
    """Strength of each area; `pace`: how far the oldest skin folds at rest."""

    lips: Plane
    lids: Plane
    lashes: Plane
    flush: Plane
    rings: Plane
    nostrils: Plane
    oily: Plane
    beard: Plane
    ears: Plane
    pace: Plane


def _spot(theta: float, y: float, sigma_theta: float, sigma_y: float) -> Plane:
    across = np.exp(-0.5 * ((THETA - np.float32(theta)) / np.float32(sigma_theta)) ** 2)
    return np.exp(-0.5 * ((Y - np.float32(y)) / np.float32(sigma_y)) ** 2) * across


def _beard_area(lips: Plane) -> Plane:
    side = np.abs(THETA)
    area = np.clip((6.78 - Y) / 0.12, 0, 1) * np.clip((Y - 6.02) / 0.15, 0, 1)
    area = area * np.clip((1.35 - side) / 0.2, 0, 1)
    area *= 1 - 0.4 * np.clip(1.2 * _spot(0, 6.5, 0.12, 0.05), 0, 1)
    area *= 1 - np.clip(lips * 1.3, 0, 1)
    cheek = 6.78 - 0.42 * np.clip(side - 0.35, -0.2, 0.7) + 0.54 * np.clip(side - 0.9, 0, 1)
    return (area * np.where(side > 0.33, np.clip((cheek - Y) / 0.12, 0, 1), 1)).astype(np.float32)


@cache
def shared_areas() -> SharedAreas:
    """The areas, computed once per process."""
    masks = {
        name: cv2.resize(mask, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)[WINDOW].copy()
        for name, mask in skin_masks().items()
    }
    lips = masks["lips"]
    side = np.abs(THETA)
    ears = np.clip((side - 1.02) / 0.05, 0, 1) * np.clip((2.0 - side) / 0.05, 0, 1)
    return SharedAreas(
        lips=lips,
        lids=masks["lids"],
        lashes=masks["lash"],
        flush=sum((a * _spot(*place) for *place, a in _FLUSH), start=np.zeros_like(lips)),
        rings=_spot(-0.30, 7.10, 0.14, 0.06) + _spot(0.30, 7.10, 0.14, 0.06),
        nostrils=_spot(-0.055, 6.895, 0.022, 0.012) + _spot(0.055, 6.895, 0.022, 0.012),
        oily=_spot(0, 7.0, 0.25, 0.3) + _spot(0, 7.8, 0.6, 0.15),
        beard=_beard_area(lips),
        ears=(ears * np.clip((7.42 - Y) / 0.05, 0, 1) * (side < 1.75)).astype(np.float32),
        pace=oldest_wrinkles(),
    )


def smooth_noise(rng: np.random.Generator, octaves: tuple[tuple[int, float], ...]) -> Plane:
    """Smooth random fields; cells across the window and amplitudes."""
    total = np.zeros((ROWS, COLUMNS), np.float32)
    for cells, amplitude in octaves:
        coarse = rng.standard_normal((cells * ROWS // COLUMNS, cells), dtype=np.float32)
        coarse *= np.float32(amplitude)
        total += cv2.resize(coarse, (COLUMNS, ROWS), interpolation=cv2.INTER_CUBIC)
    return total
