"""Everything of a search is killed; `pytest -m slow tests/search/test_search_killed.py`."""

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest
from typed_search import GROUPS, TRIALS, TypedSearch, assert_same

WORKER_KILLS, SEARCH_KILLS = 12, 2


def workers_of(parent: int) -> list[int]:
    """Return the worker processes of a process; Python's own helpers are none."""
    workers = []
    with suppress(OSError):
        # Each has a thread of its own there that has started it.
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            for child in children.read_text().split():
                if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                    workers.append(int(child))
    return workers


def kill(search: TypedSearch) -> None:
    assert search.process is not None
    search.process.kill()
    assert search.process.wait() == -signal.SIGKILL


def kill_a_worker(search: TypedSearch, chance: random.Random) -> None:
    assert search.process is not None
    number = search.process.pid
    workers = search.wait_until(lambda: workers_of(number))
    with suppress(ProcessLookupError):
        os.kill(chance.choice(workers), signal.SIGKILL)


@pytest.mark.slow
def test_search_of_200_settings_killed_again_and_again(home, undisturbed):
    chance = random.Random(1)
    # So many results are in when something is killed, and a moment more.
    kinds = ["worker"] * WORKER_KILLS + ["search"] * SEARCH_KILLS
    marks = sorted(chance.sample(range(int(0.7 * TRIALS * len(GROUPS))), len(kinds)))
    chance.shuffle(kinds)
    with TypedSearch(home, "killed", "--engine.workers", "4") as search:
        search.start()
        time.sleep(chance.uniform(0.5, 8.0))
        kill(search)
        search.start()
        for mark, kind in zip(marks, kinds, strict=True):
            search.wait_until(lambda mark=mark: search.done >= mark)
            time.sleep(chance.uniform(0.0, 2.0))
            if kind == "search":
                kill(search)
                search.start()
            else:
                kill_a_worker(search, chance)
        search.wait_until((search.out / "outer" / "config.json").exists)
        time.sleep(chance.uniform(0.0, 2.0))
        kill(search)
        search.start()
        search.finish(1800)
    assert_same(search, undisturbed)
