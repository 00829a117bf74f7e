"""Movements that last: a face that stays away from its neutral for longer than a moment."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from mace.spotting.config import SpottingConfig
from mace.spotting.segment import delineate, travel
from mace.spotting.signal import EYES, REGIONS
from mace.spotting.window import RunningMedian

# A macro-expression may waver below its threshold twice as long; this much earlier than a short
# movement it has to have begun for the short one to be its part.
APART_S = 0.1
# A face that has been still for so long, and longer than it was at rest before, is at rest: longer
# than expressions are held at their apex.
_STILL_S = 1.0
_EYES = np.array([name in EYES for name in REGIONS])
_COUNT = len(REGIONS)


class Movement(NamedTuple):
    """A movement before it has a name.

    Attributes:
        onset: s.
        apex: s.
        offset: s.
        heights: px above the rest, of every region.
        travel: how far the head went meanwhile, px of the crop.
    """

    onset: float
    apex: float
    offset: float
    heights: Float[np.ndarray, " r"]
    travel: float


class Lasting:
    """Follows how far the face is from its neutral, the median of its last seconds at rest.

    Args:
        config: thresholds and durations.
        points: places a row of the signal holds: the regions, then those of the head.
    """

    def __init__(self, config: SpottingConfig, *, points: int) -> None:
        self._config = config
        self._apart = config.samples(APART_S)
        self._before = config.samples(config.micro_s[1] * 0.8)
        self._rest = RunningMedian(
            config.samples(config.neutral_s), (points, 2), every=config.samples(APART_S)
        )
        self.clear()

    def clear(self) -> None:
        """Forget the neutral, and what is going on."""
        self._rest.clear()
        self._rested = 0.0  # how long the face has been at rest, s
        self.rested = False
        self._run: list[Float[np.ndarray, "p 2"]] = []  # a deviation in progress
        self._begun = 0.0  # when it began, s
        self._quiet = 0  # points since it was last beyond the threshold
        self._found: list[tuple[float, float]] = []

    @property
    def begun(self) -> float:
        """When what is going on began, s."""
        return self._begun

    @property
    def going_on(self) -> bool:
        """Whether the face is away from its neutral."""
        return bool(self._run)

    def covers(self, onset: float, apex: float) -> bool:
        """Say whether a short movement is a part of a lasting one, over or still going on.

        It is none if the face has been still before it for longer than it has been at rest: then
        the neutral is what passed, as where a recording begins in an expression.
        """
        if self._run and self._begun < onset - APART_S:
            before = round((onset - self._begun) * self._config.fps)
            return self._still_s(min(before, len(self._run))) <= self._rested
        return any(begin <= apex <= end for begin, end in self._found)

    def push(self, time: float, row: Float[np.ndarray, "p 2"]) -> Movement | None:
        """Take the next point of the smoothed signal; return the movement that ends with it."""
        self.rested = False
        if len(self._rest) == 0:
            self._rest.push(row)
            return None
        away = (row - self._rest.value())[:_COUNT]
        farthest = np.where(_EYES, 0, (away * away).sum(axis=-1)).max()
        beyond = bool(farthest > self._config.macro_px**2)
        if not self._run:
            if not beyond:
                self._rest.push(row)
                self._rested += 1 / self._config.fps
                return None
            self._begun = time
        self._run.append(row.copy())
        self._quiet = 0 if beyond else self._quiet + 1
        if time - self._begun > self._config.macro_s[1]:
            # So long a change is how the face now is.
            self._renew(len(self._run[-self._apart :]), self._config.macro_s[1])
            return None
        if len(self._run) % self._apart == 0 and beyond:
            still = self._still_s(len(self._run))
            if still > max(self._rested, _STILL_S):
                self._renew(round(still * self._config.fps), still)
                return None
        if self._quiet < 2 * self._apart:
            return None
        return self._close()

    def _still_s(self, end: int) -> float:
        """Return how long the face had not moved before the point `end` of the run, s."""
        run = np.stack(self._run[:end])[:, :_COUNT] if end else np.zeros((1, _COUNT, 2))
        moved = np.where(_EYES, 0, ((run - run[-1]) ** 2).sum(axis=-1)).max(axis=1)
        other = np.flatnonzero(moved > (self._config.macro_px / 2) ** 2)
        return (end - 1 - (int(other[-1]) if other.size else -1)) / self._config.fps

    def _renew(self, points: int, seconds: float) -> None:
        """Take the last points of what goes on for the rest."""
        self._rest.clear()
        for one in self._run[-points:]:
            self._rest.push(one)
        self._rested, self.rested = seconds, True
        self._run, self._quiet = [], 0

    def _close(self) -> Movement | None:
        run, quiet = self._run, self._quiet
        self._run, self._quiet = [], 0
        rest, neutral = self._rest.last(self._before).copy(), self._rest.value()
        for one in run[-quiet:]:
            self._rest.push(one)
        self._rested += quiet / self._config.fps
        signal = np.concatenate([rest, np.stack(run)])
        regions = (signal - neutral)[:, :_COUNT]
        size = np.linalg.norm(np.where(_EYES[None, :, None], 0, regions), axis=-1).max(axis=1)
        apex = int(size.argmax())
        pulse = delineate(
            regions,
            apex,
            pattern=regions[apex],
            weights=np.where(_EYES, 0.0, 1.0),
            before=len(signal),
            after=len(signal),
            edge=self._config.edge,
        )
        if pulse is None:
            return None
        seconds = (pulse.offset - pulse.onset) / self._config.fps
        if not self._config.macro_s[0] < seconds <= self._config.macro_s[1]:
            return None
        onset, top, offset = (
            self._begun + (place - len(rest)) / self._config.fps
            for place in (pulse.onset, pulse.apex, pulse.offset)
        )
        self._found = [*self._found[-3:], (onset, offset)]
        heights = np.where(_EYES, 0, pulse.heights)
        return Movement(
            onset, top, offset, heights, travel(signal[:, _COUNT:], pulse.onset, pulse.offset)
        )
