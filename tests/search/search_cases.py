"""A search whose settings cost nothing; child processes import it, so its name is unique."""

import dataclasses
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sqlalchemy
from optuna.distributions import FloatDistribution

from mace.augment.config import NO_AUGMENT
from mace.data.motion_set import MotionSet
from mace.errors import DataError
from mace.evaluation.methods.method import DataUse, FoldPredictions
from mace.models.config import ModelConfig
from mace.motion.config import MotionConfig
from mace.protocols.folds import Fold
from mace.search.config import SearchConfig, SearchPlan
from mace.search.nested import nested_cross_validation
from mace.search.objective import InnerRun
from mace.search.space import SearchSpace, choice
from mace.search.stored import read_study
from mace.training.config import OptimiserConfig, TrainConfig


@sqlalchemy.event.listens_for(sqlalchemy.Engine, "connect")
def do_not_wait_for_the_disk(connection, _):
    """Tests kill processes, not machines; those that they start wait like everybody."""
    if type(connection).__module__ == "sqlite3":
        connection.execute("PRAGMA synchronous=OFF")


TRAIN = TrainConfig(
    model=ModelConfig(
        arch="resnet", widths=(4,), depths=(1,), stem_stride=4, head="average", dropout=0.0
    ),
    optimiser=OptimiserConfig(learning_rate=1e-2),
    augment=NO_AUGMENT,
    epochs=2,
    batch_size=8,
)

LEARNING_RATE = "train.optimiser.learning_rate"
SPACE = SearchSpace(
    {
        LEARNING_RATE: FloatDistribution(1e-4, 1e-1, log=True),
        "train.mixup": FloatDistribution(0.0, 1.0),
        "train.loss.kind": choice(("cross_entropy", "focal")),
    },
    points={LEARNING_RATE: 4, "train.mixup": 3},
)
BEST = {LEARNING_RATE: 1e-2, "train.mixup": 0.3}


def make_set(*, subjects: int = 6, clips: int = 6, size: int = 28, seed: int = 0) -> MotionSet:
    """Return clips whose class is the direction of a uniform vertical flow."""
    rng = np.random.default_rng(seed)
    n = subjects * clips
    labels = (np.arange(n) % 3).astype(np.int32)
    inputs = rng.normal(scale=0.3, size=(n, 1, size, size, 3)).astype(np.float32)
    inputs[..., 1] += (labels - 1.0)[:, None, None, None].astype(np.float32)
    return MotionSet(
        inputs=inputs,
        labels=labels,
        groups=np.repeat(np.arange(subjects), clips).astype(np.int32),
        subjects=tuple(f"made/{i}" for i in range(subjects)),
        clips=tuple(f"made/{i // clips}/{i % clips}" for i in range(n)),
        classes=("down", "still", "up"),
        motion=MotionConfig(size=size),
    )


PLAN = {field.name for field in dataclasses.fields(SearchPlan)} - {"config"}


def make_plan(out: Path, **changes) -> SearchPlan:
    """Return a random search of a few settings, with changes of it or of its configuration."""
    settings = {"trials": 6, "groups": 2, "inner_folds": 2, "sampler": "random"}
    settings |= {name: value for name, value in changes.items() if name not in PLAN}
    own = {"train": TRAIN, "space": SPACE, "out": out, "command": "mace search"}
    own |= {name: value for name, value in changes.items() if name in PLAN}
    return SearchPlan(config=SearchConfig(**settings), **own)


class Pretended:
    """Predicts like a network that is the better, the nearer its settings are to `BEST`.

    It reads the labels it learns from and those it predicts, as a training and its score do:
    what it says changes if any of them does.
    """

    asked: list[InnerRun]

    def __init__(self, motion_set: MotionSet, runs: list[InnerRun]) -> None:
        self.set = motion_set
        type(self).asked = [*getattr(type(self), "asked", []), *runs]

    def advance(self, run: InnerRun, epoch: int) -> np.ndarray | str:
        config = run.config
        away = abs(np.log10(config.optimiser.learning_rate / BEST[LEARNING_RATE])) / 2
        away += abs(config.mixup - BEST["train.mixup"]) / 2
        away += 0.05 * (config.loss.kind == "focal")
        if config.optimiser.learning_rate > 0.09:
            return "the loss is not a number"
        labels = self.set.labels
        learnt = int(labels[run.fold.train_index] @ np.arange(run.fold.train_index.size))
        rng = np.random.default_rng([learnt, *run.fold.test_index])
        wrong = rng.random(run.fold.test_index.size) < min(away / 2 + 0.3 / epoch, 0.9)
        return np.where(wrong, (labels[run.fold.test_index] + 1) % 3, labels[run.fold.test_index])

    def drop(self, run: InnerRun) -> None:
        pass


@dataclass(frozen=True, kw_only=True)
class Guess:
    """Stands in for the network of the outer score: the truth, but for one clip of each fold."""

    train: TrainConfig

    def __call__(
        self, motion_set: MotionSet, fold: Fold, *, seed: int, explain: bool
    ) -> FoldPredictions:
        prediction = motion_set.labels[fold.test_index].copy()
        prediction[0] = (prediction[0] + 1) % 3
        return FoldPredictions(
            predicted=prediction,
            history={"loss": [self.train.optimiser.learning_rate, 0.5]},
            data_use=DataUse(fitted=fold.train_index, normalised=fold.train_index),
        )


def pretend(monkeypatch=None) -> None:
    """Have searches of this process train nothing, for a test or for good."""
    from mace.search import nested, objective

    Pretended.asked = []
    put = setattr if monkeypatch is None else monkeypatch.setattr
    put(objective, "InnerTraining", Pretended)
    put(nested, "Network", Guess)


def search(out, data=None, **changes):
    plan = make_plan(out, **changes)
    return nested_cross_validation(data or make_set(), plan, baselines=False)


def finished(out: Path) -> int:
    """Return how many outcomes there are."""
    try:
        return len(read_study(out).outcomes())
    except DataError:
        return 0


def proposed(result):
    return sorted((one.group, one.number, json.dumps(dict(one.setting))) for one in result.outcomes)


def choices(result):
    return {group: dict(one.setting) for group, one in result.chosen.items()}


def start_child(out: Path, sampler: str = "random", seconds: float = 0.02, *options: str):
    """Run `child_search.py` in a process of its own; options are `join` and `database=URL`."""
    script = Path(__file__).parent / "child_search.py"
    return subprocess.Popen(
        [sys.executable, str(script), str(out), sampler, str(seconds), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_for(out: Path, count: int) -> None:
    """Wait until so many outcomes are stored."""
    end = time.monotonic() + 300
    while finished(out) < count:
        assert time.monotonic() < end
        time.sleep(0.05)
