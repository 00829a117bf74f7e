"""Parts of a face that something is before: known by their picture, and left out of the motion.

A hand before the mouth has a flow like any other picture, and moves faster than any muscle. But
what it covers is no longer there: nowhere near does the picture fit the reference that the face is
registered to. Motion of a muscle changes little about that: of micro-expressions of 1.5 px of the
128-px crop the misfit measured here stays below 0.25, of a hand it is 0.35 to 0.8.
"""

from collections import deque

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from mace.face.config import CropConfig
from mace.spotting.config import SpottingConfig
from mace.spotting.signal import EYES, REGIONS, region_weights
from mace.spotting.window import RunningMedian

# Side of the pictures that are compared: 3 px of the crop of 128 are one, so that noise averages
# out, and one step to either side follows what a muscle moves.
_SIDE, _REACH = 43, 1
_COUNT = len(REGIONS)
_BROWS = np.array([name.startswith("brow") for name in REGIONS])
_EYES = np.array([name in EYES for name in REGIONS])
_BELOW = ~_BROWS & ~_EYES
_NOTHING = np.zeros(_COUNT, bool)
# Raised by 4 px of the crop, they have a misfit of 0.46; behind a hand, of 0.56.
_MORE = 1.7
# A little before and after, in s, a region is covered in part, and its motion as wrong.
_ABOUT_S = 0.06


class Fit:
    """How well later pictures of a face fit its reference, region by region; 0.1 ms a picture.

    Args:
        reference: the face that others are registered to.
        crop: where the eyes lie in it.
    """

    def __init__(self, reference: UInt8[np.ndarray, "s s"], crop: CropConfig) -> None:
        self._weights = region_weights(_SIDE, _SIDE, crop=crop).astype(np.float32)
        self._picture = _reduced(reference).ravel()
        self._mean = self._weights @ self._picture
        self._variance = self._weights @ self._picture**2 - self._mean**2
        self._spread = max(float(self._picture.std()), 1.0)

    def misfit(self, crop: UInt8[np.ndarray, "s s"]) -> Float[np.ndarray, " r"]:
        """Return what of each of `REGIONS` the reference does not explain.

        It is the standard deviation that is left of the region, or of the reference's, after the
        best fit of brightness and contrast at the best of nine places; in units of the standard
        deviation of the whole reference, so that light has no say. Regions without texture fit
        everything.
        """
        wide = cv2.copyMakeBorder(
            _reduced(crop), _REACH, _REACH, _REACH, _REACH, cv2.BORDER_REPLICATE
        )
        steps = 2 * _REACH + 1
        near = np.empty((3, steps * steps, _SIDE * _SIDE), np.float32)
        for k in range(steps * steps):
            row, column = divmod(k, steps)
            near[0, k] = wide[row : row + _SIDE, column : column + _SIDE].ravel()
        np.multiply(near[0], near[0], out=near[1])
        np.multiply(near[0], self._picture, out=near[2])
        means = self._weights @ near.reshape(-1, _SIDE * _SIDE).T
        mean, square, product = np.split(means, 3, axis=1)
        variance = square - mean**2
        shared = np.maximum(product - mean * self._mean[:, None], 0)
        own = self._variance[:, None]
        share = shared**2 / np.maximum(variance * own, 1e-3)
        left = np.maximum(variance, own) * np.maximum(1 - share, 0)
        return np.sqrt(left.min(axis=1)).astype(np.float64) / self._spread


def _reduced(crop: UInt8[np.ndarray, "s s"]) -> Float[np.ndarray, "n n"]:
    # Less a middle gray, so that single precision is enough for variances.
    small = cv2.resize(crop, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) - 128


def covered(misfit: Float[np.ndarray, " r"], *, limit: float) -> Bool[np.ndarray, " r"]:
    """Return which regions something is before, lids aside, which shut in every blink.

    It takes two regions below the eyes that do not fit: lips that open are one. Brows are lines,
    which a strong movement carries off their place, so they are allowed more. What is covered takes
    its half of the face with it: the flow of a hand reaches beyond its edge.
    """
    if misfit[~_EYES].max() <= limit:  # as in nearly every frame
        return _NOTHING
    brows = misfit[_BROWS].max() > _MORE * limit
    below = np.count_nonzero(misfit[_BELOW] > limit) > 1
    return (_BROWS & brows) | (_BELOW & below)


class Uncovered:
    """Holds the motion of a covered region where it was before, as that of a part not seen.

    Points come out `delay` later than they go in.
    """

    def __init__(self, config: SpottingConfig) -> None:
        self._limit = config.max_misfit
        self.delay = config.samples(_ABOUT_S)
        self._usual = RunningMedian(
            config.samples(2 * config.neutral_s), (_COUNT,), every=config.samples(0.1)
        )
        self._near = deque[tuple[float, Float[np.ndarray, " d"], Bool[np.ndarray, " r"]]](
            maxlen=2 * self.delay + 1
        )
        self._held: Float[np.ndarray, "r 2"] | None = None

    def clear(self) -> None:
        """Forget everything."""
        self._usual.clear()
        self._near.clear()
        self._held = None

    def push(
        self, time: float, motion: Float[np.ndarray, " d"], misfit: Float[np.ndarray, " r"]
    ) -> tuple[float, Float[np.ndarray, " d"]] | None:
        """Take a point and return the one `delay` before it; None while there is none.

        Args:
            time: s.
            motion: of the regions, and of what else there is.
            misfit: of the regions. What it usually is counts for nothing: the reference may have
                been another expression.
        """
        self._usual.push(misfit)
        # Variances add up, standard deviations do not.
        more = np.sqrt(np.maximum(misfit**2 - self._usual.value() ** 2, 0))
        self._near.append((time, motion, covered(more, limit=self._limit)))
        if len(self._near) <= self.delay:
            return None
        then, row, _ = self._near[-1 - self.delay]
        regions = row[: 2 * _COUNT].reshape(_COUNT, 2)
        hiding = [hidden for _, _, hidden in self._near if hidden is not _NOTHING]
        if self._held is not None and hiding:
            regions = np.where(np.any(hiding, axis=0)[:, None], self._held, regions)
            row = np.concatenate([regions.ravel(), row[2 * _COUNT :]])
        self._held = regions
        return then, row
