"""Worker processes on this machine, one core or GPU each, that may die at any time."""

import sys
from collections.abc import Iterator
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Self

from mace.errors import ConfigError, TrainingError
from mace.search.executors.places import Place, find_places
from mace.search.executors.process import SharedFile, WorkerProcess
from mace.search.executors.protocol import Work
from mace.search.executors.queue import JobQueue


class LocalExecutor:
    """Spawned processes, since JAX does not survive a fork; each has one core or GPU of its own.

    A worker that is killed is replaced and its job runs again. No worker outlives this process,
    however it ends.

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
        self._work, self._shared = work, shared
        places = find_places()
        self.slots = len(places) if workers is None else workers
        self._places = [places[number % len(places)] for number in range(self.slots)]
        self._crowded = self.slots > len(places)
        self._queue = JobQueue(retries)
        self._workers: list[WorkerProcess] = []
        self._file: SharedFile | None = None
        self._false_starts, self._patience = 0, self.slots + retries

    def __enter__(self) -> Self:
        self._file = SharedFile(self._work, self._shared)
        try:
            for place in self._places:
                self._start(place)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        while self._workers:
            self._workers.pop().stop()
        if self._file is not None:
            self._file.close()

    def submit(self, job: Any) -> None:
        """Have a job run as soon as a worker is free."""
        self._queue.add(job)
        self._deal()

    def results(self) -> Iterator[tuple[Any, Any]]:
        """Yield each job with its result or `Failure`.

        Raises:
            TrainingError: if workers die before they can take a job, again and again.
        """
        while len(self._queue) or self._busy:
            self._deal()
            wait([end for one in self._workers for end in (one.connection, one.process.sentinel)])
            for worker in list(self._workers):
                yield from self._attend(worker)
        if self._queue.error is not None:
            raise self._queue.error

    @property
    def _busy(self) -> bool:
        return any(worker.ticket is not None for worker in self._workers)

    def _deal(self) -> None:
        for worker in self._workers:
            if len(self._queue) and worker.ready and worker.ticket is None:
                worker.give(self._queue.take())

    def _attend(self, worker: WorkerProcess) -> Iterator[tuple[Any, Any]]:
        # Asked first: what it said before it ended is still to be read after that.
        ended = worker.ended
        while (message := worker.receive()) is not None:
            kind, value = message
            ticket, worker.ticket = worker.ticket, None
            if kind == "ready":
                worker.ready, self._false_starts = True, 0
            elif kind == "error":
                self._queue.fail(value)
            elif ticket is not None:
                # The worker goes on before the caller, who may take long with the result.
                self._deal()
                yield ticket.job, value
        if ended is not None:
            yield from self._replace(worker, ended)

    def _replace(self, worker: WorkerProcess, reason: str) -> Iterator[tuple[Any, Any]]:
        self._workers.remove(worker)
        ticket, ready = worker.ticket, worker.ready
        worker.stop()
        if not ready:
            self._false_starts += 1
            if self._false_starts > self._patience and self._queue.error is None:
                self._queue.fail(
                    TrainingError(
                        f"{self._false_starts} worker processes died before they could begin "
                        f"({reason}); is there enough memory for {self.slots} of them?"
                    )
                )
        if self._queue.error is None:
            self._start(worker.place)
        if ticket is not None:
            failure = self._queue.again(ticket, reason)
            if failure is not None:
                yield ticket.job, failure
        self._deal()

    def _start(self, place: Place) -> None:
        assert self._file is not None
        self._workers.append(
            WorkerProcess(self._file, place, crowded=self._crowded, cache_dir=_cache_dir())
        )


def _cache_dir() -> Path | None:
    if "jax" not in sys.modules:
        return None
    from mace.compilation import cache_dir_in_use

    return cache_dir_in_use()
