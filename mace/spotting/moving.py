"""What a face does at this moment, before anybody knows whether it will be an event."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from mace.spotting.config import SpottingConfig
from mace.spotting.signal import REGIONS
from mace.spotting.window import RunningMedian

# Rows a second of the running medians.
_RATE = 10.0


class RegionMotion(NamedTuple):
    """How far a region is from its rest.

    Attributes:
        name: one of `REGIONS`.
        u: to the right of the image, px of the 128-px crop.
        v: downward, likewise.
    """

    name: str
    u: float
    v: float

    @property
    def px(self) -> float:
        """Its length."""
        return float(np.hypot(self.u, self.v))


class Movements:
    """Says which regions of one face are away from their rest, with the spotter's thresholds.

    A region rests where the neutral reference has it, or where it has been for most of the last
    seconds, whichever is nearer: after a smile that was held for long neither the smile nor its end
    moves for ever. What it usually does in that time is no movement.
    """

    def __init__(self, config: SpottingConfig = SpottingConfig()) -> None:  # noqa: B008
        """Start with nothing known about a face."""
        self._config = config
        rows = round(2 * config.neutral_s * _RATE)
        self._rest = RunningMedian(rows, (len(REGIONS), 2), every=3)
        self._usual = RunningMedian(rows, (len(REGIONS),), every=3)
        self.clear()

    def clear(self) -> None:
        """Begin anew, as after a new reference."""
        self._rest.clear()
        self._usual.clear()
        # Until more is known, the face is taken to rest as its reference does.
        for _ in range(round(self._config.neutral_s * _RATE)):
            self._rest.push(np.zeros((len(REGIONS), 2)))
            self._usual.push(np.zeros(len(REGIONS)))
        self._pushed = -np.inf

    def push(self, time: float, regions: Float[np.ndarray, "r 2"]) -> tuple[RegionMotion, ...]:
        """Return the regions that are away from their rest at `time` (s), the farthest first.

        Args:
            time: later than before.
            regions: displacement of each of `REGIONS` against the reference, px of the 128-px crop.
        """
        away = regions - self._rest.value()
        nearer = np.hypot(*regions.T) < np.hypot(*away.T)
        motion = np.where(nearer[:, None], regions, away)
        length = np.hypot(*motion.T)
        usual = np.maximum(self._usual.value(), self._config.noise_px)
        least = np.maximum(self._config.least_px, self._config.least_noise * usual)
        if time >= self._pushed + 1 / _RATE:
            self._pushed = time
            self._rest.push(regions)
            self._usual.push(length)
        order = [int(index) for index in np.argsort(-length) if length[index] > least[index]]
        return tuple(
            RegionMotion(REGIONS[index], float(motion[index, 0]), float(motion[index, 1]))
            for index in order
        )
