"""What a setting is worth: by inner folds of subjects whom the result is not tested on."""

import functools
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import jax
import numpy as np

from mace.bundle import Bundle, Normalisation
from mace.data.motion_set import MotionSet
from mace.inference import make_network
from mace.metrics import confusion_matrix, uf1
from mace.models.apply import init_model
from mace.models.config import ModelConfig
from mace.models.make import make_model
from mace.motion.config import MotionConfig
from mace.search.config import SearchConfig
from mace.search.folds import Group
from mace.search.inner import InnerRun, Look, start_inner
from mace.search.outcome import Candidate, InnerCurve, Outcome
from mace.search.setting import apply_setting
from mace.search.study import stop_early
from mace.training.config import TrainConfig

# The middle of so many runs; single ones are disturbed by whatever else the machine does.
RUNS = 60


@dataclass(frozen=True, eq=False, kw_only=True)
class Shared:
    """What all jobs of a search have in common; every worker gets it once.

    Attributes:
        motion_set: all clips.
        train: the recipe's training, which settings vary.
        epochs: the most that a setting may ask for.
        groups: the outer folds, by name.
        config: of the search.
        studies: name of each group's study.
        storage: where the studies are.
    """

    motion_set: MotionSet
    train: TrainConfig
    epochs: int
    groups: Mapping[str, Group]
    config: SearchConfig
    studies: Mapping[str, str]
    storage: str


def evaluate(shared: Shared, job: Sequence[Candidate]) -> list[Outcome]:
    """Train and judge some settings side by side; their outcomes in the same order.

    Nothing of a group's own subjects is read but their count: the trainings get positions of the
    group's inner folds only.

    Raises:
        DataError: if a fold cannot be made.
        ConfigError: for a setting that is none.
    """
    trials = [_Trial(shared, candidate) for candidate in job]
    training = start_inner(shared.motion_set, [run for trial in trials for run in trial.runs])
    first = 0
    for trial in trials:
        trial.positions = range(first, first + len(trial.runs))
        first += len(trial.runs)
    epochs = {trial.config.epochs for trial in trials} | set(shared.config.rungs(shared.epochs))
    for epoch in sorted(epochs):
        for trial in trials:
            if trial.status or epoch > trial.config.epochs:
                continue
            started = time.perf_counter()
            trial.look(epoch, [training.advance(position, epoch) for position in trial.positions])
            trial.seconds += time.perf_counter() - started
            if trial.status:
                for position in trial.positions:
                    training.drop(position)
    return [trial.outcome() for trial in trials]


class _Trial:
    """A candidate on its way."""

    def __init__(self, shared: Shared, candidate: Candidate) -> None:
        self.shared, self.candidate = shared, candidate
        self.config = apply_setting(shared.train, candidate.setting)
        self.runs = [
            InnerRun(
                config=self.config,
                train_index=fold.train_index,
                test_index=fold.test_index,
                seed=shared.config.seed,
            )
            for fold in shared.groups[candidate.group].folds
        ]
        self.positions: Sequence[int] = ()
        self.looks: Sequence[Look] = ()
        self.rungs: list[tuple[int, float]] = []
        self.by_fold: list[list[tuple[int, float]]] = [[] for _ in self.runs]
        self.confusion = np.zeros((0, 0), np.int64)
        self.status = ""
        self.seconds = 0.0
        self.stop: Callable[[float, int], bool] = lambda score, epoch: False
        if shared.config.prune != "none":
            self.stop = functools.partial(
                stop_early,
                shared.storage,
                shared.studies[candidate.group],
                candidate.trial,
                rule=shared.config,
                epochs=shared.epochs,
            )

    def look(self, epoch: int, looks: Sequence[Look]) -> None:
        self.looks = looks
        if any(look.prediction is None for look in looks):
            self.status = "diverged"
            return
        labels, classes = self.shared.motion_set.labels, len(self.shared.motion_set.classes)
        counts = []
        for run, look, curve in zip(self.runs, looks, self.by_fold, strict=True):
            assert look.prediction is not None
            counts.append(confusion_matrix(labels[run.test_index], look.prediction, classes))
            curve.append((epoch, round(float(uf1(counts[-1])), 4)))
        self.confusion = np.sum(counts, axis=0)
        score = float(uf1(self.confusion))
        self.rungs.append((epoch, score))
        if epoch >= self.config.epochs:
            self.status = "complete"
        elif self.stop(score, epoch):
            self.status = "pruned"

    def outcome(self) -> Outcome:
        diverged, data = self.status == "diverged", self.shared.motion_set
        latency = None
        if self.shared.config.latency and self.status == "complete":
            latency = latency_ms(
                self.config.model, data.motion, data.inputs.shape[2:], data.classes
            )
        return Outcome(
            group=self.candidate.group,
            number=self.candidate.number,
            setting=dict(self.candidate.setting),
            status=self.status,  # pyright: ignore[reportArgumentType]
            uf1=None if diverged else self.rungs[-1][1],
            epochs=self.rungs[-1][0] if self.rungs else 0,
            rungs=tuple(self.rungs),
            confusion=() if diverged else tuple(tuple(map(int, row)) for row in self.confusion),
            folds=tuple(
                InnerCurve(loss=look.loss, uf1=tuple(curve))
                for look, curve in zip(self.looks, self.by_fold, strict=True)
            ),
            latency_ms=latency,
            seconds=round(self.seconds, 3),
            reason=next((look.reason for look in self.looks if look.reason), ""),
            place=f"{platform.node()}:{os.getpid()}",
        )


@functools.lru_cache(maxsize=256)
def latency_ms(
    model: ModelConfig, motion: MotionConfig, shape: tuple[int, int, int], classes: tuple[str, ...]
) -> float:
    """Return the median milliseconds of a network for one input (h, w, c) on the processor.

    As `mace live` would run it. Its weights are drawn, not trained: they do not change the time.
    """
    with jax.default_device(jax.local_devices(backend="cpu")[0]):
        variables = init_model(make_model(model, len(classes)), jax.random.key(0), shape)
        network = make_network(
            Bundle(
                model=model,
                motion=motion,
                face={},
                classes=classes,
                normalisation=Normalisation(
                    kind="none", mean=(0.0,) * shape[2], std=(1.0,) * shape[2]
                ),
                variables=jax.device_get(variables),
                provenance={},
            )
        )
        picture = np.zeros((1, *shape), np.float32)
        durations = []
        for _ in range(RUNS):
            start = time.perf_counter()
            network(picture)
            durations.append(time.perf_counter() - start)
    return round(1e3 * float(np.median(durations)), 4)
