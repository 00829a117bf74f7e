"""Where settings are trained: in this process, in processes of this machine, or on a Ray cluster.

Every executor has one interface, that of `concurrent.futures`: `submit(job) -> Future`. A worker
that dies is replaced and its job runs again; a job that is given up fails with a `WorkerError`.
"""

import sys
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, Protocol, Self

from mace.machine import find_places
from mace.search.config import EngineConfig
from mace.workers import Work, WorkerPool

type Engine = Callable[[Work, Any], Executor]
"""`(work, shared)` to an executor, whose workers start when it is entered."""


class Executor(Protocol):
    """Runs `work(shared, job)` for the jobs that are submitted, in any order."""

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

    def submit(self, job: Any) -> Future[Any]:
        """Have a job run; its error is that of the work, or `WorkerError` if it is given up."""
        ...


def make_engine(config: EngineConfig) -> Engine:
    """Return the engine of a configuration; a cluster is joined at once.

    Raises:
        ConfigError: if the engine is not installed, or its cluster is not there.
    """
    if config.kind == "inline":
        return InlineExecutor
    if config.kind == "local":
        return partial(local_pool, workers=config.workers, retries=config.retries)
    from mace.search.ray_executor import RayExecutor, join_cluster

    join_cluster(config)
    return partial(RayExecutor, config=config)


class InlineExecutor:
    """This process, one job after the other, when it is submitted."""

    slots = 1

    def __init__(self, work: Work, shared: Any) -> None:
        self._work, self._shared = work, shared

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, job: Any) -> Future[Any]:
        """Run a job."""
        future: Future[Any] = Future()
        try:
            future.set_result(self._work(self._shared, job))
        except Exception as error:
            future.set_exception(error)
        return future


def local_pool(
    work: Work, shared: Any, *, workers: int | None = None, retries: int = 3
) -> WorkerPool:
    """Return the workers of this machine: so many, or one per GPU, or else one per core."""
    from mace.compilation import cache_dir_in_use

    places = find_places()
    count = workers or len(places)
    return WorkerPool(
        work,
        shared,
        places=[places[number % len(places)] for number in range(count)],
        crowded=count > len(places),
        retries=retries,
        begin=partial(prepare_jax, cache_dir_in_use()),
    )


def prepare_jax(cache_dir: Path | None) -> None:
    """Do for JAX what helps every process that trains, if the work has imported it."""
    if "jax" not in sys.modules:
        return
    from mace.compilation import keep_compiled
    from mace.models.runtime import keep_heap

    keep_heap()
    if cache_dir is not None:
        keep_compiled(cache_dir)
