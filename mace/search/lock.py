"""One search at a time writes a study's folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mace.errors import ConfigError, OutputError
from mace.locks import lock

LOCK = "lock"


@contextmanager
def study_lock(folder: Path, *, join: bool) -> Iterator[None]:
    """Hold a study's folder while working on it; with `join`, beside whoever holds it.

    The file `lock` is there while somebody holds the folder. The system releases it when the
    process ends, however it ends; the file that a killed one leaves is taken over by the next.

    Raises:
        ConfigError: if another process holds it.
        OutputError: if the folder cannot be written, or its file system has no locks.
    """
    path = Path(folder) / LOCK
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = None if join else _acquire(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    try:
        yield
    finally:
        if file is not None:
            _release(file, path)


def _acquire(path: Path) -> int:
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            lock(file, wait=False)
            # Whoever held it may have removed the file after it was opened here, and the next one
            # may hold another of that name: then this lock is worth nothing.
            if _is_at(file, path):
                os.ftruncate(file, 0)
                os.write(file, f"{os.getpid()}\n".encode())
                return file
        except BlockingIOError as error:
            holder = os.read(file, 64).decode(errors="replace").strip()
            os.close(file)
            raise ConfigError(
                f"another search (process {holder or 'unknown'}) is writing {path.parent}; wait "
                "for it, work beside it with --join, or choose another --out"
            ) from error
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _release(file: int, path: Path) -> None:
    # Removed before it is released: afterwards it may be another one's.
    with suppress(OSError):
        if _is_at(file, path):
            path.unlink()
    os.close(file)


def _is_at(file: int, path: Path) -> bool:
    """Return whether an open file is the one that a path leads to."""
    try:
        return os.path.samestat(os.fstat(file), os.stat(path))
    except FileNotFoundError:
        return False
