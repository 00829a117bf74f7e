"""Where settings are trained: in this process, in processes of this machine, or on a Ray cluster.

Every executor has one interface, that of `concurrent.futures`: `submit(job) -> Future`. A worker
that dies is replaced and its job runs again; a job that is given up fails with a `WorkerError`.
"""

import os
import sys
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Protocol, Self

from mace import __version__
from mace.errors import ConfigError, WorkerError
from mace.machine import find_places
from mace.search.config import EngineConfig
from mace.search.ray_cluster import join_cluster, require_cluster, require_ray
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
    """Return the engine of a configuration.

    Raises:
        ConfigError: if the engine is not installed, or its cluster is not there.
    """
    if config.kind == "inline":
        return InlineExecutor
    if config.kind == "local":
        return partial(local_pool, workers=config.workers, retries=config.retries)
    require_cluster(config.address)
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
        begin=partial(_prepare_jax, cache_dir_in_use()),
    )


class RayExecutor:
    """A Ray task per job, wherever a core or a part of a GPU is free.

    Ray itself replaces workers and machines that die, and runs their tasks again; `shared` travels
    to each machine once.

    Args:
        work: what to do; of a module that every machine can import.
        shared: what all jobs read.
        config: address, workers, GPUs and retries.

    Raises:
        ConfigError: on entering, if Ray is missing, the cluster is not there, or has not what one
            worker needs.
    """

    def __init__(self, work: Work, shared: Any, *, config: EngineConfig) -> None:
        self._work, self._shared, self._config = work, shared, config
        gpus = config.gpus_per_worker
        self._kind, self._each = ("GPU", gpus) if gpus else ("CPU", 1.0)
        self._tasks: set[Any] = set()

    @property
    def slots(self) -> int:
        """How many tasks the cluster has room for now, 1 while it has no machine."""
        room = int(self._ray.cluster_resources().get(self._kind, 0.0) / self._each + 1e-6)
        return max(1, min(room, self._config.workers or room))

    def __enter__(self) -> Self:
        self._ray = ray = require_ray()
        with ExitStack() as stack:
            if not ray.is_initialized():
                join_cluster(self._config)
                stack.callback(ray.shutdown)
            there = ray.cluster_resources().get(self._kind, 0.0)
            if there < self._each:
                raise ConfigError(
                    f"a worker is to have {self._each:g} {self._kind}s, and the Ray cluster has "
                    f"{there:g}; add a machine with `ray start --address HOST:PORT`, or choose "
                    "another engine.gpus_per_worker, 0 for cores"
                )
            # In a list, or Ray would load it anew for every task.
            self._loaded = [ray.put((self._work, self._shared))]
            self._task = ray.remote(_run).options(
                num_cpus=1,
                num_gpus=self._config.gpus_per_worker,
                max_retries=self._config.retries,
            )
            stack.callback(self._cancel)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

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

    def _cancel(self) -> None:
        for task in list(self._tasks):
            self._ray.cancel(task, force=True)


_here: dict[str, tuple[Work, Any]] = {}


def _run(version: str, loaded: list[Any], job: Any, *, gpu: bool) -> Any:
    """Do a job on a machine of the cluster, in a process that has done others before."""
    if version != __version__:
        raise ConfigError(
            f"a machine of the Ray cluster has MACE {__version__}, that of the search {version}; "
            "install the same version on all"
        )
    (reference,) = loaded
    name = reference.hex()
    if name not in _here:
        # One thread each, so that sums do not depend on how many cores a machine has. Ray hides no
        # GPU from a worker that asked for none.
        os.environ["NPROC"] = "1"
        if not gpu:
            os.environ["JAX_PLATFORMS"] = "cpu"
        from mace.compilation import default_cache_dir

        _here.clear()
        _here[name] = require_ray().get(reference)
        _prepare_jax(default_cache_dir())
    work, shared = _here[name]
    return work(shared, job)


def _prepare_jax(cache_dir: Path | None) -> None:
    """Do for JAX what helps every process that trains, if the work has imported it."""
    if "jax" not in sys.modules:
        return
    from mace.compilation import keep_compiled
    from mace.models.runtime import keep_heap

    keep_heap()
    if cache_dir is not None:
        keep_compiled(cache_dir)
