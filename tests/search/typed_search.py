"""`mace search` as a user types it, in a process of its own that may be killed; no test of its own.

200 settings of a small STSTNet on 31 drawn flow images of four people.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import optuna
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

sys.path.insert(0, str(Path(__file__).parents[1] / "datasets"))
from trees.megc2019_flow_tree import composite, make_tree

from mace.cli import main

PEOPLE = ("sub06", "sub12", "s01", "s14")
GROUPS = ("1", "2")
TRIALS = 100
SPACE = """
[space]
"train.optimiser.learning_rate" = { uniform = [1e-4, 3e-2], log = true }
"train.optimiser.weight_decay" = { uniform = [1e-3, 0.3], log = true }
"train.mixup" = { choice = [0.0, 0.2] }
"""
SMALL = (
    *("--recipe.train.model.arch", "ststnet", "--recipe.train.model.norm", "none"),
    *("--recipe.train.model.widths", "3", "5", "8", "--recipe.train.model.depths", "1", "1", "1"),
    *("--recipe.train.epochs", "30", "--recipe.train.batch-size", "8"),
)


class TypedSearch:
    """A command, its study's folder, and the process that was started last."""

    def __init__(self, home: Path, name: str, *options: str, trials: int = TRIALS) -> None:
        self.out = home / name
        self.log = home / f"{name}.txt"
        self.command = [
            *(str(Path(sys.executable).with_name("mace")), "search"),
            *("--dataset", "megc2019_flow", "--data-dir", str(home / "data")),
            *("--out", str(self.out), "--space", str(home / "space.toml")),
            *("--sampler", "random", "--trials", str(trials), "--groups", str(len(GROUPS))),
            *("--inner-folds", "2", "--no-baselines", "--json", *SMALL, *options),
        ]
        # Programs are compiled once for all searches of a test, and found in no one's cache.
        self._environment = os.environ | {"XDG_CACHE_HOME": str(home / "cache")}
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def start(self) -> subprocess.Popen[bytes]:
        """Type the command; what it says goes to the log."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self._environment, stdout=log, stderr=log
            )
        return self.process

    def finish(self, seconds: float) -> None:
        """Wait for the command to end by itself."""
        assert self.process is not None
        assert self.process.wait(seconds) == 0, self.log.read_text()

    def wait_until[T](self, condition: Callable[[], T], seconds: float = 1800) -> T:
        """Return what comes true while the command is at work."""
        assert self.process is not None
        end = time.monotonic() + seconds
        while not (found := condition()):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.05)
        return found

    @property
    def done(self) -> int:
        """How many results there are."""
        path = self.out / "results.jsonl"
        return path.read_bytes().count(b"\n") if path.exists() else 0

    def results(self) -> dict[str, dict[str, Any]]:
        """Return every result by its name, without time and place; each name has one line."""
        found: dict[str, dict[str, Any]] = {}
        for line in (self.out / "results.jsonl").read_text().splitlines():
            result = json.loads(line)
            assert result["key"] not in found
            found[result["key"]] = {
                name: value
                for name, value in result.items()
                if name not in ("seconds", "finished", "place")
            }
        return found

    def places(self) -> set[str]:
        """Return the workers that have had a result."""
        lines = (self.out / "results.jsonl").read_text().splitlines()
        return {json.loads(line)["place"] for line in lines}

    def trials(self) -> dict[str, list[tuple[int, TrialState, dict[str, Any], float | None]]]:
        """Return number, state, parameters and value of every trial that Optuna knows."""
        journal = optuna.storages.JournalStorage(JournalFileBackend(str(self.out / "journal.log")))
        found = {}
        for group in GROUPS:
            study = optuna.load_study(study_name=f"{self.out.name}/{group}", storage=journal)
            trials = study.get_trials(deepcopy=False)
            found[group] = [(one.number, one.state, one.params, one.value) for one in trials]
        return found

    def chosen(self) -> dict[str, Any]:
        """Return the setting chosen for each group."""
        return json.loads((self.out / "chosen.json").read_text())["groups"]

    def predictions(self) -> str:
        """Return the predictions of the outer score."""
        return (self.out / "outer" / "predictions-seed0.log").read_text()


def prepare(home: Path) -> None:
    """Draw the pictures, prepare them, and write the space beside them."""
    make_tree(home / "raw", samples=[one for one in composite() if one.subject in PEOPLE])
    where = ["--manual-dir", str(home / "raw"), "--data-dir", str(home / "data")]
    assert main(["prepare", "megc2019_flow", *where]) == 0
    (home / "space.toml").write_text(SPACE)


def assert_same(disturbed: TypedSearch, undisturbed: TypedSearch) -> None:
    """Nothing is missing or there twice, and every number is that of the undisturbed search."""
    results = disturbed.results()
    assert len(results) == TRIALS * len(GROUPS)
    assert results == undisturbed.results()
    trials = disturbed.trials()
    for of_group in trials.values():
        assert [number for number, *_ in of_group] == list(range(TRIALS))
        assert {state for _, state, *_ in of_group} == {TrialState.COMPLETE}
    assert trials == undisturbed.trials()
    assert disturbed.chosen() == undisturbed.chosen()
    assert disturbed.predictions() == undisturbed.predictions()
