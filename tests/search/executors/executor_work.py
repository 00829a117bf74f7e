"""Work for executors to do, found by their workers through the name of this module."""

import os
import signal
import time
from pathlib import Path

from mace.errors import DataError


def double(shared, job):
    return shared["offset"] + 2 * job


def core(shared, job):
    time.sleep(0.05)
    return os.getpid(), tuple(os.sched_getaffinity(0))


def slow_double(shared, job):
    """Takes a while, says who is at it, and counts how often it was begun and ended."""
    folder = Path(shared["folder"])
    with (folder / "log").open("a") as log:
        log.write(f"begin {job} {os.getpid()}\n")
    time.sleep(shared["seconds"])
    with (folder / "log").open("a") as log:
        log.write(f"end {job} {os.getpid()}\n")
    return 2 * job


def deadly(shared, job):
    if job == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    if job == "wrong":
        raise DataError("row 3 is damaged")
    time.sleep(0.2)
    return job


class Stubborn:
    """Cannot be loaded where it is sent."""

    def __reduce__(self):
        return os.kill, (0, 0, "one too many")


class Deadly:
    """Ends the process that loads it."""

    def __reduce__(self):
        return os._exit, (7,)
