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

from mace.errors import ConfigError, DataError, TrainingError
from mace.search.executors.local import LocalExecutor
from mace.search.executors.protocol import Failure

CHILD = Path(__file__).parent / "child_executor.py"


def test_every_job_once_and_more_may_come_meanwhile():
    with LocalExecutor(double, {"offset": 1}, workers=2) as executor:
        assert executor.slots == 2
        for job in range(5):
            executor.submit(job)
        found = []
        for job, result in executor.results():
            found.append((job, result))
            if job < 5:
                executor.submit(job + 10)
        assert sorted(found) == [(job, 1 + 2 * job) for job in [*range(5), *range(10, 15)]]
        assert list(executor.results()) == []
        executor.submit(3)
        assert list(executor.results()) == [(3, 7)]


def test_each_worker_keeps_to_one_core():
    with LocalExecutor(core, None, workers=2) as executor:
        for job in range(6):
            executor.submit(job)
        found = {result for _, result in executor.results()}
    cores = {cores for _, cores in found}
    assert all(len(one) == 1 for one in cores)
    assert len(cores) == min(2, len(os.sched_getaffinity(0)))


def test_job_that_kills_is_given_up_and_others_are_done():
    with LocalExecutor(deadly, None, workers=2, retries=1) as executor:
        for job in ("one", "deadly", "two"):
            executor.submit(job)
        found = dict(executor.results())
    assert found.pop("deadly") == Failure(
        "deadly", "its worker died 2 times (ended by SIGKILL); it was given up"
    )
    assert found == {"one": "one", "two": "two"}


def test_error_of_the_work_is_raised_after_what_was_under_way():
    found = []
    with LocalExecutor(deadly, None, workers=2) as executor:
        for job in ("one", "wrong", *range(50)):
            executor.submit(job)
        results = executor.results()
        with pytest.raises(DataError, match="row 3 is damaged") as error:
            found.extend(job for job, _ in results)
    assert "in deadly" in error.value.__notes__[0]
    assert "one" in found
    assert len(found) < 10


def test_data_that_cannot_be_loaded_is_an_error_at_once():
    with LocalExecutor(double, Stubborn(), workers=2) as executor:
        executor.submit(1)
        with pytest.raises(TypeError):
            list(executor.results())


def test_workers_that_never_begin_are_an_error():
    with LocalExecutor(double, Deadly(), workers=2, retries=1) as executor:
        executor.submit(1)
        with pytest.raises(TrainingError, match=r"4 worker processes died .* \(exit code 7\)"):
            list(executor.results())


def test_fewer_than_one_worker_is_an_error():
    with pytest.raises(ConfigError, match="0 workers were asked for, expected 1 or more"):
        LocalExecutor(double, None, workers=0)


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
    with LocalExecutor(slow_double, shared, workers=4, retries=kills) as executor:
        for job in range(jobs):
            executor.submit(job)
        killer = threading.Thread(target=kill)
        killer.start()
        try:
            found = list(executor.results())
        finally:
            done.set()
            killer.join()
    assert len(killed) == kills
    assert sorted(found) == [(job, 2 * job) for job in range(jobs)]


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
