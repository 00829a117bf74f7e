"""Where settings are trained: in this process, in processes of this machine, or on a Ray cluster.

Every executor has one interface, that of `concurrent.futures`: `submit(job) -> Future`. A worker
that dies is replaced and its job runs again; a job that is given up fails with a `WorkerError`.
"""

import importlib.util
import multiprocessing
import os
import pickle
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from io import StringIO
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol, Self

from mace.errors import ConfigError, TrainingError, WorkerError
from mace.search.config import EngineConfig
from mace.workers import begin_worker

type Work = Callable[[Any, Any], Any]
"""`work(shared, job) -> result`, a function of a module, so that other processes find it."""

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
    """Return the engine of a configuration.

    Raises:
        ConfigError: if the engine is not installed, or its cluster is not there.
    """
    if config.kind == "inline":
        return InlineExecutor
    if config.kind == "local":
        return lambda work, shared: LocalExecutor(
            work, shared, workers=config.workers, retries=config.retries
        )
    from mace.search.ray_cluster import RayExecutor, require_cluster

    require_cluster(config.address)
    return lambda work, shared: RayExecutor(work, shared, config=config)


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


class LocalExecutor:
    """Worker processes of this machine, one core or GPU each, that may die at any time.

    Spawned, since JAX does not survive a fork. A thread here looks after each of them, so that a
    death concerns one job alone. No worker outlives this process, however it ends.

    Args:
        work: what to do.
        shared: what all jobs read; every worker loads it once.
        workers: how many; one per GPU, or else per core, by default.
        retries: how often a job runs again after its worker died.

    Raises:
        ConfigError: for fewer than one worker.
    """

    def __init__(
        self, work: Work, shared: Any, *, workers: int | None = None, retries: int = 3
    ) -> None:
        if workers is not None and workers < 1:
            raise ConfigError(f"{workers} workers were asked for, expected 1 or more")
        places = find_places()
        self.slots = len(places) if workers is None else workers
        self._retries = retries
        self._payload = pickle.dumps((work, shared), protocol=pickle.HIGHEST_PROTOCOL)
        self._settings = {"crowded": self.slots > len(places), "cache_dir": _cache_dir()}
        self._places: queue.SimpleQueue[Place] = queue.SimpleQueue()
        for number in range(self.slots):
            self._places.put(places[number % len(places)])
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
        """Have a job run as soon as a worker is free."""
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

    def _start(self) -> "_Worker":
        """Start this thread's worker."""
        reason = ""
        for _ in range(self._retries + 1):
            with self._lock:
                if self._closed:
                    raise WorkerError("the executor was closed")
                worker = _Worker(self._mine.place, **self._settings)
                self._workers.add(worker)
            try:
                worker.call(self._payload)
            except _Died as death:
                self._forget(worker)
                reason = str(death)
                continue
            self._mine.worker = worker
            return worker
        raise TrainingError(
            f"{self._retries + 1} worker processes died before they could begin ({reason}); is "
            f"there enough memory for {self.slots} of them?"
        )

    def _forget(self, worker: "_Worker") -> None:
        with self._lock:
            self._workers.discard(worker)
        self._mine.worker = None
        worker.close()


class _Died(Exception):
    """A worker that is gone, and why."""


class _Worker:
    """A worker process, from the side of the thread that looks after it; starts at once."""

    def __init__(self, place: "Place", *, crowded: bool, cache_dir: Path | None) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        # Daemonic: ended by Python, too, should this process come to its end without `kill`.
        self._process = context.Process(
            target=_serve, args=(theirs, place, crowded, cache_dir), daemon=True
        )
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


def _serve(connection: Connection, place: "Place", crowded: bool, cache_dir: Path | None) -> None:
    """Be a worker: the first message is `(work, shared)`, each further one a job."""
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
                work, shared = pickle.loads(data)
                prepare_jax(cache_dir)
                answer = pickle.dumps((True, None))
            else:
                answer = pickle.dumps((True, work(shared, pickle.loads(data))))
        except BaseException as error:
            answer = pickle.dumps((False, _portable(error)))
        connection.send_bytes(answer)


def prepare_jax(cache_dir: Path | None) -> None:
    """Do for JAX what helps every process that trains, if the work has imported it."""
    if "jax" not in sys.modules:
        return
    from mace.compilation import keep_compiled
    from mace.models.runtime import keep_heap

    keep_heap()
    if cache_dir is not None:
        keep_compiled(cache_dir)


def _cache_dir() -> Path | None:
    if "jax" not in sys.modules:
        return None
    from mace.compilation import cache_dir_in_use

    return cache_dir_in_use()


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


@dataclass(frozen=True)
class Place:
    """What a worker has: a core of this process's own, or a GPU by CUDA's name for it."""

    core: int | None = None
    gpu: str | None = None

    def enter(self, *, crowded: bool) -> None:
        """Keep this process to the place, before JAX is imported; `crowded` if it is shared."""
        if self.gpu is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = self.gpu
            if crowded:
                # JAX takes three quarters of a GPU's memory at once unless it is told otherwise.
                os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
        if self.core is not None and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {self.core})


def find_places() -> list[Place]:
    """Return one place for each GPU that JAX could use, or else for each core of this process.

    Nothing is asked of JAX, which would take most of a GPU's memory for this process.
    """
    gpus = [Place(gpu=name) for name in _gpus()]
    if gpus:
        return gpus
    if hasattr(os, "sched_getaffinity"):
        return [Place(core=core) for core in sorted(os.sched_getaffinity(0))]
    return [Place()] * (os.cpu_count() or 1)


def _gpus() -> list[str]:
    platforms = os.environ.get("JAX_PLATFORMS", "")
    plugins = importlib.util.find_spec("jax_plugins")
    if plugins is None or (platforms and not {"cuda", "gpu"} & set(platforms.split(","))):
        return []
    folders = [Path(folder) for folder in plugins.submodule_search_locations or ()]
    if not any(path for folder in folders for path in folder.glob("xla_cuda*")):
        return []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name for name in visible.split(",") if name and name != "-1"]
    return [str(number) for number in range(len(list(Path("/dev").glob("nvidia[0-9]*"))))]
