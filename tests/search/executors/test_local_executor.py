import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from executor_work import Deadly, Stubborn, core, deadly, double, slow_double

from mace.errors import DataError, TrainingError, WorkerError
from mace.search.executors import local_pool

CHILD = Path(__file__).parent / "child_executor.py"


def run(executor, jobs):
    """Return the result of each job, or its error."""
    futures = {job: executor.submit(job) for job in jobs}
    return {job: future.exception() or future.result() for job, future in futures.items()}


def test_every_job_once_and_more_may_come_meanwhile():
    with local_pool(double, {"offset": 1}, workers=2) as executor:
        assert executor.slots == 2
        first = executor.submit(3)
        assert run(executor, range(5)) == {job: 1 + 2 * job for job in range(5)}
        assert first.result() == 7


def test_each_worker_keeps_to_one_core():
    with local_pool(core, None, workers=2) as executor:
        places = set(run(executor, range(6)).values())
    cores = {cores for _, cores in places}
    assert all(len(one) == 1 for one in cores)
    assert len(cores) == min(2, len(os.sched_getaffinity(0)))


def test_job_that_kills_is_given_up_and_others_are_done():
    with local_pool(deadly, None, workers=2, retries=1) as executor:
        results = run(executor, ("one", "deadly", "two"))
    error = results.pop("deadly")
    assert isinstance(error, WorkerError)
    assert str(error) == "its worker died 2 times (ended by SIGKILL); it was given up"
    assert results == {"one": "one", "two": "two"}


def test_an_error_of_the_work_is_that_of_the_job_and_says_where():
    with local_pool(deadly, None, workers=1) as executor:
        results = run(executor, ("wrong", "one"))
    error = results.pop("wrong")
    assert isinstance(error, DataError)
    assert str(error) == "row 3 is damaged"
    assert "in deadly" in error.__notes__[0]
    assert results == {"one": "one"}


def test_data_that_cannot_be_loaded_is_an_error_at_once():
    with local_pool(double, Stubborn(), workers=2) as executor:
        assert isinstance(run(executor, [1])[1], TypeError)


def test_workers_that_never_begin_are_an_error():
    with local_pool(double, Deadly(), workers=2, retries=1) as executor:
        error = run(executor, [1])[1]
    assert isinstance(error, TrainingError)
    assert "2 worker processes died before they could begin (exit code 7)" in str(error)


def test_what_is_under_way_ends_with_the_executor(tmp_path):
    started = time.monotonic()
    with local_pool(slow_double, {"folder": str(tmp_path), "seconds": 600}, workers=2) as executor:
        futures = [executor.submit(job) for job in range(4)]
        workers = until(lambda: busy_workers(tmp_path, 2))
    assert all(future.done() for future in futures)
    assert not any(map(alive, workers))
    assert time.monotonic() - started < 300


def killed_at_random(folder: Path, *, jobs: int, kills: int, seconds: float) -> None:
    """Run jobs on four workers of which some busy one is killed every now and then."""
    rng = random.Random(0)
    log, done = folder / "log", threading.Event()
    killed = []

    def kill() -> None:
        while len(killed) < kills and not done.wait(0.3):
            begun = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
            ended = {(job, pid) for what, job, pid in begun if what == "end"}
            busy = [
                int(pid)
                for what, job, pid in begun
                if what == "begin" and (job, pid) not in ended and int(pid) not in killed
            ]
            if busy:
                killed.append(rng.choice(busy))
                os.kill(killed[-1], signal.SIGKILL)

    shared = {"folder": str(folder), "seconds": seconds}
    # A job may be met by every kill there is and still be done.
    with local_pool(slow_double, shared, workers=4, retries=kills) as executor:
        killer = threading.Thread(target=kill)
        killer.start()
        try:
            results = run(executor, range(jobs))
        finally:
            done.set()
            killer.join()
    assert len(killed) == kills
    assert results == {job: 2 * job for job in range(jobs)}


def test_workers_killed_at_random_lose_nothing(tmp_path):
    killed_at_random(tmp_path, jobs=40, kills=4, seconds=0.2)


@pytest.mark.slow
def test_many_workers_killed_at_random_lose_nothing(tmp_path):
    killed_at_random(tmp_path, jobs=200, kills=25, seconds=0.3)


# On a machine that is busy with other tests, one interrupt in many is not heard for half a minute.
@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGKILL]
)
def test_no_worker_outlives_its_parent(tmp_path, number):
    command = [sys.executable, str(CHILD), str(tmp_path)]
    with (
        subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True) as parent,
        ending(parent),
    ):
        workers = until(lambda: busy_workers(tmp_path, 2))
        assert all(map(alive, workers))
        if number is signal.SIGINT:
            interrupt(parent)
        else:
            parent.kill()
        _, errors = parent.communicate(timeout=30)
    until(lambda: not any(map(alive, workers)))
    if number is signal.SIGINT:
        assert errors.decode().strip() == "interrupted"


def interrupt(process: subprocess.Popen) -> None:
    """Press Ctrl-C, which the terminal sends to the whole group, until it is heard.

    Python drops an interrupt that comes while it runs a finaliser; people press again.
    """
    for _ in range(3):
        os.killpg(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
            return


@contextmanager
def ending(process: subprocess.Popen) -> Iterator[None]:
    """Kill a process at the end, or a test that fails would wait for it."""
    try:
        yield
    finally:
        process.kill()


def busy_workers(folder: Path, count: int) -> list[int]:
    log = folder / "log"
    found = {int(line.split()[2]) for line in log.read_text().splitlines()} if log.exists() else ()
    return list(found) if len(found) >= count else []


def until(condition):
    deadline = time.monotonic() + 40
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return value


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
