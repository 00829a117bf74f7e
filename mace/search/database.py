"""A database as the storage of studies, or one sentence about why it is none."""

import time
from typing import TYPE_CHECKING, Any

import optuna

from mace.errors import ConfigError

if TYPE_CHECKING:  # it is loaded only where a database is asked for
    from sqlalchemy.engine import URL

EXPECTED = "postgresql://user:password@host/name"
# A database that does not answer within this many seconds is said to be out of reach.
CONNECT_S = 8
# One that falls silent later, as when a cable is pulled, within about a minute.
ALIVE = {"keepalives_idle": 20, "keepalives_interval": 10, "keepalives_count": 4}
SILENT_MS = 60_000
# Searches that begin at one moment all make the tables of an empty database; one succeeds.
ATTEMPTS, PAUSE_S = 8, 0.5


def parse_url(text: str) -> "URL":
    """Return a database's URL, `postgres` being short for `postgresql`.

    Raises:
        ConfigError: if it is none; its text, which may hold a password, is not repeated.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise ConfigError(
            f"the storage {text.partition('://')[0]}://… is no address of a database, expected for "
            f"example {EXPECTED}"
        ) from error
    return url.set(drivername="postgresql") if url.drivername == "postgres" else url


def shown_url(text: str) -> str:
    """Return a URL without its password."""
    return parse_url(text).render_as_string(hide_password=True)


def open_database(text: str) -> optuna.storages.RDBStorage:
    """Return the storage in a database, whose tables are made if there are none.

    Raises:
        ConfigError: if it is out of reach, unknown, of another version, or its driver is missing.
    """
    from sqlalchemy.exc import NoSuchModuleError, OperationalError, SQLAlchemyError

    shown = shown_url(text)
    try:
        return _open(parse_url(text))
    except NoSuchModuleError as error:
        raise ConfigError(
            f"the storage {shown} is of no kind of database that is known here, expected for "
            f"example {EXPECTED}, or the path of a journal"
        ) from error
    except ImportError as error:
        raise ConfigError(_missing_driver(shown, error)) from error
    except RuntimeError as error:
        raise ConfigError(
            f"the database {shown} holds studies of another version of Optuna "
            f"({_first_line(error)}); choose an empty database, or that version"
        ) from error
    except (SQLAlchemyError, OSError, optuna.exceptions.StorageInternalError) as error:
        cause = error if isinstance(error, SQLAlchemyError) else error.__cause__ or error
        reason = _first_line(getattr(cause, "orig", None) or cause)
        if isinstance(cause, OperationalError | OSError):
            raise ConfigError(
                f"the database {shown} is out of reach ({reason}); check address, name and "
                "password, and that it runs"
            ) from error
        raise ConfigError(
            f"the database {shown} cannot be used ({reason}); its user must be allowed to make "
            "tables there"
        ) from error


def _open(url: "URL") -> optuna.storages.RDBStorage:
    from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

    backend = url.get_backend_name()
    connect: dict[str, Any] = {}
    if backend in ("postgresql", "mysql", "mariadb"):
        connect["connect_timeout"] = CONNECT_S
    if url.drivername == "postgresql":
        # The driver that the extra installs; SQLAlchemy's own default is another one.
        url = url.set(drivername="postgresql+psycopg")
        connect |= ALIVE | {"tcp_user_timeout": SILENT_MS}
    for attempt in range(ATTEMPTS):
        try:
            return optuna.storages.RDBStorage(
                url.render_as_string(hide_password=False),
                engine_kwargs={"pool_pre_ping": True, "connect_args": connect},
            )
        except (IntegrityError, ProgrammingError, OperationalError) as error:
            others = isinstance(error, IntegrityError) or "already exists" in str(error)
            if not others or attempt == ATTEMPTS - 1:
                raise
            time.sleep(PAUSE_S)
    raise AssertionError


def _missing_driver(shown: str, error: ImportError) -> str:
    missing = getattr(error.__cause__ or error, "name", None)
    needs = f"the Python package {missing}" if missing else "a Python package"
    advice = f"install it, or use PostgreSQL: {EXPECTED}"
    if shown.startswith("postgresql"):
        advice = f"pip install 'mace-mer[postgres]', and write {EXPECTED}"
    return f"the database {shown} needs {needs}, which is not installed; {advice}"


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else repr(error))[:200]
