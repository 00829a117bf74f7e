"""The same work in this process, or spread over processes of this machine: the one pool we have."""

import io
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.sharedctypes import Synchronized
from typing import Any

from mace.errors import ConfigError, WorkerError

# A worker works for itself: on the CPU, since the accelerator is this process's, and with one
# thread, since two BLAS threads each take twice as long.
_ENVIRONMENT = {
    "JAX_PLATFORMS": "cpu",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
}

_shared: Any = None


def parallel_map[S, J, R](
    function: Callable[[S, J], R],
    jobs: Sequence[J],
    shared: S,
    *,
    workers: int,
    own_core: bool = False,
    begin: Callable[[], None] | None = None,
) -> Iterator[tuple[J, R]]:
    """Yield each job with `function(shared, job)` as it finishes; in order without workers.

    Workers are fresh processes, since JAX does not survive a fork. They leave Ctrl-C to this
    process and end with it, however it ends. When a job fails, those under way are handed over
    first, and none is begun.

    Args:
        function: a function of a module, for other processes to find.
        jobs: what to do.
        shared: what all jobs read; it is sent to each worker once.
        workers: number of processes; 0 works in this one.
        own_core: whether each worker keeps to one core, so that its sums do not depend on how many
            there are.
        begin: called in each worker before its first job.

    Raises:
        ConfigError: for fewer than no workers.
        WorkerError: if a worker process dies.
    """
    if workers < 0:
        raise ConfigError(f"{workers} workers were asked for, expected 0 or more")
    if workers == 0 or not jobs:
        for job in jobs:
            yield job, function(shared, job)
        return
    context = multiprocessing.get_context("spawn")
    turn = context.Value("i", 0) if own_core else None
    with ProcessPoolExecutor(
        min(workers, len(jobs)),
        mp_context=context,
        initializer=_begin,
        initargs=(shared, turn, begin),
    ) as pool:
        with environment(_ENVIRONMENT):  # spawned workers all start with the first job
            waiting = {pool.submit(_work, function, job): job for job in jobs}
        try:
            yield from _as_finished(waiting)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def workers_for(jobs: int, workers: int | None = None) -> int:
    """Return how many workers are worth starting: as many as there are cores by default.

    One job, or one worker, is done in this process: where results do not depend on the number of
    workers, a process more is only slower.
    """
    count = min(workers or os.cpu_count() or 1, jobs)
    return count if count > 1 else 0


def begin_worker() -> None:
    """Leave Ctrl-C to the parent, and end when the parent ends, however it ended.

    A pool's workers wait for work on a pipe that they hold open themselves, so a parent that was
    killed would leave them waiting, or working, for ever.
    """
    # Ctrl-C reaches the whole group: the parent decides what to stop, and says so once.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def end_with_parent() -> None:
        parent.join()
        os._exit(1)  # there is nobody left to report to

    threading.Thread(target=end_with_parent, daemon=True).start()


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
        raise WorkerError(
            "a worker process died, perhaps for want of memory; start again with fewer --workers: "
            "what is finished is kept, and the same command goes on from there"
        ) from failure
    if failure is not None:
        raise failure


def _begin(shared: Any, turn: "Synchronized[int] | None", begin: Callable[[], None] | None) -> None:
    global _shared
    begin_worker()
    # Two progress displays cannot share a terminal; errors travel back as exceptions.
    sys.stderr = io.StringIO()
    if turn is not None and hasattr(os, "sched_setaffinity"):
        with turn.get_lock():
            number = turn.value
            turn.value += 1
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[number % len(cores)]})
    if begin is not None:
        begin()
    _shared = shared


def _work(function: Callable[[Any, Any], Any], job: Any) -> Any:
    return function(_shared, job)


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Processes started within have these variables; afterwards this one has its own again."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
