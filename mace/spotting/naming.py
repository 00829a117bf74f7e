"""What kind of movement it was, and what is told of it."""

from collections import deque

import numpy as np

from mace.spotting.config import SpottingConfig
from mace.spotting.events import Event, Kind
from mace.spotting.lasting import Movement
from mace.spotting.series import Grid
from mace.spotting.signal import EYES, REGIONS, SPEAKING

_EYES = np.array([name in EYES for name in REGIONS])
_SPEAKING = np.array([name in SPEAKING for name in REGIONS])
# Regions are named if they move at least half as much as the strongest.
_NAMED = 0.5


class Naming:
    """Makes events of one face's movements; remembers when its mouth has moved."""

    def __init__(self, config: SpottingConfig, *, identity: int) -> None:
        """Start with a mouth that has not moved."""
        self._config, self._identity = config, identity
        self._spoken: deque[float] = deque(maxlen=32)

    def __call__(self, movement: Movement, kind: Kind, grid: Grid) -> Event:
        """Return the event: head motion or speech, if that is what it was; `kind` otherwise.

        Args:
            movement: what was found.
            kind: what its course says.
            grid: which frames its times are.
        """
        onset, apex, offset, heights, far = movement
        order = np.argsort(-heights)
        strength = float(heights[order[0]])
        if kind != "blink":
            if far > self._config.head_px:
                kind = "head"
            elif _SPEAKING[order[0]] and self._speaks(apex):
                kind = "speech"
        return Event(
            identity=self._identity,
            kind=kind,
            onset=onset,
            apex=apex,
            offset=offset,
            onset_frame=grid.frame(onset),
            apex_frame=grid.frame(apex),
            offset_frame=grid.frame(offset),
            strength_px=strength,
            regions=tuple(REGIONS[k] for k in order if heights[k] >= _NAMED * strength),
        )

    def only_lids(self, movement: Movement) -> bool:
        """Say whether a movement is a blink, if a weak one: of both lids and nothing else."""
        config, lids, others = self._config, movement.heights[_EYES], movement.heights[~_EYES]
        return bool(
            movement.offset - movement.onset <= config.blink_s
            and lids.min() >= config.blink_evenness * lids.max()
            and others.max() < max(config.blink_alone * lids.max(), config.least_px)
        )

    def _speaks(self, apex: float) -> bool:
        """Say whether the mouth has moved often of late; count this movement among those."""
        while self._spoken and self._spoken[0] < apex - self._config.speech_s:
            self._spoken.popleft()
        again = len(self._spoken) >= self._config.speech_count
        self._spoken.append(apex)
        return again
