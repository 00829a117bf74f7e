"""Runs MACE's commands in a process that lacks what Windows lacks, then prints "done".

Usage: windows_session.py FOLDER

No ArrayRecord, no `fcntl`, `resource` and the like, none of `os`'s calls of POSIX; locks are those
of `msvcrt`, whose rules are acted out by this system's. Paths and processes are this system's own,
so that it is no proof of more than it tries.
"""

import errno
import fcntl
import importlib
import json
import os
import signal
import sys
import types
from pathlib import Path

# What Python itself chose by what this system has must have chosen already.
for name in ("asyncio", "subprocess", "multiprocessing.spawn", "multiprocessing.popen_spawn_posix"):
    importlib.import_module(name)

ABSENT = ("array_record", "fcntl", "grp", "pwd", "resource", "termios", "uvloop")
CALLS = ("fork", "mkfifo", "pread", "pwrite", "readv", "sched_getaffinity", "sched_setaffinity")


class Without:
    """A finder as another, which has none of `ABSENT`."""

    def __init__(self, finder):
        self._finder = finder

    def __getattr__(self, name):
        return getattr(self._finder, name)

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            return None
        return self._finder.find_spec(name, path, target)


def locking(file, mode, count):
    """Lock as `msvcrt.locking(file, LK_NBLCK, count)` does: a held byte is a PermissionError."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise PermissionError(errno.EACCES, "Permission denied") from error


def pretend() -> None:
    for name in ABSENT:
        sys.modules.pop(name, None)
    sys.meta_path[:] = map(Without, sys.meta_path)
    sys.modules["msvcrt"] = types.SimpleNamespace(locking=locking, LK_NBLCK=2)
    for name in (*CALLS, "sysconf"):
        delattr(os, name)
    del signal.pthread_sigmask


def main(folder: Path) -> None:
    pretend()
    from mace.cli import main as mace
    from mace.data.flow_images import load_flow_images
    from mace.data.loading import prepared_folder
    from mace.search.folder import folder_lock

    where = ["--data-dir", str(folder / "data")]
    assert mace(["live", str(folder / "pictures"), "--out", str(folder / "live")]) == 0
    assert mace(["spot", str(folder / "pictures"), "--out", str(folder / "spot")]) == 0
    assert mace(["score", str(folder / "log.csv")]) == 0
    assert mace(["prepare", "megc2019_flow", "--manual-dir", str(folder / "raw"), *where]) == 0
    prepared = prepared_folder(folder / "data")
    assert list(prepared.glob("*.parquet*"))
    assert len(load_flow_images(prepared)) == 6
    small = ["--recipe.train.epochs", "1", "--recipe.train.model.widths", "8"]
    small += ["--recipe.train.model.depths", "1", "--workers", "0", "--no-baselines"]
    run = str(folder / "runs")
    assert mace(["evaluate", "--dataset", "megc2019_flow", *where, "--out", run, *small]) == 0
    with folder_lock(folder / "study"):
        try:
            with folder_lock(folder / "study"):
                raise AssertionError("two hold one study")
        except Exception as error:
            assert f"process {os.getpid()}" in str(error)  # noqa: PT017
    session = json.loads((folder / "live" / "session.json").read_text())
    assert session["frames"] > 0
    print("done")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
