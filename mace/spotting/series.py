"""Samples of irregular times, brought to a regular grid as they come."""

import math
from collections import deque

import numpy as np
from jaxtyping import Float

# A longer break is no jitter of the camera: what happened in it is unknown.
LONGEST_GAP_S = 0.2


def grid_number(time: float, fps: float) -> int:
    """Return the number of the last multiple of 1/`fps` s at or before `time`."""
    # A time on the grid is on it, whatever its last digit says.
    return math.floor(time * fps + 1e-6)


class Grid:
    """Interpolates samples linearly at whole multiples of 1/`fps`, in bounded memory."""

    def __init__(self, fps: float, seconds: float) -> None:
        self._fps = fps
        self._last: tuple[float, Float[np.ndarray, " d"]] | None = None
        self._frames: deque[tuple[float, int]] = deque(maxlen=2 + int(1000 * seconds))
        self._seconds = seconds

    def clear(self) -> None:
        """Forget everything."""
        self._last = None
        self._frames.clear()

    def due(self, time: float) -> bool:
        """Say whether a sample at `time` would add a point to the grid."""
        return self._last is None or grid_number(time, self._fps) != grid_number(
            self._last[0], self._fps
        )

    def broken(self, time: float) -> bool:
        """Say whether `time` is too late, or too early, to follow the last sample."""
        return self._last is not None and not 0 < time - self._last[0] <= LONGEST_GAP_S

    def push(
        self, time: float, frame: int, values: Float[np.ndarray, " d"]
    ) -> list[tuple[float, Float[np.ndarray, " d"]]]:
        """Return the grid's points (time, values) up to `time` that have become known."""
        previous, self._last = self._last, (time, values)
        self._frames.append((time, frame))
        while self._frames[0][0] < time - self._seconds:
            self._frames.popleft()
        if previous is None:
            return []
        begin, first = previous
        points = []
        for number in range(grid_number(begin, self._fps) + 1, grid_number(time, self._fps) + 1):
            at = number / self._fps
            share = (at - begin) / (time - begin)
            points.append((at, (1 - share) * first + share * values))
        return points

    def frame(self, time: float) -> int:
        """Return the index of the frame at `time`, between those that were pushed."""
        times, frames = zip(*self._frames, strict=True)
        return round(float(np.interp(time, times, frames)))
