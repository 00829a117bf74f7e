"""One search at a time writes a study's folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mace.errors import ConfigError, OutputError


@contextmanager
def study_lock(folder: Path, *, join: bool) -> Iterator[None]:
    """Hold a study's folder while working on it; with `join`, beside whoever holds it.

    The system releases the lock when the process ends, however it ends.

    Raises:
        ConfigError: if another process holds it.
        OutputError: if the folder cannot be written.
    """
    path = Path(folder) / "lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    try:
        if not join:
            _acquire(file, path)
        yield
    finally:
        os.close(file)


def _acquire(file: int, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(file, 64, 0).decode(errors="replace").strip()
        raise ConfigError(
            f"another search (process {holder or 'unknown'}) is writing {path.parent}; wait for "
            "it, work beside it with --join, or choose another --out"
        ) from error
    os.ftruncate(file, 0)
    os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
