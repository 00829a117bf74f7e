"""The last rows of a signal, in memory of a fixed size and without copying what was there."""

import numpy as np
from jaxtyping import Float


class Window:
    """The last `length` rows, side by side in memory.

    Args:
        length: rows kept.
        shape: of a row.
    """

    def __init__(self, length: int, shape: tuple[int, ...]) -> None:
        self._length = length
        # Twice as long: the rows are moved to the front once in `length` times.
        self._rows = np.zeros((2 * length, *shape))
        self._end = 0

    def __len__(self) -> int:
        """Return how many rows there are, at most `length`."""
        return min(self._end, self._length)

    def clear(self) -> None:
        """Forget all rows."""
        self._end = 0

    def push(self, row: Float[np.ndarray, "..."]) -> None:
        """Add a row; the oldest is forgotten if need be."""
        if self._end == 2 * self._length:
            self._rows[: self._length] = self._rows[self._length :]
            self._end = self._length
        self._rows[self._end] = row
        self._end += 1

    def last(self, count: int) -> Float[np.ndarray, "n ..."]:
        """Return a view of the last `count` rows, or of as many as there are."""
        return self._rows[self._end - min(count, len(self)) : self._end]


class RunningMedian:
    """The median of the last `length` rows, taken anew with every `every` rows.

    Args:
        length: rows it is taken over.
        shape: of a row.
        every: how often; the first rows count at once.
    """

    def __init__(self, length: int, shape: tuple[int, ...], *, every: int) -> None:
        self._rows, self._every = Window(length, shape), every
        self._stale = 0
        self._value = np.zeros(shape)

    def __len__(self) -> int:
        """Return how many rows it is taken over."""
        return len(self._rows)

    def clear(self) -> None:
        """Forget all rows."""
        self._rows.clear()
        self._stale = 0

    def push(self, row: Float[np.ndarray, "..."]) -> None:
        """Add a row."""
        self._rows.push(row)
        self._stale += 1

    def value(self) -> Float[np.ndarray, "..."]:
        """Return the median; zeros where there are no rows."""
        if self._stale >= self._every or (self._stale and len(self._rows) <= self._every):
            self._value = np.median(self._rows.last(len(self._rows)), axis=0)
            self._stale = 0
        return self._value

    def last(self, count: int) -> Float[np.ndarray, "n ..."]:
        """Return the last `count` rows."""
        return self._rows.last(count)
