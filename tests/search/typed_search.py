"""`mace search` as a user types it, in a process of its own that may be killed; no test of its own.

200 settings of a small STSTNet on 31 drawn flow images of four people.
"""

import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from optuna.trial import TrialState

sys.path.insert(0, str(Path(__file__).parents[1] / "datasets"))
from trees.megc2019_flow_tree import composite, make_tree

from mace.cli import main
from mace.errors import DataError
from mace.search.stored import StoredStudy, read_study
from mace.search.study import Outcome

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
    *("--recipe.train.epochs", "6", "--recipe.train.batch-size", "8"),
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

    def read(self) -> StoredStudy:
        """Return what the storage holds."""
        return read_study(self.out)

    @property
    def done(self) -> int:
        """How many outcomes there are."""
        try:
            return len(self.read().outcomes())
        except DataError:
            return 0

    def outcomes(self) -> dict[tuple[str, int], Outcome]:
        """Return every outcome by group and number, without what depends on the machine."""
        return {
            (one.group, one.number): dataclasses.replace(one, place="")
            for one in self.read().outcomes()
        }

    def places(self) -> set[str]:
        """Return the workers that have had an outcome."""
        return {one.place for one in self.read().outcomes()}

    def chosen(self) -> dict[str, Any]:
        """Return the setting chosen for each group."""
        return self.read().looks[-1]["settings"]

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
    outcomes = disturbed.outcomes()
    assert len(outcomes) == TRIALS * len(GROUPS)
    assert outcomes == undisturbed.outcomes()
    for study in disturbed.read().studies.values():
        states = [trial.state for trial in study.get_trials()]
        # What failed was what a process that died was at; Optuna has queued each again.
        assert set(states) <= {TrialState.COMPLETE, TrialState.FAIL}
        assert states.count(TrialState.COMPLETE) == TRIALS
    assert disturbed.chosen() == undisturbed.chosen()
    assert disturbed.predictions() == undisturbed.predictions()
