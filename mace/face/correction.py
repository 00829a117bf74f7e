"""Face correction: the keyframe's canonical pose, and registration of other frames to it.

Landmarks jitter by about half a pixel from frame to frame, as much as a micro-expression moves.
So they are used once, for the keyframe; every other frame is registered to the keyframe's picture
on points that expressions leave in place.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from mace.face.config import FaceConfig
from mace.face.pose import canonical_transform
from mace.face.rigid import COARSE, FINE, Offset, RigidReference
from mace.face.similarity import Transform, compose, fit_similarity, invert
from mace.face.warping import supersampling, warp

# Of a partial registration.
_FEWEST = 5  # points
_LEAST_CORRELATION = 0.35


@dataclass(frozen=True)
class Registration:
    """How a frame lies on the keyframe.

    Attributes:
        transform: frame px to crop px.
        error_px: residual of the rigid points, px where the eyes are 51 px apart.
        inliers: how many rigid points agree.
        correlation: of eyes and nose with the keyframe's, -1 to 1.
        ok: whether it is good enough to be believed.
        partial: if not ok: enough for a face that was there a moment ago.
    """

    transform: Transform
    error_px: float
    inliers: int
    correlation: float
    ok: bool
    partial: bool = False


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
        self._crop = config.crop
        self._config = config.registration
        self.landmarks = landmarks
        self.transform = canonical_transform(landmarks, config.crop)
        self._samples = supersampling(self.transform)
        self.reference = self.crop(gray, self.transform)
        # Registration has its own scale, so that its precision does not hang on the crop's.
        self._to_fine = fit_similarity(config.crop.eyes, FINE.eyes)
        self._to_coarse = fit_similarity(FINE.eyes, COARSE.eyes)
        fine = compose(self._to_fine, self.transform)
        coarse = compose(self._to_coarse, fine)
        self._fine, self._coarse = (
            RigidReference(
                gray,
                transform,
                field=field,
                samples=supersampling(transform),
                config=config.registration,
            )
            for field, transform in ((FINE, fine), (COARSE, coarse))
        )

    @property
    def itself(self) -> Registration:
        """The registration of the keyframe to itself, which needs no measuring."""
        return Registration(self.transform, 0.0, len(self._fine.points), 1.0, ok=True)

    def crop(
        self, gray: UInt8[np.ndarray, "h w"], transform: Transform
    ) -> UInt8[np.ndarray, "s s"]:
        """Return the crop of any frame, sampled just as the keyframe's own."""
        return warp(gray, transform, self._crop, samples=self._samples)

    def register(
        self, gray: UInt8[np.ndarray, "h w"], previous: Transform, *, wide: bool = True
    ) -> Registration:
        """Find the transform that lays the face in `gray` on the keyframe's.

        Each pass warps the frame by the estimate so far and measures by Lucas–Kanade how the
        rigid points are off. The first passes look close by; if the face is not there, a coarse
        pass with a wider view comes first.

        Args:
            gray: the frame.
            previous: a transform to start from, such as the last frame's.
            wide: whether to make the coarse pass, which triples what a failure costs.

        Returns:
            The registration; if it is not `ok` its transform is not to be used. A face too smooth
            to hold on to never registers.

        Source: Lucas and Kanade, An iterative image registration technique, IJCAI 1981; Kalal,
        Mikolajczyk and Matas, Forward-backward error, ICPR 2010.
        """
        start = compose(self._to_fine, previous)
        found = self._refine(gray, start)
        if found.ok or not wide:
            return found
        coarse = compose(self._to_coarse, start)
        for _ in range(2):
            offset = self._coarse.compare(gray, coarse)
            if offset is None:
                return found
            coarse = compose(offset.correction, coarse)
        again = self._refine(gray, compose(invert(self._to_coarse), coarse))
        return found if found.partial and not again.ok else again

    def _refine(self, gray: np.ndarray, transform: Transform) -> Registration:
        for _ in range(self._config.max_passes):
            offset = self._fine.compare(gray, transform)
            if offset is None:
                break
            transform = compose(offset.correction, transform)
            if _eyes_move(offset.correction) < self._config.converged:
                result = compose(invert(self._to_fine), transform)
                return Registration(
                    result,
                    offset.error_px,
                    offset.inliers,
                    offset.correlation,
                    ok=self._trusted(offset),
                    partial=self._plausible(offset),
                )
        return Registration(compose(invert(self._to_fine), transform), math.inf, 0, 0.0, ok=False)

    def _trusted(self, offset: Offset) -> bool:
        # A covered face has few points that fit well, a face in another mood many that fit less;
        # few that fit badly are chance.
        share = offset.inliers / len(self._fine.points)
        return (
            share >= self._config.min_inliers
            and offset.error_px <= self._config.max_error * share
            and offset.correlation >= self._config.min_correlation
        )

    def _plausible(self, offset: Offset) -> bool:
        # Screwed-up eyes look like another's, and leave the nose alone to hold on to.
        share = offset.inliers / len(self._fine.points)
        return (
            offset.inliers >= _FEWEST
            and offset.error_px <= self._config.max_error * share
            and offset.correlation >= _LEAST_CORRELATION
        )


def _eyes_move(correction: Transform) -> float:
    """Return how far a correction in the fine field moves an eye along an axis, px at most."""
    (a, b, x), (c, d, y) = correction.tolist()
    moved = [(a * u + b * v + x - u, c * u + d * v + y - v) for u, v in FINE.eyes.tolist()]
    return max(abs(one) for pair in moved for one in pair)
