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
_NOSE_SHARE = 0.5


def rigid_points(
    picture: UInt8[np.ndarray, "s s"], canonical: CropConfig, config: RegistrationConfig
) -> Float32[np.ndarray, "n 2"]:
    """Return up to `config.points` corners (x, y) px: half on the nose, the rest at eye corners.

    Each region has its quota, so that one strong edge does not draw them all.

    Source: Shi and Tomasi, Good features to track, CVPR 1994.
    """
    quota = max(round(config.points * (1 - _NOSE_SHARE) / len(_CORNERS)), 1)
    regions = [([corner], quota) for corner in _CORNERS]
    regions.append((_NOSE, config.points - quota * len(_CORNERS)))
    found = [_corners(picture, _mask(canonical, shapes), count) for shapes, count in regions]
    return np.concatenate(found).astype(np.float32)


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


def _corners(picture: np.ndarray, mask: np.ndarray, count: int) -> np.ndarray:
    corners = cv2.goodFeaturesToTrack(
        picture, count, qualityLevel=0.02, minDistance=3, mask=mask, blockSize=5
    )
    return np.zeros((0, 2)) if corners is None else np.asarray(corners).reshape(-1, 2)
