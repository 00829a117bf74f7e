"""The jobs of an engine that loses workers: which wait, and how often each may run again."""

from collections import deque
from dataclasses import dataclass
from typing import Any

from mace.search.executors.protocol import Failure


@dataclass(eq=False)
class Ticket:
    """A job, and how many workers died over it."""

    job: Any
    deaths: int = 0


class JobQueue:
    """The jobs that wait, and the first error of the work, after which none starts any more."""

    def __init__(self, retries: int) -> None:
        self._retries = retries
        self._waiting: deque[Ticket] = deque()
        self.error: BaseException | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, job: Any) -> None:
        """Append a job."""
        if self.error is None:
            self._waiting.append(Ticket(job))

    def take(self) -> Ticket:
        """Return the next job."""
        return self._waiting.popleft()

    def fail(self, error: BaseException) -> None:
        """Note that the work itself went wrong; what waits never starts."""
        self.error = self.error or error
        self._waiting.clear()

    def again(self, ticket: Ticket, reason: str) -> Failure | None:
        """Put a job whose worker died first in the queue, or return why it is given up."""
        ticket.deaths += 1
        if ticket.deaths > self._retries:
            times = "once" if ticket.deaths == 1 else f"{ticket.deaths} times"
            return Failure(ticket.job, f"its worker died {times} ({reason}); it was given up")
        # First: what waits behind it has lost nothing, and a job that kills is known sooner.
        if self.error is None:
            self._waiting.appendleft(ticket)
        return None
