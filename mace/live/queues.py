"""Queues between threads: all items in order, or the newest, so that no delay can grow."""

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from mace.live.results import Result
from mace.spotting.events import Event


class _Queue[T]:
    """Items for another thread, until it is closed; what lies there then can still be taken."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._items: deque[T] = deque()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether nobody will wait any more."""
        with self._changed:
            return self._closed

    def close(self) -> None:
        """Wake whoever waits; closing twice is no error."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class NewestQueue[T](_Queue[T]):
    """Hold the newest item for a consumer that may be slower than the producer.

    A full queue would make everything late by its length; here a late consumer misses items. One
    that was held up for a moment need not: up to `burst` items wait for it, in order. Once they
    were not enough, only the newest is kept until it finds the queue empty.
    """

    def __init__(self, *, burst: int = 1) -> None:
        super().__init__()
        self._burst = self._room = burst
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """Number of items that were replaced, or put after closing, before anybody took them."""
        with self._changed:
            return self._dropped

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
        """Return the next item, waiting up to `timeout` s for it; None if none came."""
        with self._changed:
            if not self._items:
                self._room = self._burst
            self._changed.wait_for(lambda: self._items or self._closed, timeout)
            return self._items.popleft() if self._items else None

    def __iter__(self) -> Iterator[T]:
        while (item := self.take()) is not None:
            yield item


class OrderedQueue[T](_Queue[T]):
    """Hold all items, in order, for a consumer that takes all of them at once.

    So it waits for the other thread less often than one by one, and sees how far behind it is.
    Beyond `most` items whoever puts one has to wait; None is no limit.
    """

    dropped = 0

    def __init__(self, most: int | None = None) -> None:
        super().__init__()
        self._most = most

    def put(self, item: T) -> None:
        """Lay down `item`, once there is room or it is closed."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or self._most is None or len(self._items) < self._most
            )
            self._items.append(item)
            self._changed.notify_all()

    def take(self) -> deque[T]:
        """Return everything that lies there, after waiting for it; nothing if closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed)
            items, self._items = self._items, deque()
            self._changed.notify_all()
            return items

    def __iter__(self) -> Iterator[T]:
        while items := self.take():
            yield from items


class LatestResult(NewestQueue[Result]):
    """The newest result, with the events of all that nobody took before it."""

    def __init__(self) -> None:
        super().__init__()
        self._events: list[Event] = []

    def put(self, item: Result) -> None:
        """Put a result in place of what is there; never waits."""
        with self._changed:
            self._events += item.events
            super().put(item)

    def take(self, timeout: float | None = None) -> Result | None:
        """Return the newest result, waiting up to `timeout` s; None if there is none."""
        with self._changed:
            result = super().take(timeout)
            if result is None:
                return None
            events, self._events = tuple(self._events), []
        return replace(result, events=events)
