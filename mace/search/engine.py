"""Where jobs run: what a search asks of an executor, and the one that needs nothing."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self


@dataclass(frozen=True)
class Lost:
    """A job that no worker could finish, and why; engines may have a class of their own for it."""

    job: Any
    sentence: str


class Executor(Protocol):
    """Runs `work(shared, job)` for the jobs that are submitted, in any order."""

    @property
    def slots(self) -> int:
        """Return how many jobs are worth having under way."""
        ...

    def __enter__(self) -> Self:
        """Start the workers."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """End the workers, whatever they do."""
        ...

    def submit(self, job: Any) -> None:
        """Have a job run; never waits."""
        ...

    def results(self) -> Iterator[tuple[Any, Any]]:
        """Yield jobs with their results as they finish, until nothing is under way.

        More may be submitted meanwhile. A job that no worker could finish comes with an object
        that has `job` and `sentence` in place of a result.
        """
        ...


type Engine = Callable[[Callable[[Any, Any], Any], Any], Executor]
"""`(work, shared)` to an executor; `work` is a function of a module."""


class Inline:
    """This process, one job after the other."""

    slots = 1

    def __init__(self, work: Callable[[Any, Any], Any], shared: Any) -> None:
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
        """Run the jobs, each when its result is asked for."""
        while self._jobs:
            job = self._jobs.popleft()
            yield job, self._work(self._shared, job)


def inline(work: Callable[[Any, Any], Any], shared: Any) -> Executor:
    """Return the executor that works in this process."""
    return Inline(work, shared)
