"""The engine that needs nothing: this process, one job after the other."""

from collections import deque
from collections.abc import Iterator
from typing import Any, Self

from mace.search.executors.protocol import Work


class InlineExecutor:
    """Runs each job when its result is asked for."""

    slots = 1

    def __init__(self, work: Work, shared: Any) -> None:
        self._work, self._shared = work, shared
        self._jobs: deque[Any] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._jobs.clear()

    def submit(self, job: Any) -> None:
        """Keep a job for later."""
        self._jobs.append(job)

    def results(self) -> Iterator[tuple[Any, Any]]:
        """Yield each job with its result, in the order of submission."""
        while self._jobs:
            job = self._jobs.popleft()
            yield job, self._work(self._shared, job)
