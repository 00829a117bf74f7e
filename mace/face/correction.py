"""Face correction: the keyframe's canonical pose, and registration of other frames to it.

Landmarks jitter by about half a pixel from frame to frame, as much as a micro-expression moves.
So they are used once, for the keyframe; every other frame is registered to the keyframe's picture
on points that expressions leave in place.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from mace.face.config import CropConfig, FaceConfig, RegistrationConfig
from mace.face.landmarks import eye_centres
from mace.face.rigid import rigid_box, rigid_points
from mace.face.similarity import (
    Transform,
    apply,
    compose,
    fit_robust,
    fit_similarity,
    invert,
    scale,
)

_KERNELS = {
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
}
_MAX_SUPERSAMPLING = 4
_SIDE = 128  # of the pictures that are registered, px
_MIN_POINTS = 8


def supersampling(transform: Transform) -> int:
    """Return how many samples an axis a crop pixel needs so that shrinking does not alias."""
    return min(max(math.ceil(1 / scale(transform) - 0.05), 1), _MAX_SUPERSAMPLING)


def warp(
    gray: UInt8[np.ndarray, "h w"],
    transform: Transform,
    crop: CropConfig,
    *,
    samples: int | None = None,
) -> UInt8[np.ndarray, "s s"]:
    """Return the crop that `transform` (frame px to crop px) cuts out of the frame.

    A crop pixel is the mean of `samples` x `samples` interpolated values: a shrunk face would
    alias otherwise, and aliasing turns head motion into flicker. Beyond the frame's edge its
    last pixels are repeated.

    Args:
        gray: the frame.
        transform: frame px to crop px.
        crop: size and interpolation.
        samples: see above; by default as many as the shrinking asks for.
    """
    samples = supersampling(transform) if samples is None else samples
    # Sub-pixel centres: crop pixel x covers the fine pixels samples·x to samples·x + samples - 1.
    fine = transform * samples
    fine[:, 2] += (samples - 1) / 2
    side = crop.size * samples
    image = cv2.warpAffine(
        gray,
        fine,
        (side, side),
        flags=_KERNELS[crop.interpolation],
        borderMode=cv2.BORDER_REPLICATE,
    )
    if samples > 1:
        image = cv2.resize(image, (crop.size, crop.size), interpolation=cv2.INTER_AREA)
    return np.asarray(image)


@dataclass(frozen=True)
class Registration:
    """How a frame lies on the keyframe."""

    transform: Transform  # frame px to crop px
    error_px: float  # residual of the points, weighted root mean square, registration px
    inliers: int
    correlation: float  # of the rigid region with the keyframe's, -1 to 1
    ok: bool


class Keyframe:
    """A face in canonical pose, and what it takes to register other frames to it.

    Attributes:
        landmarks: (n, 2), px of the keyframe.
        transform: keyframe px to crop px.
        reference: the keyframe's own crop.
    """

    def __init__(
        self,
        gray: UInt8[np.ndarray, "h w"],
        landmarks: Float[np.ndarray, "n 2"],
        config: FaceConfig,
    ) -> None:
        """Bring the eyes among `landmarks` to their canonical places in the frame `gray`.

        Raises:
            DataError: if the eyes coincide.
        """
        self._config = config
        self._canonical = CropConfig(size=_SIDE)
        self._to_fine = fit_similarity(config.crop.eyes, self._canonical.eyes)
        self._to_crop = fit_similarity(self._canonical.eyes, config.crop.eyes)
        self.landmarks = landmarks
        self.transform = canonical_transform(landmarks, config.crop)
        self._crop_samples = supersampling(self.transform)
        fine = compose(self._to_fine, self.transform)
        self._fine_samples = supersampling(fine)
        self.reference = self.crop(gray, self.transform)
        self._picture = self._fine(gray, fine)
        self._box = rigid_box(self._canonical)
        self._patch = np.ascontiguousarray(self._picture[self._box])
        self._mean, self._deviation = _statistics(self._patch)
        self._points = rigid_points(self._picture, self._canonical, config.registration)

    @property
    def itself(self) -> Registration:
        """The registration of the keyframe to itself, which needs no measuring."""
        return Registration(self.transform, 0.0, len(self._points), 1.0, ok=True)

    def crop(
        self, gray: UInt8[np.ndarray, "h w"], transform: Transform
    ) -> UInt8[np.ndarray, "s s"]:
        """Return the crop of any frame, sampled just as the keyframe's own."""
        return warp(gray, transform, self._config.crop, samples=self._crop_samples)

    def register(self, gray: UInt8[np.ndarray, "h w"], previous: Transform) -> Registration:
        """Find the transform that lays the face in `gray` on the keyframe's.

        Each pass warps the frame by the estimate so far and measures by Lucas–Kanade how the
        rigid points are off; the first looks close by, and if the face is not there a coarse pass
        on an image pyramid looks further.

        Args:
            gray: the frame.
            previous: a transform to start from, such as the last frame's.

        Returns:
            The registration; if it is not `ok` its transform is not to be used. A face too smooth
            to hold on to never registers.

        Source: Lucas and Kanade, An iterative image registration technique, IJCAI 1981; Kalal,
        Mikolajczyk and Matas, Forward-backward error, ICPR 2010.
        """
        start = compose(self._to_fine, previous)
        if len(self._points) < _MIN_POINTS:
            return Registration(previous, math.inf, 0, 0.0, ok=False)
        found = self._refine(gray, start, coarse=False)
        if not found.ok:
            found = self._refine(gray, start, coarse=True)
        return found

    def _refine(self, gray: np.ndarray, transform: Transform, *, coarse: bool) -> Registration:
        settings = self._config.registration
        error, weights, correlation, step_px = math.inf, np.zeros(0), -1.0, math.inf
        for index in range(settings.max_passes):
            picture = self._fine(gray, transform)
            correlation = self._correlation(picture)
            levels = settings.coarse_levels if coarse and index == 0 else 0
            measured = self._measure(self._levelled(picture), levels)
            if measured is None:
                step_px = math.inf
                break
            step, weights, error = measured
            transform = compose(step, transform)
            step_px = float(np.abs(apply(step, self._canonical.eyes) - self._canonical.eyes).max())
            if step_px < settings.converged:
                break
        inliers = int((weights > 0.1).sum())
        ok = (
            step_px < settings.converged
            and error <= settings.max_error
            and inliers >= max(_MIN_POINTS, settings.min_inliers * len(self._points))
            and correlation >= settings.min_correlation
        )
        return Registration(compose(self._to_crop, transform), error, inliers, correlation, ok)

    def _measure(
        self, picture: np.ndarray, levels: int
    ) -> tuple[Transform, Float[np.ndarray, " n"], float] | None:
        settings = self._config.registration
        there, seen = _track(self._picture, picture, self._points, levels, settings)
        back, seen_again = _track(picture, self._picture, there, levels, settings)
        # A point that is far off on the coarse pass need only be roughly right.
        limit = settings.max_round_trip * (1 + 3 * (levels > 0))
        believed = seen & seen_again & (np.abs(back - self._points).max(axis=1) < limit)
        if believed.sum() < _MIN_POINTS:
            return None
        source = there[believed].astype(np.float64)
        target = self._points[believed].astype(np.float64)
        step, weights = fit_robust(source, target)
        squares = ((apply(step, source) - target) ** 2).sum(axis=1)
        return step, weights, float(np.sqrt(weights @ squares / weights.sum()))

    def _fine(self, gray: np.ndarray, transform: Transform) -> np.ndarray:
        return warp(gray, transform, self._canonical, samples=self._fine_samples)

    def _levelled(self, picture: np.ndarray) -> np.ndarray:
        """Give `picture` the keyframe's brightness and contrast, which Lucas–Kanade relies on."""
        mean, deviation = _statistics(np.ascontiguousarray(picture[self._box]))
        gain = min(max(self._deviation / max(deviation, 1.0), 0.5), 2.0)
        return np.asarray(cv2.addWeighted(picture, gain, picture, 0.0, self._mean - gain * mean))

    def _correlation(self, picture: np.ndarray) -> float:
        patch = np.ascontiguousarray(picture[self._box])
        return float(cv2.matchTemplate(patch, self._patch, cv2.TM_CCOEFF_NORMED)[0, 0])


def canonical_transform(landmarks: Float[np.ndarray, "n 2"], crop: CropConfig) -> Transform:
    """Return the similarity, frame px to crop px, that brings the eyes to their canonical places.

    Raises:
        DataError: if the eyes coincide.
    """
    return fit_similarity(eye_centres(landmarks), crop.eyes)


def visible_fraction(transform: Transform, crop: CropConfig, shape: tuple[int, ...]) -> float:
    """Return which fraction of the crop lies within a frame of the given (height, width)."""
    edge = crop.size - 0.5
    corners = np.array([[-0.5, -0.5], [edge, -0.5], [edge, edge], [-0.5, edge]])
    corners = apply(invert(transform), corners)
    limit = np.array([shape[1], shape[0]]) - 0.5
    if (corners >= -0.5).all() and (corners <= limit).all():
        return 1.0
    frame = np.array([[-0.5, -0.5], [limit[0], -0.5], limit, [-0.5, limit[1]]])
    area, _ = cv2.intersectConvexConvex(corners.astype(np.float32), frame.astype(np.float32))
    return float(min(area * scale(transform) ** 2 / crop.size**2, 1.0))


def _track(
    image: np.ndarray,
    other: np.ndarray,
    points: Float[np.ndarray, "n 2"],
    levels: int,
    settings: RegistrationConfig,
) -> tuple[Float[np.ndarray, "n 2"], np.ndarray]:
    found, status, _ = cv2.calcOpticalFlowPyrLK(
        image,
        other,
        points,
        np.empty_like(points),
        winSize=(settings.window, settings.window),
        maxLevel=levels,
        criteria=(cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 0.005),
    )
    return np.asarray(found), np.asarray(status).ravel() > 0


def _statistics(patch: np.ndarray) -> tuple[float, float]:
    mean, deviation = cv2.meanStdDev(patch)
    return float(mean[0, 0]), float(deviation[0, 0])
