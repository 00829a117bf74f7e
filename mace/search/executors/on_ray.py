"""The engine for clusters: a Ray actor per core or (part of a) GPU, wherever there is one."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Self

from mace import __version__
from mace.errors import ConfigError, TrainingError
from mace.search.executors.protocol import Work
from mace.search.executors.queue import JobQueue, Ticket
from mace.search.executors.ray_cluster import connected
from mace.search.executors.ray_worker import Arrival, RayWorker

# How often machines are counted anew, and how long it goes on without any worker at all.
LOOK_S = 2.0
PATIENCE_S = 600.0
START_S = 120.0


@dataclass(eq=False)
class _Actor:
    handle: Any
    node: str | None = None
    number: int = 0
    ticket: Ticket | None = None
    asked: float = field(default_factory=time.monotonic)


class RayExecutor:
    """Workers on the machines of a Ray cluster; `shared` travels to each machine once.

    A worker that dies, alone or with its machine, is replaced and its job runs again; a machine
    that joins gets workers. Each keeps to one core of its machine, unless it has a GPU.

    Args:
        work: what to do; of a module that every machine can import.
        shared: what all jobs read.
        workers: at most so many; all that the cluster has room for by default.
        address: see `EngineConfig`.
        gpus_per_worker: see `EngineConfig`.
        retries: how often a job runs again after its worker died.

    Raises:
        ConfigError: on entering, if Ray is missing, the cluster is not there, or has no GPU where
            GPUs are asked for.
    """

    def __init__(
        self,
        work: Work,
        shared: Any,
        *,
        workers: int | None = None,
        address: str | None = None,
        gpus_per_worker: float = 0.0,
        retries: int = 3,
    ) -> None:
        self._work, self._shared = work, shared
        self._workers, self._address, self._gpus = workers, address, gpus_per_worker
        self._queue = JobQueue(retries)
        self._actors: list[_Actor] = []
        # What is under way, by Ray's reference to its answer.
        self._calls: dict[Any, _Actor] = {}
        self._stack = ExitStack()
        self._looked = 0.0
        self._idle_since = time.monotonic()
        self._arrived = False

    @property
    def slots(self) -> int:
        """Workers that there are or that are about to be, 1 while there is none."""
        return max(1, len(self._actors))

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._ray = stack.enter_context(connected(self._address, workers=self._workers))
            self._shared_there = self._ray.put(self._shared)
            self._remote = self._ray.remote(RayWorker)
            stack.callback(self._end_workers)
            self._idle_since = time.monotonic()
            self._look()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def submit(self, job: Any) -> None:
        """Have a job run as soon as a worker is free."""
        self._queue.add(job)
        self._deal()

    def results(self) -> Iterator[tuple[Any, Any]]:
        """Yield each job with its result or `Failure`.

        Raises:
            ConfigError: if a machine has no MACE or another version, or no worker has found room
                within two minutes of the start.
            TrainingError: if all machines have been gone for ten minutes.
        """
        while len(self._queue) or self._busy:
            if time.monotonic() - self._looked > LOOK_S:
                self._look()
            self._deal()
            if not self._calls:
                time.sleep(LOOK_S / 4)
                continue
            ready, _ = self._ray.wait(list(self._calls), timeout=LOOK_S)
            for reference in ready:
                yield from self._attend(reference)
        if self._queue.error is not None:
            raise self._queue.error

    @property
    def _busy(self) -> bool:
        return any(actor.ticket is not None for actor in self._actors)

    def _look(self) -> None:
        """Have as many workers as there is room for."""
        self._looked = time.monotonic()
        kind, each = ("GPU", self._gpus) if self._gpus else ("CPU", 1.0)
        there = self._ray.cluster_resources().get(kind, 0.0)
        if self._gpus and not self._arrived and there < each:
            raise ConfigError(
                f"a worker is to have {self._gpus:g} GPUs, and the Ray cluster has {there:g}; "
                "choose a smaller engine.gpus_per_worker, or 0 for cores"
            )
        room = int(there / each + 1e-6)
        wanted = room if self._workers is None else min(room, self._workers)
        for _ in range(wanted - len(self._actors)):
            self._start()
        # A worker that waits for room that is no longer there would take it from nobody; but one
        # too many, left from a machine that has gone, may wait for ever: nothing waits for it.
        if any(actor.node is not None for actor in self._actors):
            self._idle_since = time.monotonic()
        self._check_patience()

    def _check_patience(self) -> None:
        waited = time.monotonic() - self._idle_since
        if not self._arrived and waited > START_S:
            raise ConfigError(
                f"no worker found room on the Ray cluster within {START_S:.0f} s; is it at work on "
                "something else? (`ray status` says so)"
            )
        if waited > PATIENCE_S:
            raise TrainingError(
                f"the Ray cluster has had no machine to work on for {PATIENCE_S / 60:.0f} minutes; "
                "the same command goes on from here once it has"
            )

    def _start(self) -> None:
        options: dict[str, Any] = {"num_cpus": 1, "max_restarts": 0}
        if self._gpus:
            options["num_gpus"] = self._gpus
        # Small enough for Ray to send along; the data is read where the worker is.
        handle = self._remote.options(**options).remote(
            self._work, self._shared_there, gpu=bool(self._gpus)
        )
        actor = _Actor(handle)
        self._actors.append(actor)
        self._calls[handle.arrive.remote()] = actor

    def _deal(self) -> None:
        for actor in self._actors:
            if len(self._queue) and actor.node is not None and actor.ticket is None:
                actor.ticket = self._queue.take()
                self._calls[actor.handle.run.remote(actor.ticket.job)] = actor

    def _attend(self, reference: Any) -> Iterator[tuple[Any, Any]]:
        errors = self._ray.exceptions
        actor = self._calls.pop(reference)
        try:
            value = self._ray.get(reference)
        except errors.RayTaskError as error:
            self._fail(actor, error)
            return
        # All else is of Ray's own making: a worker, a machine or what it remembered is gone.
        except errors.RayError as error:
            yield from self._replace(actor, type(error).__name__)
            return
        if actor.ticket is None:
            self._settle(actor, Arrival(*value))
            return
        ticket, actor.ticket = actor.ticket, None
        # The worker goes on before the caller, who may take long with the result.
        self._deal()
        yield ticket.job, value

    def _settle(self, actor: _Actor, arrival: Arrival) -> None:
        if arrival.version != __version__:
            raise ConfigError(
                f"a machine of the Ray cluster has MACE {arrival.version}, this one {__version__}; "
                "install the same version on all"
            )
        taken = {other.number for other in self._actors if other.node == arrival.node}
        actor.number = next(n for n in range(len(taken) + 1) if n not in taken)
        actor.node = arrival.node
        self._arrived, self._idle_since = True, time.monotonic()
        if not self._gpus:
            # An actor does one thing after the other: this comes before its first job.
            actor.handle.keep_to_core.remote(actor.number)

    def _fail(self, actor: _Actor, error: Any) -> None:
        cause: BaseException = getattr(error, "cause", None) or error
        if actor.ticket is None:
            cause = ConfigError(
                f"a machine of the Ray cluster cannot start a worker ({_last_line(cause)}); "
                f"install MACE {__version__} on every one of them"
            )
        cause.add_note(f"in a worker of the Ray cluster:\n{error}")
        actor.ticket = None
        self._queue.fail(cause)

    def _replace(self, actor: _Actor, reason: str) -> Iterator[tuple[Any, Any]]:
        self._actors.remove(actor)
        # It may be unreachable and yet alive: no job is to run twice at a time.
        self._ray.kill(actor.handle)
        if actor.ticket is not None:
            failure = self._queue.again(actor.ticket, reason)
            if failure is not None:
                yield actor.ticket.job, failure
        if self._queue.error is None and actor.node is None:
            # It never came to be; not to ask again and again without a pause.
            time.sleep(LOOK_S / 4)
        self._looked = 0.0

    def _end_workers(self) -> None:
        for actor in self._actors:
            self._ray.kill(actor.handle)
        self._actors.clear()
        self._calls.clear()


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else repr(error)
