"""The parts of a face that expressions leave in place, and the points there worth tracking."""

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from mace.face.config import CropConfig, RegistrationConfig

# Ellipses (x, y, half width, half height) in eye distances from the midpoint between the eyes, y
# downward. The bridge begins below the brows' root, which frowning pulls; the eyes are entered only
# from their corners, since lids blink and irises wander; mouth and cheeks are left out.
_NOSE = [(0.0, 0.20, 0.16, 0.22), (0.0, 0.50, 0.26, 0.24)]
_CORNERS = [(-0.78, 0.02, 0.12, 0.12), (-0.24, 0.06, 0.11, 0.11)]
_CORNERS += [(-x, y, width, height) for x, y, width, height in _CORNERS]


def rigid_points(
    picture: UInt8[np.ndarray, "s s"], canonical: CropConfig, config: RegistrationConfig
) -> Float32[np.ndarray, "n 2"]:
    """Return points (x, y) px of the rigid regions that Lucas–Kanade can hold on to.

    The best pixel of every cell of `config.cell` px, by the smaller eigenvalue of the structure
    tensor, if it reaches `config.min_texture` of the best of all: even coverage, where the usual
    list of local maxima leaves smooth skin to a handful of points around the nostrils.

    Source: Shi and Tomasi, Good features to track, CVPR 1994, for the measure.
    """
    strength = cv2.cornerMinEigenVal(picture, 7) * _mask(canonical, _NOSE + _CORNERS)
    cell, count = config.cell, canonical.size // config.cell
    edge = cell * count
    cells = strength[:edge, :edge].reshape(count, cell, count, cell).swapaxes(1, 2)
    cells = cells.reshape(count, count, cell * cell)
    rows, columns = np.nonzero(cells.max(axis=2) > config.min_texture * strength.max())
    down, right = np.divmod(cells[rows, columns].argmax(axis=1), cell)
    return np.stack([columns * cell + right, rows * cell + down], axis=1).astype(np.float32)


def rigid_box(canonical: CropConfig) -> tuple[slice, slice]:
    """Return the rows and columns that hold eyes and nose."""
    (x, y), distance = canonical.eyes.mean(axis=0), canonical.eye_distance * canonical.size
    rows = slice(round(y - 0.15 * distance), round(y + 0.75 * distance))
    return rows, slice(round(x - 0.9 * distance), round(x + 0.9 * distance))


def _mask(
    canonical: CropConfig, ellipses: list[tuple[float, float, float, float]]
) -> UInt8[np.ndarray, "s s"]:
    rows, columns = np.mgrid[: canonical.size, : canonical.size]
    distance = canonical.eye_distance * canonical.size
    middle = canonical.eyes.mean(axis=0)
    x, y = (columns - middle[0]) / distance, (rows - middle[1]) / distance
    inside = np.zeros(x.shape, bool)
    for centre_x, centre_y, width, height in ellipses:
        inside |= ((x - centre_x) / width) ** 2 + ((y - centre_y) / height) ** 2 <= 1
    return inside.astype(np.uint8)
