"""The newest result for consumers that are slower than the loop, with every event of the others."""

import threading
from dataclasses import replace

from mace.live.mailbox import Mailbox
from mace.live.results import Result
from mace.spotting.events import Event


class Latest:
    """A `Mailbox` of results from which no event is lost.

    A frame that nobody had time for may be dropped, but an event is told with one frame only: what
    is taken carries the events of all results since the last that was taken.
    """

    def __init__(self) -> None:
        self._box: Mailbox[Result] = Mailbox()
        self._lock = threading.Lock()
        self._events: list[Event] = []
        self._closed = False

    def put(self, result: Result) -> None:
        """Put `result` in place of what is there; never blocks for longer than a list's append."""
        if result.events:
            with self._lock:
                self._events += result.events
        self._box.put(result)

    def take(self, timeout: float | None = None) -> Result | None:
        """Return the newest result, waiting up to `timeout` s; None if there is none."""
        result = self._box.take(timeout)
        if result is None:
            return None
        with self._lock:
            events, self._events = tuple(self._events), []
        return replace(result, events=events)

    def close(self) -> None:
        """Wake everybody who waits; what is there can still be taken."""
        self._closed = True
        self._box.close()

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""
        return self._closed
