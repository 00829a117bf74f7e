"""A box for one thing, the newest: what a slow consumer takes from a fast producer."""

import threading


class Mailbox[T]:
    """Holds the newest item; older ones that nobody took are dropped and counted."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._item: list[T] = []
        self._closed = False
        self.dropped = 0

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""
        return self._closed

    def put(self, item: T) -> None:
        """Put `item` in place of what is there; never blocks."""
        with self._changed:
            self.dropped += len(self._item)
            self._item = [item]
            self._changed.notify()

    def take(self, timeout: float | None = None) -> T | None:
        """Return the newest item, waiting up to `timeout` s; None if there is none or it closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._item or self._closed, timeout)
            return self._item.pop() if self._item else None

    def close(self) -> None:
        """Wake everybody who waits; what is there can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
