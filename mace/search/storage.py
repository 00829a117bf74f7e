"""Where the trials of a search are kept: one SQLite file, or a database for many machines.

Optuna's own heartbeat says which trials run in a process that is gone.
"""

import functools
import logging
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
from optuna.storages import RDBStorage

from mace.errors import ConfigError, DataError, OutputError, first_line

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

EXPECTED = "postgresql://user:password@host/name"
# A process tells so often that it is alive, and counts as gone after so long a silence.
BEAT_S, SILENT_S = 15, 60
# A database that does not answer within this many seconds is said to be out of reach.
CONNECT_S = 8
# One that falls silent later, as when a cable is pulled, within about a minute.
ALIVE = {"keepalives_idle": 20, "keepalives_interval": 10, "keepalives_count": 4}
SILENT_MS = 60_000
# Searches that begin at one moment all make the tables of an empty database; one succeeds.
ATTEMPTS, PAUSE_S = 8, 0.5
# What Optuna reads first of all, and is not there in a database of something else.
FIRST_TABLE = "version_info"
# Of what a driver says, people are shown so many characters.
LONG = 200

optuna.logging.set_verbosity(optuna.logging.WARNING)
logging.getLogger("alembic").setLevel(logging.WARNING)


@contextmanager
def quiet() -> Iterator[None]:
    """Optuna calls much experimental, and warns who beats its storage's heart by himself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def is_url(storage: str) -> bool:
    """Return whether a storage is a database by its URL, not the path of a file."""
    return "://" in storage


def file_of(storage: str) -> Path | None:
    """Return the file that a storage is, by its path or as a URL; None for a database elsewhere."""
    url = _url(storage)
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None


def shown(storage: str) -> str:
    """Return a storage as people may see it and files may keep it: a path, or a URL.

    A URL has no password in it: drivers look for that themselves.
    """
    if not is_url(storage):
        return storage
    # `URL.set` takes None for "as it was".
    url = _url(storage)._replace(password=None)
    return str(url.difference_update_query(["password", "passwd"]))


@contextmanager
def answering(storage: str) -> Iterator[None]:
    """Say in a sentence that a storage that could be opened does not answer.

    Raises:
        OutputError: naming the storage and what its database says.
    """
    try:
        yield
    except optuna.exceptions.StorageInternalError as error:
        reason = getattr(error.__cause__, "orig", None) or error.__cause__ or error
        raise OutputError(
            f"the storage {shown(storage)} does not answer ({_short(reason)}); what is in it is "
            "kept, and the same command goes on from there once it does"
        ) from error


def is_ready(storage: str) -> bool:
    """Return whether a storage is there already; one that is not is a file, and can be made.

    Raises:
        ConfigError: if its URL is none.
        OutputError: if the file could not be made.
    """
    file = file_of(storage)
    if file is None or file.exists():
        return True
    folder = next(folder for folder in file.absolute().parents if folder.exists())
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        raise OutputError(f"cannot make {shown(storage)}: {folder} is no folder to write to")
    return False


@functools.lru_cache(maxsize=4)
def open_storage(storage: str, *, make: bool = True) -> RDBStorage:
    """Return the storage in a file or a database; a process opens each once.

    Args:
        storage: path of a file, or URL of a database.
        make: the file, or the tables, if there are none; who reads makes none.

    Raises:
        ConfigError: if it is out of reach, unknown, of another version, its driver is missing, or
            the file is something else.
        DataError: if there is nothing, and nothing is to be made.
        OutputError: if the file cannot be written.
    """
    from sqlalchemy.exc import NoSuchModuleError, OperationalError, SQLAlchemyError

    name = shown(storage)
    try:
        file = file_of(storage)
        if not make and file is not None and not file.exists():
            raise DataError(f"there is no storage {name}")
        if not is_url(storage):
            Path(storage).parent.mkdir(parents=True, exist_ok=True)
        return _open(_url(storage), make=make)
    except NoSuchModuleError as error:
        raise ConfigError(
            f"the storage {name} is of no kind of database that is known here, expected for "
            f"example {EXPECTED}, or the path of a file"
        ) from error
    except ImportError as error:
        missing = getattr(error.__cause__ or error, "name", None)
        needs = f"the Python package {missing}" if missing else "a Python package"
        advice = f"install it, or use PostgreSQL: {EXPECTED}"
        if name.startswith("postgresql"):
            advice = f"pip install 'mace-mer[postgres]', and write {EXPECTED}"
        raise ConfigError(
            f"the database {name} needs {needs}, which is not installed; {advice}"
        ) from error
    except RuntimeError as error:
        raise ConfigError(
            f"the database {name} holds studies of another version of Optuna "
            f"({first_line(error)[:LONG]}); choose an empty database, or that version"
        ) from error
    except (SQLAlchemyError, OSError, optuna.exceptions.StorageInternalError) as error:
        cause = error if isinstance(error, SQLAlchemyError) else error.__cause__ or error
        if not make and FIRST_TABLE in str(getattr(cause, "statement", "")):
            raise DataError(f"the storage {name} holds no search of anybody") from error
        reason = getattr(cause, "strerror", None) or getattr(cause, "orig", None) or cause
        reason = _short(reason)
        if not is_url(storage):
            raise OutputError(
                f"cannot use {name} as the file of a search: {reason}; expected the file of "
                "another search, or a path where there is nothing yet"
            ) from error
        what = f"cannot be used ({reason}); its user must be allowed to make tables there"
        if isinstance(cause, OperationalError | OSError):
            what = f"is out of reach ({reason}); check address, name and password, and that it runs"
        raise ConfigError(f"the database {name} {what}") from error


def trial_id(storage: RDBStorage, study_name: str, number: int) -> int:
    """Return the id by which a storage knows a trial."""
    study_id = storage.get_study_id_from_name(study_name)
    return storage.get_trial_id_from_study_id_trial_number(study_id, number)


def _short(reason: object) -> str:
    return str(reason).partition("\n")[0][:LONG]


def _url(storage: str) -> "URL":
    """Return a storage's URL, `postgres` being short for `postgresql`.

    Raises:
        ConfigError: if it is none; its text, which may hold a password, is not repeated.
    """
    from sqlalchemy.engine import URL, make_url
    from sqlalchemy.exc import ArgumentError

    if not is_url(storage):
        return URL.create("sqlite", database=storage)
    try:
        url = make_url(storage)
    except (ArgumentError, ValueError) as error:
        raise ConfigError(
            f"the storage {storage.partition('://')[0]}://… is no address of a database, expected "
            f"for example {EXPECTED}"
        ) from error
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise ConfigError(
            f"the storage {storage} is no file, and a search in memory is gone with its process; "
            "expected sqlite:///PATH"
        )
    return url.set(drivername="postgresql") if url.drivername == "postgres" else url


def _open(url: "URL", *, make: bool) -> RDBStorage:
    from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

    backend = url.get_backend_name()
    connect: dict[str, Any] = {}
    if backend == "sqlite":
        connect["timeout"] = 60.0  # other processes write for milliseconds
    elif backend in ("postgresql", "mysql", "mariadb"):
        connect["connect_timeout"] = CONNECT_S
    if url.drivername == "postgresql":
        # The driver that the extra installs; SQLAlchemy's own default is another one.
        url = url.set(drivername="postgresql+psycopg")
        connect |= ALIVE | {"tcp_user_timeout": SILENT_MS}
    attempt = 1
    while True:
        try:
            with quiet():
                return RDBStorage(
                    url.render_as_string(hide_password=False),
                    engine_kwargs={"pool_pre_ping": True, "connect_args": connect},
                    heartbeat_interval=BEAT_S,
                    grace_period=SILENT_S,
                    skip_table_creation=not make,
                )
        except (IntegrityError, ProgrammingError, OperationalError) as error:
            others = isinstance(error, IntegrityError) or "already exists" in str(error)
            if not others or attempt == ATTEMPTS:
                raise
            attempt += 1
            time.sleep(PAUSE_S)
