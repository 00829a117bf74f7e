"""Cores, locks and memory of the live loop: small pictures, one core each, stages side by side."""

import contextlib
import os
import sys
from collections.abc import Iterator

import cv2
import jax
import jax.numpy as jnp

# Every call of OpenCV gives Python's lock away and takes it back, a hundred times a frame, and with
# another thread at work in Python each may wait this long; the default is 5 ms.
_SWITCH_S = 0.00002


def start_on_one_core() -> None:
    """Let XLA have one thread, if the process has not used JAX on a CPU before.

    The network of one face is slower on two cores than on one, and takes the second from the
    tracker. XLA counts the cores that the process may use when it is first asked for anything; and
    then reads, too, whether a program runs in the thread that calls it, which waits for it anyway.
    Without affinities in this system, only that is done.
    """
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    if not hasattr(os, "sched_setaffinity"):
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        jax.block_until_ready(jnp.zeros(1) + 1)
    finally:
        # The threads that XLA has started, too, may go wherever there is room.
        for thread in _threads():
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(thread, cores)


def _threads() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc/self/task")]
    except OSError:
        return [0]


@contextlib.contextmanager
def stages_side_by_side() -> Iterator[None]:
    """Set the process up for threads that share the cores; as before at the end.

    OpenCV does not spread one small picture over all cores, and a thread that waits for Python's
    lock gets it soon.
    """
    cores, interval = cv2.getNumThreads(), sys.getswitchinterval()
    cv2.setNumThreads(1)
    sys.setswitchinterval(_SWITCH_S)
    try:
        yield
    finally:
        cv2.setNumThreads(cores)
        sys.setswitchinterval(interval)


def peak_memory_mb() -> float | None:
    """Return the most memory this process has had, in MB; None where the system keeps no count."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, bytes
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20, 1)
