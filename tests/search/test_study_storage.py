"""Where studies are kept, and one sentence about every place where they cannot be."""

import socket
import time
from types import SimpleNamespace

import optuna
import pytest
from optuna.trial import TrialState
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from mace.errors import ConfigError, OutputError
from mace.search import database
from mace.search.storage import StorageAddress, open_storage


def sentence(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        open_storage(StorageAddress(text))
    assert "geheim" not in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("text", ["nonsense://me:geheim@host/x", "redis://127.0.0.1/0"])
def test_an_unknown_kind_of_database_is_not_taken_for_a_missing_driver(text):
    said = sentence(text)
    assert "of no kind of database that is known here" in said
    assert "postgresql://user:password@host/name" in said
    assert "pip" not in said


def test_a_driver_that_is_missing_is_named(monkeypatch):
    def missing(name: str):
        def storage(url, **_):
            error = ModuleNotFoundError(f"No module named {name!r}", name=name)
            raise ImportError("Failed to import DB access module") from error

        return SimpleNamespace(RDBStorage=storage)

    monkeypatch.setattr(database.optuna, "storages", missing("MySQLdb"))
    said = sentence("mysql://me:geheim@127.0.0.1:1/x")
    assert "needs the Python package MySQLdb" in said
    assert "pip" not in said
    monkeypatch.setattr(database.optuna, "storages", missing("psycopg"))
    said = sentence("postgresql://me:geheim@127.0.0.1:1/x")
    assert "needs the Python package psycopg" in said
    assert "pip install 'mace-mer[postgres]'" in said


@pytest.mark.parametrize("text", ["://x", "postgresql://me:geheim@host:port/x"])
def test_what_is_no_address_is_said(text):
    assert "is no address of a database" in sentence(text)


def test_a_database_out_of_reach_is_said(tmp_path):
    said = sentence(f"sqlite:///{tmp_path}/nowhere/x.db")
    assert "is out of reach (unable to open database file)" in said


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_a_server_that_says_nothing_is_said_in_time(monkeypatch, scheme):
    pytest.importorskip("psycopg")
    monkeypatch.setattr(database, "CONNECT_S", 2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        begun = time.monotonic()
        said = sentence(f"{scheme}://me:geheim@127.0.0.1:{port}/x")
        assert time.monotonic() - begun < 20
    assert f"postgresql://me:***@127.0.0.1:{port}/x is out of reach" in said


class Refusing:
    """Stands in for Optuna's storage: fails as often as it is told, and counts."""

    def __init__(self, errors):
        self.errors, self.made = list(errors), 0

    def __call__(self, url, *, engine_kwargs):
        self.made += 1
        if self.errors:
            raise self.errors.pop(0)
        return url, engine_kwargs["connect_args"]


def test_tables_that_another_one_makes_at_the_same_moment_are_waited_for(monkeypatch):
    monkeypatch.setattr(database, "PAUSE_S", 0.0)
    unique = IntegrityError("CREATE TYPE", {}, Exception("pg_type_typname_nsp_index"))
    there = ProgrammingError("CREATE TABLE", {}, Exception('relation "studies" already exists'))
    refusing = Refusing([unique, there])
    monkeypatch.setattr(database.optuna.storages, "RDBStorage", refusing)
    url, connect = database.open_database("postgresql://me:geheim@host/x")
    assert url == "postgresql+psycopg://me:geheim@host/x"
    assert connect["connect_timeout"] == database.CONNECT_S
    assert refusing.made == 3
    # Not for ever, and not where nothing is gained by it.
    refusing = Refusing([unique] * 100)
    monkeypatch.setattr(database.optuna.storages, "RDBStorage", refusing)
    with pytest.raises(ConfigError, match="pg_type_typname_nsp_index"):
        database.open_database("postgresql://me:geheim@host/x")
    assert refusing.made == database.ATTEMPTS
    refusing = Refusing([OperationalError("", {}, Exception("password authentication failed"))])
    monkeypatch.setattr(database.optuna.storages, "RDBStorage", refusing)
    with pytest.raises(ConfigError, match=r"out of reach \(password authentication failed\)"):
        database.open_database("postgresql://me:geheim@host/x")
    assert refusing.made == 1


def test_a_user_without_rights_and_a_study_of_another_optuna_are_said(monkeypatch):
    denied = ProgrammingError("CREATE", {}, Exception("permission denied for schema public"))
    monkeypatch.setattr(database.optuna.storages, "RDBStorage", Refusing([denied]))
    said = sentence("postgresql://me:geheim@host/denied")
    assert "(permission denied for schema public); its user must be allowed to make tables" in said
    old = RuntimeError("The runtime optuna version 5.0 is no longer compatible\nwith this")
    monkeypatch.setattr(database.optuna.storages, "RDBStorage", Refusing([old]))
    assert "another version of Optuna" in sentence("postgresql://me:geheim@host/old")


@pytest.mark.parametrize("content", [b"shopping\nbread", b"\x00\x01\x02"])
def test_a_file_that_is_no_journal_stays_as_it_is(tmp_path, content):
    path = tmp_path / "notes"
    path.write_bytes(content)
    assert f"{path} is no journal of a search" in sentence(str(path))
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OutputError, match="Is a directory"):
        open_storage(StorageAddress(str(tmp_path)))


def test_a_torn_last_line_of_a_journal_is_cut_off(tmp_path):
    path = tmp_path / "journal.log"
    study = optuna.create_study(study_name="s", storage=open_storage(StorageAddress(str(path))))
    study.tell(study.ask(), 1.0)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"op_code":4,"wor')
    open_storage.cache_clear()
    again = optuna.load_study(study_name="s", storage=open_storage(StorageAddress(str(path))))
    assert path.read_bytes() == whole
    assert [trial.state for trial in again.trials] == [TrialState.COMPLETE]


def test_a_torn_first_line_leaves_an_empty_journal(tmp_path):
    path = tmp_path / "journal.log"
    path.write_bytes(b'{"op')
    assert open_storage(StorageAddress(str(path))).get_all_studies() == []
    assert path.read_bytes() == b""
