"""Where settings are trained: in this process, in processes of this machine, or on a Ray cluster.

Every executor has one interface, that of `concurrent.futures`: `submit(job) -> Future`. A worker
that dies is replaced and its job runs again; a job that is given up fails with a `WorkerError`.
What can be wrong with a cluster is a sentence, and soon.
"""

import contextlib
import functools
import io
import os
import queue
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, Self

from mace import __version__
from mace.errors import ConfigError, WorkerError, first_line
from mace.machine import find_places
from mace.search.config import EngineConfig
from mace.workers import Work, WorkerPool

# How long a machine may take to be reached. The head of a Ray cluster answers at once if it is
# well, and within some seconds if its machine is busy.
REACH_S, ANSWER_S = 5.0, 10.0
OBJECT_STORE_BYTES = 500 * 2**20

type Engine = Callable[[Work, Any], Executor]
"""`(work, shared)` to an executor."""


class Executor(contextlib.AbstractContextManager["Executor"], Protocol):
    """Runs `work(shared, job)` for the jobs that are submitted, in any order.

    Its workers start when it is entered, and end with it, whatever they do.
    """

    @property
    def slots(self) -> int:
        """How many jobs are worth having under way; it may change while a cluster does."""
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
        return functools.partial(local_pool, workers=config.workers, retries=config.retries)
    join_cluster(config)
    return functools.partial(RayExecutor, config=config)


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
        begin=functools.partial(prepare_jax, cache_dir_in_use()),
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


class RayExecutor:
    """A Ray task per job, wherever a core or a part of a GPU is free.

    Ray itself replaces workers and machines that die, and runs their tasks again; `shared` travels
    to each machine once.

    Args:
        work: what to do; of a module that every machine can import.
        shared: what all jobs read.
        config: workers, GPUs and retries; `join_cluster` has joined its cluster.
    """

    def __init__(self, work: Work, shared: Any, *, config: EngineConfig) -> None:
        self._work, self._shared, self._config = work, shared, config
        self._ray, self._tasks = require_ray(), set[Any]()

    @property
    def slots(self) -> int:
        """How many tasks the cluster has room for now, 1 while it has no machine."""
        there, each, _ = _resources(self._config)
        room = int(there / each + 1e-6)
        return max(1, min(room, self._config.workers or room))

    def __enter__(self) -> Self:
        # In a list, or Ray would load it anew for every task.
        self._loaded = [self._ray.put((self._work, self._shared))]
        self._task = self._ray.remote(_run).options(
            num_cpus=1,
            num_gpus=self._config.gpus_per_worker,
            max_retries=self._config.retries,
        )
        return self

    def __exit__(self, *_: object) -> None:
        for task in list(self._tasks):
            self._ray.cancel(task, force=True)

    def submit(self, job: Any) -> Future[Any]:
        """Have a job run as soon as there is room."""
        future: Future[Any] = Future()
        gpu = bool(self._config.gpus_per_worker)
        task = self._task.remote(__version__, self._loaded, job, gpu=gpu)
        self._tasks.add(task)

        def settle(done: Future[Any]) -> None:
            self._tasks.discard(task)
            error = done.exception()
            if error is None:
                future.set_result(done.result())
            else:
                future.set_exception(self._told(error))

        task.future().add_done_callback(settle)
        return future

    def _told(self, error: BaseException) -> BaseException:
        """Return the error of the work, or a sentence about what Ray could not do."""
        if not isinstance(error, self._ray.exceptions.RayTaskError):
            # Of Ray's own making: workers, machines or what they remembered are gone.
            deaths = self._config.retries + 1
            times = "once" if deaths == 1 else f"{deaths} times"
            return WorkerError(f"its worker died {times} ({type(error).__name__}); it was given up")
        cause = getattr(error, "cause", None) or error
        if isinstance(cause, ImportError):
            return ConfigError(
                f"a machine of the Ray cluster cannot work ({cause}); install MACE {__version__} "
                "on every one of them"
            )
        cause.add_note(f"in a worker of the Ray cluster:\n{error}")
        return cause


def _run(version: str, loaded: list[Any], job: Any, *, gpu: bool) -> Any:
    """Do a job on a machine of the cluster, in a process that has done others before."""
    if version != __version__:
        raise ConfigError(
            f"a machine of the Ray cluster has MACE {__version__}, that of the search {version}; "
            "install the same version on all"
        )
    work, shared = _begin(*loaded, gpu=gpu)
    return work(shared, job)


@functools.lru_cache(maxsize=1)
def _begin(reference: Any, *, gpu: bool) -> tuple[Work, Any]:
    # One thread each, so that sums do not depend on how many cores a machine has. Ray hides no
    # GPU from a worker that asked for none.
    os.environ["NPROC"] = "1"
    if not gpu:
        os.environ["JAX_PLATFORMS"] = "cpu"
    from mace.compilation import default_cache_dir

    work, shared = require_ray().get(reference)
    prepare_jax(default_cache_dir())
    return work, shared


def require_ray() -> ModuleType:
    """Return the package `ray`, told to keep to itself.

    Raises:
        ConfigError: if it is not installed.
    """
    # Ray reports each cluster to its makers, and under `uv run` it would send every worker the
    # whole working folder; neither is wanted unless the user says so.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    # What Ray will do in future versions; it warns that it does not yet.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ConfigError(
            "the engine ray needs the package ray, which is not installed; run `pip install "
            '"mace-mer[ray]"` on every machine of the cluster'
        ) from error
    return ray


def join_cluster(config: EngineConfig) -> None:
    """Have this process work with a cluster, until it ends or calls `ray.shutdown`.

    Without an address the cluster is one of this machine alone.

    Raises:
        ConfigError: if Ray is missing, if there is no such cluster, or it has not what one worker
            needs.
    """
    ray = require_ray()
    if not ray.is_initialized():
        settings: dict[str, Any] = {"address": config.address or "local"}
        if config.address is None:
            settings |= {
                "num_cpus": config.workers,
                "object_store_memory": OBJECT_STORE_BYTES,
                "include_dashboard": False,
            }
        elif config.address != "auto":
            _check_address(config.address)
        try:
            # What it prints is for people who started Ray themselves.
            with contextlib.redirect_stderr(io.StringIO()):
                ray.init(**settings, namespace="mace", log_to_driver=False, logging_level="error")
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise ConfigError(
                f"no Ray cluster could be joined at {settings['address']} ({first_line(error)}); "
                "start one with `ray start --head` and give its HOST:PORT, or join one with "
                "`ray start --address HOST:PORT`"
            ) from error
    there, each, kind = _resources(config)
    if there < each:
        raise ConfigError(
            f"each worker takes {each:g} {kind}, and the Ray cluster has {there:g} in all; add a "
            "machine with `ray start --address HOST:PORT`, or choose another "
            "engine.gpus_per_worker, 0 for cores"
        )


def _resources(config: EngineConfig) -> tuple[float, float, str]:
    """Return how much the cluster has of what workers need, how much of it each needs, and what."""
    kind, each = ("GPU", config.gpus_per_worker) if config.gpus_per_worker else ("CPU", 1.0)
    return require_ray().cluster_resources().get(kind, 0.0), each, kind


def _check_address(address: str) -> None:
    """Refuse an address at which no cluster is.

    Ray itself tries one for a minute, and then ends the process without a sentence.

    Raises:
        ConfigError: within `REACH_S` for a machine that does not answer, and `ANSWER_S` more for
            one that is no head of a cluster.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or "/" in host:
        raise ConfigError(
            f"engine.address is {address!r}, expected HOST:PORT of the head of a Ray cluster, such "
            "as 192.168.1.10:6379, or auto"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=REACH_S).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"no Ray cluster answers at {address} ({error}); start one there with "
            f"`ray start --head --port={port}`"
        ) from error
    answers: queue.SimpleQueue[str] = queue.SimpleQueue()

    def ask() -> None:
        from ray._raylet import GcsClient  # pyright: ignore[reportMissingImports, reportAttributeAccessIssue]

        try:
            GcsClient(address=address)
            answers.put("")
        except Exception as error:
            answers.put(first_line(error))

    # Its own time limit is longer and cannot be set; a thread can be left behind.
    threading.Thread(target=ask, daemon=True).start()
    try:
        problem = answers.get(timeout=ANSWER_S)
    except queue.Empty:
        problem = f"nothing was said within {ANSWER_S:.0f} s"
    if problem:
        raise ConfigError(
            f"something listens at {address}, but it does not answer as the head of a Ray cluster "
            f"({problem}); check the address, and that both have the same version of Ray"
        )
