"""Work in this process and in others: the same results, errors, and no process left behind."""

import os
import signal
import subprocess
import sys
import time
from operator import truediv

import pytest

from mace.errors import ConfigError, WorkerError
from mace.workers import parallel_map, workers_for

PARENT = """
import os, sys, time
from mace.workers import parallel_map

def work(seconds, _):
    print(os.getpid(), flush=True)
    time.sleep(seconds)

if __name__ == "__main__":
    list(parallel_map(work, [0], 600, workers=1))
"""


def test_worker_ends_when_its_parent_is_killed(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        os.kill(parent.pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while _alive(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(worker)


def test_a_script_that_every_process_would_begin_anew_is_told_how_to_begin(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(PARENT.replace('if __name__ == "__main__":', "if True:"))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert done.returncode
    assert 'work below if __name__ == "__main__":?' in done.stderr.splitlines()[-1]


def _die(_shared, _job):
    os.kill(os.getpid(), signal.SIGKILL)


def _surroundings(_shared, _job):
    cores = len(os.sched_getaffinity(0))
    return cores, os.environ["OPENBLAS_NUM_THREADS"], os.environ["JAX_PLATFORMS"]


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A process that nobody has waited for yet is a zombie, and as good as gone.
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.parametrize("workers", [0, 2])
def test_every_job_is_done_once(workers):
    done = dict(parallel_map(pow, [1, 2, 3], 2, workers=workers))
    assert done == {1: 2, 2: 4, 3: 8}


@pytest.mark.parametrize("workers", [0, 1])
def test_a_failing_job_comes_after_what_is_finished(workers):
    results = parallel_map(truediv, [1, 2, 0, 4], 8, workers=workers)
    assert sorted([next(results), next(results)]) == [(1, 8), (2, 4)]
    with pytest.raises(ZeroDivisionError):
        list(results)


def test_a_worker_that_dies_is_told():
    with pytest.raises(WorkerError, match="fewer --workers"):
        list(parallel_map(_die, [1], None, workers=1))


def test_workers_have_a_core_and_a_thread_each():
    before = dict(os.environ)
    seen = list(parallel_map(_surroundings, [0, 1], None, workers=1, own_core=True))
    for _, (cores, threads, platform) in seen:
        assert cores == 1
        assert threads == "1"
        assert platform == "cpu"
    assert dict(os.environ) == before


def test_how_many_workers_are_worth_starting():
    assert workers_for(10, 4) == 4
    assert workers_for(3, 4) == 3
    assert workers_for(10, 1) == workers_for(1, 4) == 0
    assert workers_for(10**6) in (0, os.cpu_count())
    with pytest.raises(ConfigError, match="-1 workers"):
        list(parallel_map(pow, [1], 2, workers=-1))
