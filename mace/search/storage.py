"""Where the proposals of a search are kept: a journal in its folder, or a database for many."""

import functools
import logging
import os
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock

from mace.errors import ConfigError, OutputError
from mace.locks import lock
from mace.search.database import open_database, shown_url

JOURNAL = "journal.log"
# What every line of a journal begins with.
OPERATION = b'{"op_code":'

optuna.logging.set_verbosity(optuna.logging.WARNING)
logging.getLogger("alembic").setLevel(logging.WARNING)


@dataclass(frozen=True)
class StorageAddress:
    """A database's URL, or the path of a journal file."""

    text: str

    @property
    def is_url(self) -> bool:
        """Whether it is a database."""
        return "://" in self.text

    @property
    def shown(self) -> str:
        """Return the address without a password."""
        if not self.is_url:
            return self.text
        return shown_url(self.text)


class _Flock(BaseJournalFileLock):
    """A lock that the system releases when its process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, -1

    def acquire(self) -> bool:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        lock(file)
        self._file = file
        return True

    def release(self) -> None:
        os.close(self._file)


@functools.lru_cache(maxsize=4)
def open_storage(address: StorageAddress) -> optuna.storages.BaseStorage:
    """Return the storage of an address; a process opens each once.

    Raises:
        ConfigError: if the database is out of reach, unknown or its driver is missing.
        OutputError: if the journal cannot be written.
    """
    if not address.is_url:
        return _open_journal(Path(address.text))
    return open_database(address.text)


def _open_journal(path: Path) -> optuna.storages.BaseStorage:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _check_beginning(path)
        lock = _Flock(path.with_name(f"{path.name}.lock"))
        lock.acquire()
        try:
            _drop_torn_line(path)
        finally:
            lock.release()
        backend = JournalFileBackend(str(path), lock_obj=lock)
        return optuna.storages.JournalStorage(backend)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    except (ValueError, KeyError, AssertionError) as error:
        raise ConfigError(
            f"{path} is no journal of a search, or a damaged one; if it is one, move it away and "
            "type the command again: the results beside it are kept and nothing is evaluated twice"
        ) from error


def _check_beginning(path: Path) -> None:
    """Refuse any other file, whose path was given by mistake, before it is written to."""
    if path.exists():
        with path.open("rb") as file:
            if not OPERATION.startswith(file.read(len(OPERATION))):
                raise ValueError


def _drop_torn_line(path: Path) -> None:
    """Cut off what a machine that went down left of a line, or no line after it could be read."""
    if not path.exists() or not path.stat().st_size:
        return
    with path.open("rb+") as file:
        content = file.read()
        if not content.endswith(b"\n"):
            file.truncate(content.rfind(b"\n") + 1)
