"""Where studies are kept, and one sentence about every place where they cannot be."""

import socket
import time

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from mace.errors import ConfigError, OutputError
from mace.search import storage
from mace.search.storage import open_storage, shown


def sentence(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        open_storage(text)
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
        def make(url, **_):
            error = ModuleNotFoundError(f"No module named {name!r}", name=name)
            raise ImportError("Failed to import DB access module") from error

        return make

    monkeypatch.setattr(storage, "RDBStorage", missing("MySQLdb"))
    said = sentence("mysql://me:geheim@127.0.0.1:1/x")
    assert "needs the Python package MySQLdb" in said
    assert "pip" not in said
    monkeypatch.setattr(storage, "RDBStorage", missing("psycopg"))
    said = sentence("postgresql://me:geheim@127.0.0.1:2/x")
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
    monkeypatch.setattr(storage, "CONNECT_S", 2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        begun = time.monotonic()
        said = sentence(f"{scheme}://me:geheim@127.0.0.1:{port}/x")
        assert time.monotonic() - begun < 20
    assert f"postgresql://me@127.0.0.1:{port}/x is out of reach" in said


class Refusing:
    """Stands in for Optuna's storage: fails as often as it is told, and counts."""

    def __init__(self, errors):
        self.errors, self.made = list(errors), 0

    def __call__(self, url, *, engine_kwargs, **_):
        self.made += 1
        if self.errors:
            raise self.errors.pop(0)
        return url, engine_kwargs["connect_args"]


def test_tables_that_another_one_makes_at_the_same_moment_are_waited_for(monkeypatch):
    monkeypatch.setattr(storage, "PAUSE_S", 0.0)
    unique = IntegrityError("CREATE TYPE", {}, Exception("pg_type_typname_nsp_index"))
    there = ProgrammingError("CREATE TABLE", {}, Exception('relation "studies" already exists'))
    refusing = Refusing([unique, there])
    monkeypatch.setattr(storage, "RDBStorage", refusing)
    url, connect = open_storage("postgresql://me:geheim@host/x")
    assert url == "postgresql+psycopg://me:geheim@host/x"
    assert connect["connect_timeout"] == storage.CONNECT_S
    assert refusing.made == 3
    # Not for ever, and not where nothing is gained by it.
    refusing = Refusing([unique] * 100)
    monkeypatch.setattr(storage, "RDBStorage", refusing)
    with pytest.raises(ConfigError, match="pg_type_typname_nsp_index"):
        open_storage("postgresql://me:geheim@host/y")
    assert refusing.made == storage.ATTEMPTS
    refusing = Refusing([OperationalError("", {}, Exception("password authentication failed"))])
    monkeypatch.setattr(storage, "RDBStorage", refusing)
    with pytest.raises(ConfigError, match=r"out of reach \(password authentication failed\)"):
        open_storage("postgresql://me:geheim@host/z")
    assert refusing.made == 1


def test_a_user_without_rights_and_a_study_of_another_optuna_are_said(monkeypatch):
    denied = ProgrammingError("CREATE", {}, Exception("permission denied for schema public"))
    monkeypatch.setattr(storage, "RDBStorage", Refusing([denied]))
    said = sentence("postgresql://me:geheim@host/denied")
    assert "(permission denied for schema public); its user must be allowed to make tables" in said
    old = RuntimeError("The runtime optuna version 5.0 is no longer compatible\nwith this")
    monkeypatch.setattr(storage, "RDBStorage", Refusing([old]))
    assert "another version of Optuna" in sentence("postgresql://me:geheim@host/old")


@pytest.mark.parametrize("content", [b"shopping\nbread", b"\x00\x01\x02", 5000 * b"x"])
def test_another_file_stays_as_it_is(tmp_path, content):
    path = tmp_path / "notes"
    path.write_bytes(content)
    with pytest.raises(OutputError, match=f"cannot use {path} .*: file is not a database; exp"):
        open_storage(str(path))
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OutputError, match="unable to open database file"):
        open_storage(str(tmp_path))
    with pytest.raises(OutputError, match=r"cannot use .*: File exists; expected the file"):
        open_storage(str(path / "study.db"))


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_search_in_memory_is_refused(url):
    assert "is no file" in sentence(url)


def test_passwords_are_neither_shown_nor_kept():
    url = "postgresql://me:geheim@host/name"
    assert shown(url) == "postgresql://me@host/name"
    assert (
        shown("postgresql://host/name?user=me&password=geheim") == "postgresql://host/name?user=me"
    )
    assert shown("folder/study.db") == "folder/study.db"
    with pytest.raises(ConfigError) as caught:
        shown("://geheim")
    assert "geheim" not in str(caught.value)
