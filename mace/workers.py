"""The same work in this process, or spread over processes of this machine: the one pool we have."""

import multiprocessing
import os
import pickle
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from io import StringIO
from multiprocessing.connection import Connection
from typing import Any, Self

from mace.errors import ConfigError, TrainingError, WorkerError
from mace.machine import Place

# A worker works for itself: on the CPU, since the accelerator is this process's, and with one
# thread, since two BLAS threads each take twice as long.
_ALONE = {
    "JAX_PLATFORMS": "cpu",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
}

type Work = Callable[[Any, Any], Any]
"""`work(shared, job) -> result`, a function of a module, so that other processes find it."""


class _Died(Exception):
    """A worker that is gone, and why."""


class _Worker:
    """A worker process, from the side of the thread that looks after it; starts at once."""

    def __init__(self, place: Place, *, crowded: bool) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        # Daemonic: ended by Python, too, should this process come to its end without `kill`.
        self._process = context.Process(target=_serve, args=(theirs, place, crowded), daemon=True)
        self._process.start()
        # Else the pipe would never end, whatever became of the worker.
        theirs.close()

    def call(self, data: Any) -> Any:
        """Return what the worker answers to a pickled message, or raise its error."""
        try:
            self._connection.send_bytes(data)
            succeeded, value = self._connection.recv()
        except (EOFError, OSError):
            self._process.join()
            code = self._process.exitcode or 0
            by = f"ended by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
            raise _Died(by) from None
        if succeeded:
            return value
        raise value

    def kill(self) -> None:
        """End the worker, whatever it does; whoever waits for it hears of its death."""
        self._process.kill()

    def close(self) -> None:
        """Let go of a worker that is gone."""
        self._connection.close()
        self._process.join()
        self._process.close()


class WorkerPool:
    """Worker processes of this machine that may die at any time: `submit(job) -> Future`.

    Spawned, since JAX does not survive a fork. A thread here looks after each of them, so that a
    death concerns one job alone, which runs again. No worker outlives this process, however it
    ends; they leave Ctrl-C to it.

    Args:
        work: what to do with `(shared, job)`; a function of a module, for other processes to find.
        shared: what all jobs read; every worker gets it once.
        places: what each worker has to itself.
        crowded: whether several share a place.
        retries: how often a job runs again after its worker died.
        begin: called in each worker before its first job.
        variables: of the workers' environment.
    """

    def __init__(
        self,
        work: Work,
        shared: Any,
        *,
        places: Sequence[Place],
        crowded: bool = False,
        retries: int = 0,
        begin: Callable[[], None] | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.slots = len(places)
        self._retries, self._crowded, self._variables = retries, crowded, variables or {}
        self._payload = pickle.dumps((work, shared, begin), protocol=pickle.HIGHEST_PROTOCOL)
        self._places: queue.SimpleQueue[Place] = queue.SimpleQueue()
        for place in places:
            self._places.put(place)
        self._mine = threading.local()
        self._lock, self._closed = threading.Lock(), False
        self._workers: set[_Worker] = set()

    def __enter__(self) -> Self:
        self._threads = ThreadPoolExecutor(self.slots, initializer=self._begin_thread)
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._closed = True
            for worker in self._workers:
                worker.kill()
        self._threads.shutdown(cancel_futures=True)

    def submit(self, job: Any) -> Future[Any]:
        """Have a job run; its error is that of the work, or `WorkerError` if it is given up."""
        return self._threads.submit(self._run, job)

    def _begin_thread(self) -> None:
        self._mine.place, self._mine.worker = self._places.get(), None
        # Ctrl-C reaches the whole group, and this side decides: the workers that this thread
        # starts inherit what it blocks. Windows has no such thing to inherit.
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})

    def _run(self, job: Any) -> Any:
        deaths, reason = 0, ""
        while deaths <= self._retries:
            worker = self._mine.worker or self._start()
            try:
                return worker.call(pickle.dumps(job))
            except _Died as death:
                self._forget(worker)
                deaths, reason = deaths + 1, str(death)
        times = "once" if deaths == 1 else f"{deaths} times"
        raise WorkerError(f"its worker died {times} ({reason}); it was given up")

    def _start(self) -> _Worker:
        """Start this thread's worker."""
        reason = ""
        for _ in range(self._retries + 1):
            with self._lock:
                if self._closed:
                    raise WorkerError("the pool was closed")
                with environment(self._variables):
                    worker = _Worker(self._mine.place, crowded=self._crowded)
                self._workers.add(worker)
            try:
                worker.call(self._payload)
            except _Died as death:
                self._forget(worker)
                reason = str(death)
                continue
            self._mine.worker = worker
            return worker
        count = self._retries + 1
        raise TrainingError(
            f"{count} worker {'process' if count == 1 else 'processes'} died before "
            f"{'it' if count == 1 else 'they'} could begin ({reason}); is there enough memory for "
            f"{self.slots} of them, and does a script of your own begin its work below "
            'if __name__ == "__main__":?'
        )

    def _forget(self, worker: _Worker) -> None:
        with self._lock:
            self._workers.discard(worker)
        self._mine.worker = None
        worker.close()


def _serve(connection: Connection, place: Place, crowded: bool) -> None:
    """Be a worker: the first message is `(work, shared, begin)`, each further one a job."""
    begin_worker()
    # Two progress displays cannot share a terminal; errors travel back as exceptions.
    sys.stderr = StringIO()
    place.enter(crowded=crowded)
    work, shared = None, None
    while True:
        try:
            data = connection.recv_bytes()
        except EOFError:
            return
        try:
            if work is None:
                work, shared, begin = pickle.loads(data)
                if begin is not None:
                    begin()
                result = pickle.dumps((True, None))
            else:
                result = pickle.dumps((True, work(shared, pickle.loads(data))))
        except BaseException as error:
            result = pickle.dumps((False, _portable(error)))
        connection.send_bytes(result)


def _portable(error: BaseException) -> BaseException:
    """Return the error with its traceback as a note, or one like it that can be pickled."""
    trace = "".join(traceback.format_exception(error))
    try:
        error.__traceback__ = None
        copy = pickle.loads(pickle.dumps(error))
    except Exception:
        copy = RuntimeError(f"{type(error).__name__}: {error}")
    copy.add_note(f"in a worker process:\n{trace}")
    return copy


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


def check_workers(workers: int) -> None:
    """Refuse fewer than no workers.

    Raises:
        ConfigError: with the number.
    """
    if workers < 0:
        raise ConfigError(f"{workers} workers were asked for, expected 0 or more")


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

    When a job fails, those under way are handed over first, and none is begun. What is under way
    ends where no more results are asked for.

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
    check_workers(workers)
    if workers == 0 or not jobs:
        for job in jobs:
            yield job, function(shared, job)
        return
    places = [Place()] * min(workers, len(jobs))
    if own_core and hasattr(os, "sched_getaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        places = [Place(core=cores[number % len(cores)]) for number in range(len(places))]
    with WorkerPool(function, shared, places=places, begin=begin, variables=_ALONE) as pool:
        yield from _as_finished({pool.submit(job): job for job in jobs})


def workers_for(jobs: int, workers: int | None = None) -> int:
    """Return how many workers are worth starting: as many as there are cores by default.

    One job, or one worker, is done in this process: where results do not depend on the number of
    workers, a process more is only slower.
    """
    count = min(workers or os.cpu_count() or 1, jobs)
    return count if count > 1 else 0


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
    if isinstance(failure, WorkerError):
        raise WorkerError(
            "a worker process died, perhaps for want of memory; start again with fewer --workers: "
            "what is finished is kept, and the same command goes on from there"
        ) from failure
    if failure is not None:
        raise failure


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
