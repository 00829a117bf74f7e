"""The same work in this process, or side by side in processes that keep to one core each.

XLA adds up a convolution in another order on two cores than on one, and training makes a
difference in the seventh digit one in the second (measured: probabilities 0.012 apart after three
epochs). So every worker process has exactly one core, and one worker gives bit for bit what many
give; this process, with whatever cores it has, is a choice of its own.
"""

import io
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

import jax

from mace.compilation import cache_dir_in_use, keep_compiled
from mace.errors import ConfigError, TrainingError
from mace.models.runtime import keep_heap
from mace.processes import begin_worker

_shared: Any = None


def worker_map[S, J, R](
    function: Callable[[S, J], R], jobs: Sequence[J], shared: S, *, workers: int
) -> Iterator[tuple[J, R]]:
    """Yield each job with `function(shared, job)` as it finishes, in order for one worker or none.

    Workers are fresh processes, since JAX does not survive a fork; `shared` is sent to each once.
    An accelerator is not shared between processes: there, all work is done in this one.

    Args:
        function: a function of a module, for other processes to find.
        jobs: what to do.
        shared: the data that all jobs read.
        workers: number of processes; 0 works in this process.

    Raises:
        ConfigError: for fewer than none.
        TrainingError: if a worker process dies.
    """
    if workers < 0:
        raise ConfigError(f"{workers} workers were asked for, expected 0 or more")
    if workers == 0 or not jobs or jax.default_backend() != "cpu":
        for job in jobs:
            yield job, function(shared, job)
        return
    context = get_context("spawn")
    counter = context.Value("i", 0)
    with ProcessPoolExecutor(
        min(workers, len(jobs)),
        mp_context=context,
        initializer=_start,
        initargs=(shared, counter, cache_dir_in_use()),
    ) as pool:
        waiting = {pool.submit(_work, function, job): job for job in jobs}
        try:
            yield from _as_finished(waiting)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _as_finished[J](waiting: Mapping[Future[Any], J]) -> Iterator[tuple[J, Any]]:
    """Yield what succeeds; a failure is raised once the work that was under way is handed over."""
    failure: BaseException | None = None
    for future in as_completed(waiting):
        if future.cancelled():
            continue
        error = future.exception()
        if error is None:
            yield waiting[future], future.result()
        elif failure is None:
            failure = error
            for other in waiting:
                other.cancel()
    if isinstance(failure, BrokenProcessPool):
        raise TrainingError(
            "a worker process died; is there enough memory for all of them? What is finished is "
            "kept, and the same command goes on from there"
        ) from failure
    if failure is not None:
        raise failure


def _start(shared: Any, counter: "Synchronized[int]", cache_dir: Path | None) -> None:
    global _shared
    begin_worker()
    keep_heap()
    # Two progress displays cannot share a terminal; errors travel back as exceptions.
    sys.stderr = io.StringIO()
    with counter.get_lock():
        number = counter.value
        counter.value += 1
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[number % len(cores)]})
    if cache_dir is not None:
        keep_compiled(cache_dir)
    _shared = shared


def _work(function: Callable[[Any, Any], Any], job: Any) -> Any:
    return function(_shared, job)
