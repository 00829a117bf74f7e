"""Locks on open files, which the system releases when the process ends, however it ends."""

import os
import time
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

# Windows locks bytes, and nobody else may read those; this one is behind the end of every file.
_FAR = 2**30
_POLL_S = 0.02


def lock(file: int, *, wait: bool = True) -> None:
    """Lock an open file (a descriptor) until it is closed, against all who ask for it here.

    Args:
        file: open for writing.
        wait: for whoever holds it.

    Raises:
        BlockingIOError: if somebody holds it and `wait` is false.
        OSError: if its file system has no locks.
    """
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        return
    import msvcrt

    place = os.lseek(file, 0, os.SEEK_CUR)
    while True:
        os.lseek(file, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # pyright: ignore[reportAttributeAccessIssue]
            return
        except PermissionError as error:
            if not wait:
                raise BlockingIOError(*error.args) from error
        finally:
            os.lseek(file, place, os.SEEK_SET)
        time.sleep(_POLL_S)


def lock_folder(folder: Path, *, wait: bool = True) -> int:
    """Lock a folder, which is there, and return the descriptor to close afterwards.

    Windows opens no folders; there a hidden file in it is locked, which stays. `wait` and errors
    are as of `lock`.
    """
    if fcntl is not None:
        file = os.open(folder, os.O_RDONLY)
    else:
        file = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        lock(file, wait=wait)
    except BaseException:
        os.close(file)
        raise
    return file
