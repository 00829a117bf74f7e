"""A place between two threads where the newest item wins, so that no delay can grow."""

import threading
from collections import deque


class Mailbox[T]:
    """Hold the newest item for a consumer that may be slower than the producer.

    A queue between a camera and an analysis that is too slow fills up, and everything shown is
    late by its whole length from then on. Here a late consumer misses items instead.

    A consumer that is fast enough, and was held up for a moment, need not miss any: up to `burst`
    items wait for it, in order. Once they were not enough it is too slow, and only the newest item
    is kept until it has caught up, which is when it finds the place empty.

    Args:
        burst: items that may wait; with 1 the newest replaces what lies there at once.
    """

    def __init__(self, *, burst: int = 1) -> None:
        self._changed = threading.Condition()
        self._items: deque[T] = deque()
        self._burst = self._room = burst
        self._dropped = 0
        self._closed = False

    @property
    def dropped(self) -> int:
        """Number of items that were replaced, or put after closing, before anybody took them."""
        with self._changed:
            return self._dropped

    @property
    def closed(self) -> bool:
        """Whether nothing will come any more; what lies there can still be taken."""
        with self._changed:
            return self._closed

    def put(self, item: T) -> None:
        """Lay down `item`, in place of what lies there if there is no room; never waits."""
        with self._changed:
            if self._closed:
                self._dropped += 1
                return
            if len(self._items) >= self._room:
                self._dropped += len(self._items)
                self._items.clear()
                self._room = 1
            self._items.append(item)
            self._changed.notify()

    def take(self, timeout: float | None = None) -> T | None:
        """Return the next item and take it away.

        Args:
            timeout: longest wait in s; None waits until an item comes or the mailbox is closed.

        Returns:
            The item; None if none came in time, or if the mailbox is closed and empty.
        """
        with self._changed:
            if not self._items:
                self._room = self._burst
            self._changed.wait_for(lambda: self._items or self._closed, timeout)
            return self._items.popleft() if self._items else None

    def close(self) -> None:
        """Let nothing more in and wake whoever waits; closing twice is no error."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
