"""One search at a time writes a folder; what is refused leaves nothing to clear away."""

import fcntl
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import optuna
import pytest
from search_cases import make_set, search

from mace.cli import main
from mace.errors import ConfigError, DataError, OutputError
from mace.search.folder import folder_lock, is_locked
from mace.search.stored import read_study

HOLD = """
import sys
from mace.search.folder import folder_lock
with folder_lock(sys.argv[1]):
    print(flush=True)
    input()
"""


def holder(folder) -> subprocess.Popen:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"\n"
    return child


def test_a_second_one_is_refused_and_what_a_killed_one_left_is_taken_over(tmp_path):
    with holder(tmp_path) as child:
        assert is_locked(tmp_path)
        with (
            pytest.raises(ConfigError, match=rf"process {child.pid}\) is writing .*--join"),
            folder_lock(tmp_path),
        ):
            pass
        child.send_signal(signal.SIGKILL)
        child.wait(60)
    assert not is_locked(tmp_path)
    with folder_lock(tmp_path):
        assert is_locked(tmp_path)
        assert (tmp_path / ".lock").read_text() == f"{os.getpid()}\n"
    with pytest.raises(KeyError), folder_lock(tmp_path):
        raise KeyError
    assert not is_locked(tmp_path)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OutputError, match=r"cannot write .*lock: "),
        folder_lock(tmp_path / "file"),
    ):
        pass


def test_a_file_system_without_locks_is_one_sentence(tmp_path, monkeypatch):
    def no_locks(file, operation):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(OutputError, match=r"lock: No locks available"), folder_lock(tmp_path):
        pass


def test_a_search_holds_its_folder_while_it_reads_and_no_longer(tmp_path, pretended):
    held = []

    def data():
        held.append(is_locked(tmp_path / "s"))
        return make_set()

    search(tmp_path / "s", data, trials=2)
    with pytest.raises(ConfigError, match=r"now it is 1"):
        search(tmp_path / "s", data, trials=2, seed=1)
    search(tmp_path / "s", data, trials=2, join=True)
    assert held == [True, False]
    assert not is_locked(tmp_path / "s")


def test_what_is_refused_leaves_no_study(tmp_path, pretended):
    with pytest.raises(DataError, match="too few"):
        search(tmp_path / "few", make_set(subjects=2), trials=2)
    assert not (tmp_path / "few" / "study.db").exists()
    assert not (tmp_path / "few" / "study.json").exists()
    with pytest.raises(DataError, match="holds no search"):
        read_study(tmp_path / "few")
    elsewhere = tmp_path / "new" / "trials.db"
    with pytest.raises(ConfigError, match="leave out --from"):
        search(tmp_path / "few", sampler="grid", earlier=[tmp_path], storage=str(elsewhere))
    assert not elsewhere.parent.exists()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot make .*file is no folder to write to"):
        search(tmp_path / "few", storage=str(tmp_path / "file" / "trials.db"))


def test_reading_makes_no_tables_in_a_database_of_something_else(tmp_path, pretended):
    folder = search(tmp_path / "s", trials=1).folder
    theirs = tmp_path / "theirs.db"
    with closing(sqlite3.connect(theirs)) as database, database:
        database.execute("CREATE TABLE shopping (bread INTEGER)")
    before = theirs.read_bytes()
    with pytest.raises(DataError, match=r"theirs\.db does not hold the search s of"):
        read_study(folder, storage=str(theirs))
    assert theirs.read_bytes() == before
    # A search makes its own beside them.
    assert search(tmp_path / "t", trials=1, storage=str(theirs)).evaluated == 2
    assert read_study(tmp_path / "t").name == "t"


def test_a_study_whose_storage_is_gone_is_said(tmp_path, pretended, monkeypatch):
    folder = search(tmp_path / "s", trials=1).folder
    (folder / "study.db").rename(tmp_path / "moved.db")
    with pytest.raises(DataError, match=r"study\.db does not hold the search s of"):
        read_study(folder)
    # As it is typed: from where the user is.
    monkeypatch.chdir(tmp_path)
    assert read_study(folder, storage="moved.db").name == "s"


def test_a_folder_stays_that_of_its_search(tmp_path, pretended):
    lab = {"storage": str(tmp_path / "lab.db"), "name": "mine"}
    search(tmp_path / "s", trials=1, **lab)
    with pytest.raises(ConfigError, match=r"the folder of the search mine in .*lab\.db"):
        search(tmp_path / "s", trials=1)
    assert not (tmp_path / "s" / "study.db").exists()
    assert search(tmp_path / "s", trials=1, **lab).evaluated == 0
    # A copy goes on under the name that it had.
    search(tmp_path / "t", trials=1)
    shutil.copytree(tmp_path / "t", tmp_path / "copy")
    with pytest.raises(ConfigError, match=r"give --name t, or choose another --out$"):
        search(tmp_path / "copy", trials=1)
    assert search(tmp_path / "copy", trials=1, name="t").evaluated == 0


def test_a_study_that_somebody_else_began_is_refused(tmp_path):
    storage = tmp_path / "theirs.db"
    optuna.create_study(
        study_name="mine/1", storage=f"sqlite:///{storage}", directions=["maximize", "minimize"]
    )
    with pytest.raises(ConfigError, match="has a study mine/1 of another kind"):
        search(tmp_path / "mine", storage=str(storage))


def test_a_file_by_its_url_is_found_from_everywhere_and_reading_makes_none(
    tmp_path, pretended, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    folder = search(tmp_path / "s", trials=1, storage="sqlite:///trials.db").folder
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert read_study(folder).name == "s"
    with pytest.raises(DataError, match="does not hold the search s"):
        read_study(folder, storage="sqlite:///trials.db")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_storage_that_does_not_answer_is_one_sentence(tmp_path, pretended, capsys):
    folder = search(tmp_path / "s", trials=1).folder
    for storage, table in ((folder / "study.db", "trial_params"), (tmp_path / "other.db", "")):
        with closing(sqlite3.connect(storage)) as database:
            # What is left of a study, and what somebody else keeps in tables of these names.
            database.execute(f"DROP TABLE {table}" if table else "CREATE TABLE studies(name)")
            database.commit()
    for command in ("top", "report"):
        assert main([command, str(folder)]) == 6
        assert capsys.readouterr().err.splitlines()[-1] == (
            f"mace {command}: the storage {folder}/study.db does not answer (no such table: "
            "trial_params); what is in it is kept, and the same command goes on from there once "
            "it does"
        )
    with pytest.raises(OutputError, match=r"other\.db does not answer \(no such column: studies"):
        search(tmp_path / "new", storage=str(tmp_path / "other.db"))
    assert not (tmp_path / "new").exists()
