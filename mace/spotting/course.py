"""The motion of a face over the last seconds, smoothed: what a spotter judges."""

import numpy as np
from jaxtyping import Float

from mace.spotting.config import SpottingConfig
from mace.spotting.lasting import APART_S, Movement
from mace.spotting.segment import Pulse, bump, delineate, travel
from mace.spotting.signal import HEAD_POINTS, REGIONS
from mace.spotting.window import Window

_COUNT = len(REGIONS)
POINTS = _COUNT + HEAD_POINTS
"""Places a row of the signal holds: the regions, then those of the head."""

# A blink's smear is looked for so many points beside its apex.
_BESIDE = 3


class Course:
    """Smooths each point of the signal once, and compares it once with those `half_s` away.

    Attributes:
        apart: points before and after the judged one that it is compared with.
        around: points before and after it that a movement may take.
        reach: points that the smooth signal's end is behind the raw one's.
        lag: points that the judged one is behind the smooth signal's end.
        beside: (2·apart + 1, n), points beside each of those about the judged one, itself included.
    """

    def __init__(self, config: SpottingConfig) -> None:
        """Start empty; `begin` has to come before the first `push`."""
        self._fps, self._edge = config.fps, config.edge
        self._half, self.apart = config.samples(config.half_s), config.samples(APART_S)
        self.around = config.samples(config.micro_s[1] * 0.8)
        self.reach = config.samples(3 * config.smoothing_s)
        away = np.arange(-self.reach, self.reach + 1) / (config.fps * config.smoothing_s)
        kernel = np.exp(-0.5 * away**2)
        self._kernel = kernel / kernel.sum()
        self.lag = max(
            config.samples(config.decide_s) - self.reach, self._half + self.apart, self.around
        )
        near = np.arange(2 * self.apart + 1)[:, None] + np.arange(-_BESIDE, _BESIDE + 1)
        self.beside = np.clip(near, 0, 2 * self.apart)
        self._raw = Window(len(self._kernel), (POINTS * 2,))
        # Lids may stay shut for longer than a micro-expression lasts.
        self._back = max(self.around, config.samples(config.blink_s))
        self._smooth = Window(self.lag + self._back + self._half + 2, (POINTS, 2))
        self._heights = Window(self.lag - self._half + 2 * self.apart, (_COUNT,))

    def clear(self) -> None:
        """Forget everything."""
        for window in (self._raw, self._smooth, self._heights):
            window.clear()

    def begin(self, rest: Float[np.ndarray, " d"]) -> None:
        """Take the face to have rested, or nothing that begins at once could be seen."""
        for _ in range(len(self._kernel)):
            self._raw.push(rest)
        for _ in range(self._back):
            self._smooth.push(rest.reshape(POINTS, 2))

    def push(self, values: Float[np.ndarray, " d"]) -> Float[np.ndarray, "p 2"]:
        """Add a point, and return the smooth one that it completes."""
        self._raw.push(values)
        row = (self._kernel @ self._raw.last(len(self._kernel))).reshape(POINTS, 2)
        self._smooth.push(row)
        signal = self._smooth.last(2 * self._half + 1)
        if len(signal) == 2 * self._half + 1:
            lift = bump(signal[:, :_COUNT], self._half, self._half)
            self._heights.push(np.sqrt((lift * lift).sum(axis=-1)))
        return row

    def near(self) -> Float[np.ndarray, "n r"] | None:
        """Return how far the regions are from their middle, about the judged point, px.

        None while there are too few points.
        """
        behind = self.lag - self._half  # of the heights' end
        near = self._heights.last(behind + self.apart + 1)[: 2 * self.apart + 1]
        return near if len(near) == 2 * self.apart + 1 else None

    def lift(self) -> Float[np.ndarray, "r 2"]:
        """Return how far the regions are from their middle at the judged point, px."""
        regions = self._smooth.last(len(self._smooth))[:, :_COUNT]
        return bump(regions, len(regions) - 1 - self.lag, self._half)

    def pulse(self, weights: Float[np.ndarray, " r"], *, held: bool = False) -> Pulse | None:
        """Return the movement whose apex is the judged point, if it has feet.

        Args:
            weights: of the regions, in the pattern that is followed.
            held: it may have begun as long before as the lids stay shut in a blink.
        """
        regions = self._smooth.last(len(self._smooth))[:, :_COUNT]
        return delineate(
            regions,
            len(regions) - 1 - self.lag,
            pattern=self.lift(),
            weights=weights,
            before=self._back if held else self.around,
            after=self.around,
            edge=self._edge,
        )

    def timed(self, now: float, pulse: Pulse, heights: Float[np.ndarray, " r"]) -> Movement:
        """Return a pulse with its times, in s, and with how far the head went meanwhile.

        Args:
            now: time of the smooth signal's end.
            pulse: the movement.
            heights: px above the rest of the regions that have part in it.
        """
        signal = self._smooth.last(len(self._smooth))
        zero = now - (len(signal) - 1) / self._fps
        onset, apex, offset = (
            zero + place / self._fps for place in (pulse.onset, pulse.apex, pulse.offset)
        )
        far = travel(signal[:, _COUNT:], pulse.onset, pulse.offset)
        return Movement(onset, apex, offset, heights, far)
