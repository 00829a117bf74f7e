"""What every worker process of ours does first."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


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


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Children started within use one thread: two BLAS threads each take twice as long."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
