"""What a setting is worth: by inner folds of subjects whom the result is not tested on."""

import functools
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mace.data.motion_set import MotionSet
from mace.metrics import confusion_matrix, uf1
from mace.search.config import SearchConfig
from mace.search.groups import Group
from mace.search.inner import InnerRun, Look, start_inner
from mace.search.latency import latency_ms
from mace.search.pruning import stop_early
from mace.search.results import InnerCurve, Outcome
from mace.search.setting import apply_setting
from mace.search.space import Setting
from mace.search.storage import StorageAddress
from mace.training.config import TrainConfig


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A setting to evaluate: the proposal `number` for a group, and the name of its result."""

    group: str
    number: int
    key: str
    setting: Setting


@dataclass(frozen=True, kw_only=True)
class Job:
    """Settings that one worker trains side by side."""

    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Shared:
    """What all jobs of a search have in common; every worker gets it once.

    Attributes:
        motion_set: all clips.
        train: the recipe's training, which settings vary.
        epochs: the most that a setting may ask for.
        groups: the subjects that are tested together, by name.
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
    storage: StorageAddress


def evaluate(shared: Shared, job: Job) -> tuple[Outcome, ...]:
    """Train and judge the settings of a job, in its order.

    Nothing of a group's own subjects is read but their count: the trainings get positions of the
    group's inner folds only.

    Raises:
        DataError: if a fold cannot be made.
        ConfigError: for a setting that is none.
    """
    trials = [_Trial(shared, candidate) for candidate in job.candidates]
    training = start_inner(shared.motion_set, [run for trial in trials for run in trial.runs])
    first = 0
    for trial in trials:
        trial.positions = range(first, first + len(trial.runs))
        first += len(trial.runs)
    looks = {trial.config.epochs for trial in trials} | set(shared.config.rungs(shared.epochs))
    for epoch in sorted(looks):
        for trial in trials:
            if trial.ended or (epoch > trial.config.epochs):
                continue
            started = time.perf_counter()
            trial.look(epoch, [training.advance(position, epoch) for position in trial.positions])
            trial.seconds += time.perf_counter() - started
            if trial.ended:
                for position in trial.positions:
                    training.drop(position)
    return tuple(trial.outcome() for trial in trials)


class _Trial:
    """A candidate on its way."""

    def __init__(self, shared: Shared, candidate: Candidate) -> None:
        self.shared, self.candidate = shared, candidate
        self.config = apply_setting(shared.train, candidate.setting)
        self.group = shared.groups[candidate.group]
        self.runs = [
            InnerRun(
                config=self.config,
                train_index=fold.train_index,
                test_index=fold.test_index,
                seed=shared.config.seed,
            )
            for fold in self.group.folds
        ]
        self.positions: Sequence[int] = ()
        self.looks: Sequence[Look] = ()
        self.rungs: list[tuple[int, float]] = []
        self.by_fold: list[list[tuple[int, float]]] = [[] for _ in self.runs]
        self.confusion = np.zeros((0, 0), np.int64)
        self.status = ""
        self.seconds = 0.0
        stop: Callable[[float, int], bool] | None = None
        if shared.config.prune != "none":
            stop = functools.partial(
                stop_early,
                shared.storage,
                shared.studies[candidate.group],
                candidate.number,
                config=shared.config,
                epochs=shared.epochs,
            )
        self.stop = stop

    @property
    def ended(self) -> bool:
        return bool(self.status)

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
        elif self.stop is not None and self.stop(score, epoch):
            self.status = "pruned"

    def outcome(self) -> Outcome:
        reasons = [look.reason for look in self.looks if look.reason]
        diverged = self.status == "diverged"
        latency = None
        if self.shared.config.latency and self.status == "complete":
            data = self.shared.motion_set
            latency = latency_ms(
                self.config.model, data.motion, data.inputs.shape[2:], data.classes
            )
        return Outcome(
            key=self.candidate.key,
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
            finished=round(time.time(), 3),
            reason=reasons[0] if reasons else "",
            place=f"{socket.gethostname()}:{os.getpid()}",
        )
