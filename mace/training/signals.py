"""Ctrl-C and SIGTERM end a run between two steps, where its state can be saved."""

import os
import signal
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from mace.errors import MaceError
from mace.hosts.agreement import any_signal, several_hosts

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(MaceError):
    """Work that a signal ended; `exit_code` is the shell's 128 + signal number."""

    def __init__(self, message: str, number: signal.Signals = signal.SIGINT) -> None:
        super().__init__(message)
        self.number = number
        self.exit_code = 128 + number


def interrupted(number: signal.Signals, place: str, folders: Collection[Path]) -> Interrupted:
    """Return the error of a training that ended at a place, its state kept in folders, if any."""
    fate = "nothing was saved, as the run has no folder"
    if folders:
        fate = f"start it again to go on from {os.path.commonpath(map(Path.absolute, folders))}"
    return Interrupted(f"{number.name} ended training {place}; {fate}", number)


class StopRequest:
    """Remembers the first signal; false until there was one."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    def __bool__(self) -> bool:
        return self.signal is not None

    def here(self) -> bool:
        """Return whether to end between two steps: of several hosts each may be at another one."""
        return bool(self) and not several_hosts()

    def agreed(self) -> bool:
        """Return whether a signal has reached this process or another one; all get the same."""
        number = any_signal(self.signal or 0)
        if number:
            self.signal = signal.Signals(number)
        return bool(self)


@contextmanager
def stop_signals() -> Iterator[StopRequest]:
    """Yield a `StopRequest` that SIGINT or SIGTERM sets; a second one acts as it always did.

    Outside of the main thread Python delivers no signals, so the request stays false there.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    previous = {number: signal.getsignal(number) for number in SIGNALS}

    def restore() -> None:
        for number, handler in previous.items():
            # None is a handler that C code installed, which Python cannot put back.
            if handler is not None:
                signal.signal(number, handler)

    def handle(number: int, frame: FrameType | None) -> None:
        request.signal = signal.Signals(number)
        restore()

    for number in SIGNALS:
        signal.signal(number, handle)
    try:
        yield request
    finally:
        restore()
