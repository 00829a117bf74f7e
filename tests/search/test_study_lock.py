"""The file `lock` is there while a search holds the folder, and at no other time."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time

import optuna
import pytest
from search_cases import make_set, search

from mace.errors import ConfigError, DataError, OutputError
from mace.search.lock import study_lock
from mace.search.searcher import ATTRIBUTE, JOINED
from mace.search.storage import StorageAddress, open_storage

HOLD = """
import sys
from mace.search.lock import study_lock
with study_lock(sys.argv[1], join=False):
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


def test_the_file_is_there_while_the_folder_is_held(tmp_path):
    folder = tmp_path / "made" / "here"
    with study_lock(folder, join=False):
        assert (folder / "lock").read_text() == f"{os.getpid()}\n"
    assert list(folder.iterdir()) == []
    with pytest.raises(KeyError), study_lock(folder, join=False):
        raise KeyError
    assert list(folder.iterdir()) == []


def test_who_joins_makes_no_file_and_leaves_that_of_another(tmp_path):
    with study_lock(tmp_path / "s", join=True):
        assert list((tmp_path / "s").iterdir()) == []
    with study_lock(tmp_path / "s", join=False):
        with study_lock(tmp_path / "s", join=True):
            pass
        assert (tmp_path / "s" / "lock").exists()


def test_a_second_one_is_refused_and_the_file_stays_the_first_ones(tmp_path):
    with holder(tmp_path) as child:
        with (
            pytest.raises(ConfigError, match=rf"process {child.pid}\) is writing .*--join"),
            study_lock(tmp_path, join=False),
        ):
            pass
        assert (tmp_path / "lock").read_text() == f"{child.pid}\n"
        child.communicate(b"\n", timeout=60)
        assert child.returncode == 0
    assert not (tmp_path / "lock").exists()


def test_what_a_killed_one_left_is_taken_over(tmp_path):
    with holder(tmp_path) as child:
        child.send_signal(signal.SIGKILL)
        child.wait(60)
    assert (tmp_path / "lock").read_text() == f"{child.pid}\n"
    with study_lock(tmp_path, join=False):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    assert not (tmp_path / "lock").exists()


def test_a_file_that_was_removed_before_it_was_locked_is_no_lock(tmp_path, monkeypatch):
    """The first one ends after the second has opened its file, and a third has begun since."""
    path = tmp_path / "lock"
    path.write_text("1\n")
    flock, locked = fcntl.flock, []

    def ended_meanwhile(file, operation):
        if not locked:
            path.unlink()
        locked.append(os.fstat(file).st_ino)
        flock(file, operation)

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", ended_meanwhile)
        with study_lock(tmp_path, join=False):
            assert len(locked) == 2
            assert path.stat().st_ino == locked[1]
            assert path.read_text() == f"{os.getpid()}\n"
    path.write_text("1\n")
    locked.clear()

    def begun_meanwhile(file, operation):
        if not locked:
            path.unlink()
            third.append(holder(tmp_path))
        locked.append(file)
        flock(file, operation)

    third: list[subprocess.Popen] = []
    monkeypatch.setattr(fcntl, "flock", begun_meanwhile)
    with (
        pytest.raises(ConfigError, match="is writing"),
        study_lock(tmp_path, join=False),
    ):
        pass
    with third[0] as child:
        assert path.read_text() == f"{child.pid}\n"
        child.communicate(b"\n", timeout=60)


def test_a_file_that_somebody_else_put_there_is_not_removed(tmp_path):
    with study_lock(tmp_path, join=False):
        (tmp_path / "lock").unlink()
        (tmp_path / "lock").write_text("another one's\n")
    assert (tmp_path / "lock").read_text() == "another one's\n"


def test_never_two_at_a_time(tmp_path):
    """A lock of a descriptor counts between threads as between processes."""
    inside, entered, wrong = [], [], []

    def enter_again_and_again():
        for _ in range(200):
            try:
                with study_lock(tmp_path, join=False):
                    inside.append(1)
                    entered.append(1)
                    if len(inside) > 1:
                        wrong.append(len(inside))
                    os.sched_yield()
                    inside.pop()
            except ConfigError:
                pass

    threads = [threading.Thread(target=enter_again_and_again) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert entered
    assert not wrong
    assert not (tmp_path / "lock").exists()


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    for join in (False, True):
        with (
            pytest.raises(OutputError, match=r"cannot write .*lock: "),
            study_lock(tmp_path / "file", join=join),
        ):
            pass


def test_a_file_system_without_locks_is_one_sentence(tmp_path, monkeypatch):
    def no_locks(file, operation):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with (
        pytest.raises(OutputError, match=r"lock: No locks available"),
        study_lock(tmp_path, join=False),
    ):
        pass


@pytest.mark.parametrize("storage", ["", "{home}/shared.log", "sqlite:///{home}/shared.db"])
def test_neither_an_ended_nor_a_refused_search_leaves_one(tmp_path, pretended, storage):
    storage = storage.replace("{home}", str(tmp_path))
    seen = []

    def data():
        seen.append((tmp_path / "s" / "lock").exists())
        return make_set()

    options = {"trials": 2, "storage": storage, "name": "demo" if storage else ""}
    search(tmp_path / "s", data, **options)
    with pytest.raises(ConfigError, match=r"now it is 1"):
        search(tmp_path / "s", data, **options, seed=1)
    with pytest.raises(DataError, match="too few"):
        search(tmp_path / "few", make_set(subjects=2), trials=2)
    search(tmp_path / "s", data, **options, join=True)
    assert seen == [True, False]
    assert not list(tmp_path.rglob("lock"))


def test_one_that_works_on_another_machine_is_said_before_folder_and_data(tmp_path, pretended):
    def data():
        raise AssertionError("the data were read")

    storage = f"sqlite:///{tmp_path}/shared.db"
    options = {"storage": storage, "name": "demo"}
    study = optuna.create_study(
        study_name="demo/1", storage=open_storage(StorageAddress(storage)), direction="maximize"
    )
    study.set_user_attr(f"{ATTRIBUTE}elsewhere-7-ab12", time.time())
    study.set_user_attr(f"{ATTRIBUTE}nowhere-8-ab12", time.time() - 3600)
    with pytest.raises(ConfigError, match=r"\(on another machine\) is at work on demo .*-join"):
        search(tmp_path / "s", data, **options)
    assert not (tmp_path / "s").exists()
    study.set_user_attr(f"{ATTRIBUTE}elsewhere-7-ab12", 0.0)
    # Those that join are no hindrance: the one that collects and scores may have been killed.
    study.set_user_attr(f"{ATTRIBUTE}elsewhere-9-ab12{JOINED}", time.time())
    assert search(tmp_path / "s", trials=1, **options).evaluated == 2
