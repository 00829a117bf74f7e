"""Training on inner folds step by step: so many epochs, a look, and on with those that stay."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Int

from mace.data import MotionSet
from mace.errors import TrainingError
from mace.protocols import inner_split
from mace.training import TrainConfig, predict_clips
from mace.training.run import Run
from mace.training.signals import StopRequest
from mace.training.source import ClipSource
from mace.training.state import make_fold

# Of the training clips, to choose the epoch on with `selection = "best"`; as an evaluation does.
VALIDATION = 0.2


@dataclass(frozen=True, eq=False, kw_only=True)
class InnerRun:
    """One training: the clips to learn from and those to answer for, as positions in the set."""

    config: TrainConfig
    train_index: Int[np.ndarray, " m"]
    test_index: Int[np.ndarray, " v"]
    seed: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Look:
    """A training after some epochs.

    Attributes:
        prediction: classes of the clips to answer for; None if the training diverged.
        loss: of the training clips, by epoch.
        reason: why it diverged.
    """

    prediction: Int[np.ndarray, " v"] | None
    loss: tuple[float, ...]
    reason: str = ""


class InnerTraining(Protocol):
    """Several trainings side by side, by their position in the list they began with."""

    def advance(self, position: int, epoch: int) -> Look:
        """Train on to `epoch` complete epochs, or the training's own last one, and look."""
        ...

    def drop(self, position: int) -> None:
        """Forget a training that has ended or is not to go on."""
        ...


def start_inner(motion_set: MotionSet, runs: Sequence[InnerRun]) -> InnerTraining:
    """Begin all runs of a job; the one place that decides how they are trained."""
    return OneByOne(motion_set, runs)


class OneByOne:
    """Each training by itself, in order."""

    def __init__(self, motion_set: MotionSet, runs: Sequence[InnerRun]) -> None:
        self._motion_set = motion_set
        self._inner = dict(enumerate(runs))
        self._runs: dict[int, Run] = {}

    def advance(self, position: int, epoch: int) -> Look:
        """Train on; see `InnerTraining`."""
        inner = self._inner[position]
        run = self._runs.get(position)
        if run is None:
            run = self._runs[position] = _begin(self._motion_set, inner)
        try:
            while run.epoch < epoch and not run.finished:
                run.train_epoch(StopRequest())
        except TrainingError as error:
            return Look(prediction=None, loss=_losses(run), reason=str(error))
        images = self._motion_set.inputs[inner.test_index]
        probabilities = predict_clips(run.result(), images, pair_average=inner.config.pair_average)
        return Look(prediction=probabilities.argmax(axis=1), loss=_losses(run))

    def drop(self, position: int) -> None:
        """Forget a training."""
        self._runs.pop(position, None)


def _begin(motion_set: MotionSet, inner: InnerRun) -> Run:
    train_index, validation_index = inner.train_index, None
    if inner.config.selection == "best":
        train_index, validation_index = inner_split(
            inner.train_index,
            motion_set.groups,
            motion_set.labels,
            fraction=VALIDATION,
            seed=inner.seed,
        )
    return Run(
        source=ClipSource(motion_set, config=inner.config, validation=validation_index),
        config=inner.config,
        fold=make_fold(motion_set, train_index, config=inner.config, seed=inner.seed),
    )


def _losses(run: Run) -> tuple[float, ...]:
    return tuple(round(float(row["loss"]), 4) for row in run.history)
