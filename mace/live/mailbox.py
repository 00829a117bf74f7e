"""A place for one item between two threads: the newest wins, so that no delay can grow."""

import threading


class Mailbox[T]:
    """Hold the newest item for a consumer that may be slower than the producer.

    A queue between a camera and an analysis that is too slow fills up, and everything shown is
    late by its whole length from then on. Here a late consumer misses items instead.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._items: list[T] = []  # one item at most; a list, so that None may be an item
        self._dropped = 0
        self._closed = False

    @property
    def dropped(self) -> int:
        """Number of items that were replaced, or put after closing, before anybody took them."""
        with self._changed:
            return self._dropped

    @property
    def closed(self) -> bool:
        """Whether nothing will come any more; an item that lies there can still be taken."""
        with self._changed:
            return self._closed

    def put(self, item: T) -> None:
        """Lay down `item` in place of what lies there; never waits for the consumer."""
        with self._changed:
            if self._closed:
                self._dropped += 1
                return
            self._dropped += len(self._items)
            self._items = [item]
            self._changed.notify()

    def take(self, timeout: float | None = None) -> T | None:
        """Return the newest item and leave the place empty.

        Args:
            timeout: longest wait in s; None waits until an item comes or the mailbox is closed.

        Returns:
            The item; None if none came in time, or if the mailbox is closed and empty.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed, timeout)
            return self._items.pop() if self._items else None

    def close(self) -> None:
        """Let nothing more in and wake whoever waits; closing twice is no error."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
