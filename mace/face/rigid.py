"""The parts of a face that expressions leave in place, and how they have moved."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from mace.face.config import RegistrationConfig
from mace.face.similarity import Transform, fit_robust
from mace.face.warping import sample

MIN_POINTS = 8

# Ellipses (x, y, half width, half height) in eye distances from the midpoint between the eyes, y
# downward. The bridge begins below the brows' root, which frowning pulls; the eyes are entered only
# from their corners, since lids blink and irises wander; mouth and cheeks are left out.
_NOSE = [(0.0, 0.20, 0.16, 0.22), (0.0, 0.50, 0.26, 0.24)]
_CORNERS = [(-0.78, 0.02, 0.12, 0.12), (-0.24, 0.06, 0.11, 0.11)]
_CORNERS += [(-x, y, width, height) for x, y, width, height in _CORNERS]
# A window on the face around them, in eye distances: left, top, right, bottom.
_WINDOW = (-0.9, -0.15, 0.9, 0.75)


@dataclass(frozen=True)
class Field:
    """A canonical picture that frames are compared in, px.

    Attributes:
        width: of the picture.
        height: of the picture.
        eye_distance: between the eye centres.
        eye_height: of the eye line below the upper edge.
        levels: halvings of the pyramid that Lucas–Kanade works on.
    """

    width: int
    height: int
    eye_distance: float
    eye_height: float
    levels: int

    @cached_property
    def eyes(self) -> Float[np.ndarray, "2 2"]:
        """Places of the eye centres (x, y)."""
        centre, half = (self.width - 1) / 2, self.eye_distance / 2
        return np.array([[centre - half, self.eye_height], [centre + half, self.eye_height]])

    @cached_property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns that hold eyes and nose."""
        (x, y), (left, top, right, bottom) = self.eyes.mean(axis=0), _WINDOW
        rows = slice(round(y + top * self.eye_distance), round(y + bottom * self.eye_distance))
        columns = slice(round(x + left * self.eye_distance), round(x + right * self.eye_distance))
        return rows, columns


# Precise where the face is within a few pixels of the guess; and coarse, with the wider view that
# finds a head that has jumped. Eyes as far apart as in the default crop of 128 px.
FINE = Field(width=112, height=80, eye_distance=51.2, eye_height=26.0, levels=0)
COARSE = Field(width=128, height=96, eye_distance=25.6, eye_height=36.0, levels=2)


@dataclass(frozen=True)
class Offset:
    """How a picture lies on the reference: `correction` brings it there.

    Attributes:
        correction: picture px to reference px.
        error_px: residual of the points, weighted root mean square.
        inliers: how many points agree.
        correlation: of the window's pixels before the correction, -1 to 1.
    """

    correction: Transform
    error_px: float
    inliers: int
    correlation: float


class RigidReference:
    """The keyframe's picture in a field, its rigid points, and the search for them elsewhere."""

    def __init__(
        self,
        gray: UInt8[np.ndarray, "h w"],
        transform: Transform,
        *,
        field: Field,
        samples: int,
        config: RegistrationConfig,
    ) -> None:
        """Take the picture that `transform` (frame px to field px) cuts out of the frame."""
        self.field = field
        self._samples = samples
        self._config = config
        self._picture = self._cut(gray, transform)
        self._patch = np.ascontiguousarray(self._picture[field.window])
        self._mean, self._deviation = _statistics(self._patch)
        self.points = rigid_points(self._picture, field, config)

    def compare(self, gray: UInt8[np.ndarray, "h w"], transform: Transform) -> Offset | None:
        """Measure how far off the rigid points are under `transform`, frame px to field px.

        Returns:
            None if too few points are found, forward and backward.
        """
        if len(self.points) < MIN_POINTS:
            return None
        picture = self._levelled(self._cut(gray, transform))
        there, seen = self._track(self._picture, picture, self.points)
        back, seen_again = self._track(picture, self._picture, there)
        returned = np.abs(back - self.points) < self._config.max_round_trip
        believed = np.flatnonzero(seen & seen_again & returned[:, 0] & returned[:, 1])
        if len(believed) < MIN_POINTS:
            return None
        correction, weights, error = fit_robust(there[believed], self.points[believed])
        return Offset(
            correction=correction,
            error_px=error,
            inliers=int(np.count_nonzero(weights > 0.1)),
            correlation=self._correlation(picture),
        )

    def _cut(self, gray: np.ndarray, transform: Transform) -> UInt8[np.ndarray, "h w"]:
        size = self.field.width, self.field.height
        return sample(gray, transform, size, samples=self._samples)

    def _levelled(self, picture: np.ndarray) -> np.ndarray:
        """Give `picture` the reference's brightness and contrast, which Lucas–Kanade relies on."""
        mean, deviation = _statistics(picture[self.field.window])
        gain = min(max(self._deviation / max(deviation, 1.0), 0.5), 2.0)
        return np.asarray(cv2.addWeighted(picture, gain, picture, 0.0, self._mean - gain * mean))

    def _correlation(self, picture: np.ndarray) -> float:
        """Return the correlation of the window with the reference's, both being levelled."""
        squares = cv2.norm(picture[self.field.window], self._patch, cv2.NORM_L2SQR)
        return 1 - squares / (2 * self._patch.size * max(self._deviation, 1.0) ** 2)

    def _track(
        self, image: np.ndarray, other: np.ndarray, points: Float32[np.ndarray, "n 2"]
    ) -> tuple[Float32[np.ndarray, "n 2"], Bool[np.ndarray, " n"]]:
        found, status, _ = cv2.calcOpticalFlowPyrLK(
            image,
            other,
            points,
            np.empty_like(points),
            winSize=(self._config.window, self._config.window),
            maxLevel=self.field.levels,
            criteria=(cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 0.005),
        )
        return np.asarray(found), np.asarray(status).ravel() > 0


def rigid_points(
    picture: UInt8[np.ndarray, "h w"], field: Field, config: RegistrationConfig
) -> Float32[np.ndarray, "n 2"]:
    """Return points (x, y) px of the rigid regions that Lucas–Kanade can hold on to.

    The best pixel of every cell of `config.cell` px, by the smaller eigenvalue of the structure
    tensor, if it reaches `config.min_texture` of the best of all: even coverage, where the usual
    list of local maxima leaves smooth skin to a handful of points around the nostrils.

    Source: Shi and Tomasi, Good features to track, CVPR 1994, for the measure.
    """
    cell = max(round(config.cell * field.eye_distance / FINE.eye_distance), 2)
    rows, columns = field.height // cell, field.width // cell
    strength = cv2.cornerMinEigenVal(picture, 7) * _mask(field)
    cells = strength[: rows * cell, : columns * cell].reshape(rows, cell, columns, cell)
    cells = cells.swapaxes(1, 2).reshape(rows, columns, cell * cell)
    row, column = np.nonzero(cells.max(axis=2) > config.min_texture * strength.max())
    down, right = np.divmod(cells[row, column].argmax(axis=1), cell)
    return np.stack([column * cell + right, row * cell + down], axis=1).astype(np.float32)


def _mask(field: Field) -> Bool[np.ndarray, "h w"]:
    rows, columns = np.mgrid[: field.height, : field.width]
    middle = field.eyes.mean(axis=0)
    x, y = (columns - middle[0]) / field.eye_distance, (rows - middle[1]) / field.eye_distance
    inside = np.zeros(x.shape, bool)
    for centre_x, centre_y, width, height in _NOSE + _CORNERS:
        inside |= ((x - centre_x) / width) ** 2 + ((y - centre_y) / height) ** 2 <= 1
    return inside


def _statistics(patch: np.ndarray) -> tuple[float, float]:
    mean, deviation = cv2.meanStdDev(patch)
    return float(mean[0, 0]), float(deviation[0, 0])
