"""A place between two threads where nothing is lost: all items, in order."""

import threading
from collections.abc import Sequence


class Handover[T]:
    """Hold items for a consumer that takes all of them at once.

    Who takes everything that lies there waits for the other thread less often than who takes one
    by one, and sees how far behind it is.

    Args:
        most: how many items may lie there before whoever puts one has to wait; None is no limit.
    """

    def __init__(self, most: int | None = None) -> None:
        self._changed = threading.Condition()
        self._items: list[T] = []
        self._most = most
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether nobody will wait any more; what lies there can still be taken."""
        with self._changed:
            return self._closed

    def put(self, items: Sequence[T]) -> None:
        """Lay down `items`, once there is room or it is closed."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or self._most is None or len(self._items) < self._most
            )
            self._items.extend(items)
            self._changed.notify_all()

    def take(self) -> list[T]:
        """Return everything that lies there, after waiting for it; nothing if closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed)
            items, self._items = self._items, []
            self._changed.notify_all()
            return items

    def close(self) -> None:
        """Wake whoever waits; closing twice is no error."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
