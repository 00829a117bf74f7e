"""Queues between threads: all items in order, or the newest, so that no delay can grow."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from mace.live.results import Result
from mace.spotting.events import Event


class NewestQueue[T]:
    """Hold the newest item for a consumer that may be slower than the producer.

    A full queue would make everything late by its length; here a late consumer misses items. One
    that was held up for a moment need not: up to `burst` items wait for it, in order. Once they
    were not enough, only the newest is kept until it finds the queue empty.
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
        """Return the next item, waiting up to `timeout` s for it; None if none came."""
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


class OrderedQueue[T]:
    """Hold all items, in order, for a consumer that takes all of them at once.

    So it waits for the other thread less often than one by one, and sees how far behind it is.
    Beyond `most` items whoever puts one has to wait; None is no limit.
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


class LatestResult:
    """A `NewestQueue` of results; what is taken carries all events since the last one."""

    def __init__(self) -> None:
        self._queue = NewestQueue[Result]()
        self._lock = threading.Lock()
        self._events: list[Event] = []

    def put(self, result: Result) -> None:
        """Put `result` in place of what is there; never blocks for longer than a list's append."""
        if result.events:
            with self._lock:
                self._events += result.events
        self._queue.put(result)

    def take(self, timeout: float | None = None) -> Result | None:
        """Return the newest result, waiting up to `timeout` s; None if there is none."""
        result = self._queue.take(timeout)
        if result is None:
            return None
        with self._lock:
            events, self._events = tuple(self._events), []
        return replace(result, events=events)

    def close(self) -> None:
        """Wake everybody who waits; what is there can still be taken."""
        self._queue.close()

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""
        return self._queue.closed
