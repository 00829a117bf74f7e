"""Whether what is tracked is a face still, its eyes in place: asked now and then."""

from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8

from mace.face.similarity import Transform

type Check = Callable[[UInt8[np.ndarray, "h w"], Transform], bool | None]
"""Takes a frame and where the face is in it; returns whether it is one, None while not known."""

# Misses in a row that end a track which still registers.
_MISSES = 3


class Confirmation:
    """Puts a check to every `interval`-th frame, and sooner again after a miss."""

    def __init__(self, check: Check, *, interval: int) -> None:
        self._check, self._interval = check, interval
        self._misses, self._left = 0, float(interval)

    def begin(self) -> None:
        """Take the face for confirmed: it has just been found."""
        self._left = self._interval

    def __call__(
        self, gray: UInt8[np.ndarray, "h w"], transform: Transform, *, weight: float = 1.0
    ) -> bool:
        """Return whether the track may go on with this frame, which counts as `weight` frames."""
        self._left -= weight
        if self._left > 0:
            return True
        confirmed = self._check(gray, transform)
        if confirmed is None:
            return True
        self._misses = 0 if confirmed else self._misses + 1
        self._left = self._interval if confirmed else max(self._interval // 5, 1)
        return self._misses < _MISSES
