"""Where the proposals of a search are kept: a journal in its folder, or a database for many."""

import fcntl
import functools
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock

from mace.errors import ConfigError, OutputError

JOURNAL = "journal.log"
# A database that does not answer within this many seconds is said to be out of reach.
CONNECT_S = 10

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
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            return make_url(self.text).render_as_string(hide_password=True)
        except ArgumentError as error:
            raise ConfigError(
                f"the storage {self.text.partition('://')[0]}://… is no address of a database, "
                "expected for example postgresql://user:password@host/name"
            ) from error


class _Flock(BaseJournalFileLock):
    """A lock that the system releases when its process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, -1

    def acquire(self) -> bool:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(file, fcntl.LOCK_EX)
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
    return _open_database(address)


def _open_journal(path: Path) -> optuna.storages.BaseStorage:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
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
            f"the journal {path} is damaged; move it away and type the command again: the results "
            "beside it are kept and nothing is evaluated twice"
        ) from error


def _drop_torn_line(path: Path) -> None:
    """Cut off what a machine that went down left of a line, or no line after it could be read."""
    if not path.exists() or not path.stat().st_size:
        return
    with path.open("rb+") as file:
        content = file.read()
        if not content.endswith(b"\n"):
            file.truncate(content.rfind(b"\n") + 1)


def _open_database(address: StorageAddress) -> optuna.storages.BaseStorage:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

    shown = address.shown
    url = make_url(address.text)
    arguments: dict[str, Any] = {"pool_pre_ping": True}
    if url.get_backend_name() in ("postgresql", "mysql"):
        arguments["connect_args"] = {"connect_timeout": CONNECT_S}
    if url.drivername == "postgresql":
        # The driver that the extra installs; SQLAlchemy's own default is another one.
        url = url.set(drivername="postgresql+psycopg")
    try:
        return optuna.storages.RDBStorage(
            url.render_as_string(hide_password=False), engine_kwargs=arguments
        )
    except (ImportError, NoSuchModuleError, ArgumentError) as error:
        raise ConfigError(
            f"the driver for {shown} is missing ({_last_line(error)}); for PostgreSQL: "
            "pip install 'mace-mer[postgres]'"
        ) from error
    except (SQLAlchemyError, RuntimeError, OSError) as error:
        cause = error.__cause__ or error
        raise ConfigError(
            f"the database {shown} is out of reach ({_last_line(getattr(cause, 'orig', cause))}); "
            "check address, name and password, and that it runs"
        ) from error


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else repr(error))[:200]
