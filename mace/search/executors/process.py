"""One worker process of this machine, seen from both of its ends."""

import mmap
import os
import pickle
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.reduction import DupFd, ForkingPickler
from pathlib import Path
from typing import Any, Literal

from mace.errors import OutputError
from mace.search.executors.places import Place, children_in
from mace.search.executors.protocol import Work
from mace.search.executors.queue import Ticket
from mace.workers import begin_worker

type Message = tuple[Literal["ready", "done", "error"], Any]


class SharedFile:
    """`work` and `shared`, pickled once into a file without a name, which all workers read.

    A pipe to each worker would hold this process up while they start, and once more for every
    worker that is replaced. The file is gone with its last reader, however that ends.
    """

    def __init__(self, work: Work, shared: Any) -> None:
        try:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115
            pickle.dump((work, shared), self._file, protocol=pickle.HIGHEST_PROTOCOL)
            self._file.flush()
        except OSError as error:
            raise OutputError(
                f"cannot write the data for the workers to {tempfile.gettempdir()}: "
                f"{error.strerror or error}; free some space or point TMPDIR elsewhere"
            ) from error

    def __reduce__(self) -> tuple[Any, ...]:
        return _Descriptor, (DupFd(self._file.fileno()),)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class _Descriptor:
    """What a worker gets in place of a `SharedFile`."""

    def __init__(self, descriptor: Any) -> None:
        self._descriptor = descriptor

    def load(self) -> tuple[Work, Any]:
        number = self._descriptor.detach()
        try:
            with mmap.mmap(number, 0, access=mmap.ACCESS_READ) as memory:
                return pickle.loads(memory)
        finally:
            os.close(number)


class WorkerProcess:
    """A worker from the side of the process that deals the jobs; starts at once."""

    def __init__(self, file: SharedFile, place: Place, *, crowded: bool, cache_dir: Path | None):
        self.place, self.ready = place, False
        self.ticket: Ticket | None = None
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        # Daemonic: ended by Python, too, should this process come to its end without `stop`.
        self.process = context.Process(
            target=work_until_told, args=(theirs, file, place.core, cache_dir), daemon=True
        )
        with children_in(place, crowded=crowded), _without_interrupts():
            self.process.start()
        # Else the pipe would never end, whatever became of the worker.
        theirs.close()

    def give(self, ticket: Ticket) -> None:
        """Send a job; a worker that has just died is found out by its silence."""
        self.ticket = ticket
        with suppress(OSError):
            self.connection.send(ticket.job)

    def receive(self) -> Message | None:
        """Return what the worker says next, or None if it says nothing or is gone."""
        try:
            return self.connection.recv() if self.connection.poll() else None
        except (EOFError, OSError):
            return None

    @property
    def ended(self) -> str | None:
        """Why the worker is gone; None if it is not."""
        code = self.process.exitcode
        if code is None:
            return None
        if code < 0:
            return f"ended by {signal.Signals(-code).name}"
        return f"exit code {code}"

    def stop(self) -> None:
        """End the worker, whatever it does."""
        self.process.kill()
        self.process.join()
        self.connection.close()
        self.process.close()


def work_until_told(
    connection: Connection, file: Any, core: int | None, cache_dir: Path | None
) -> None:
    """Work on what comes through `connection` until it closes."""
    begin_worker()
    # Two progress displays cannot share a terminal; errors travel back as exceptions.
    sys.stderr = StringIO()
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    try:
        work, shared = file.load()
        prepare_jax(cache_dir)
    except BaseException as error:
        _send(connection, ("error", _portable(error)))
        return
    _send(connection, ("ready", os.getpid()))
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        try:
            message = ("done", work(shared, job))
        except BaseException as error:
            message = ("error", _portable(error))
        _send(connection, message)


def prepare_jax(cache_dir: Path | None) -> None:
    """Do for JAX what helps every process that trains, if the work has imported it."""
    if "jax" not in sys.modules:
        return
    from mace.compilation import keep_compiled
    from mace.models.runtime import keep_heap

    keep_heap()
    if cache_dir is not None:
        keep_compiled(cache_dir)


def _send(connection: Connection, message: Message) -> None:
    try:
        data = ForkingPickler.dumps(message)
    except Exception as error:
        data = ForkingPickler.dumps(("error", _portable(error)))
    connection.send_bytes(data)


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


@contextmanager
def _without_interrupts() -> Iterator[None]:
    # A process inherits what is blocked: Ctrl-C reaches the whole group, and this side decides.
    # Windows has no such thing to inherit.
    blocks = hasattr(signal, "pthread_sigmask")
    if not blocks or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
