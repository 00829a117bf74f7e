"""What every engine offers: jobs go in, results come out as they finish."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, Self

type Work = Callable[[Any, Any], Any]
"""`work(shared, job) -> result`, a function of a module, so that other processes find it."""


@dataclass(frozen=True)
class Failure:
    """In place of a result: a job whose workers died, one after the other, and the reason."""

    job: Any
    sentence: str


class Executor(Protocol):
    """Runs `work(shared, job)` for the jobs that are submitted, in any order.

    A worker that dies is replaced, and its job runs again. An error of the work itself would only
    happen again: it is raised by `results`, once what was under way has been handed over.
    """

    @property
    def slots(self) -> int:
        """How many jobs are worth having under way; it may change while a cluster does."""
        ...

    def __enter__(self) -> Self:
        """Start the workers."""
        ...

    def __exit__(self, *_: object) -> None:
        """End the workers, whatever they do."""
        ...

    def submit(self, job: Any) -> None:
        """Have a job run; never waits for one."""
        ...

    def results(self) -> Iterator[tuple[Any, Any]]:
        """Yield each job with its result or `Failure` as it finishes, until nothing is under way.

        More jobs may be submitted meanwhile.
        """
        ...
