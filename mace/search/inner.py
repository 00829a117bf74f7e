"""Training on inner folds step by step: so many epochs, a look, and on with those that stay."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Int

from mace.data.motion_set import MotionSet
from mace.evaluation.network import Network
from mace.prediction import predict_clips
from mace.protocols.folds import Fold
from mace.training.config import TrainConfig
from mace.training.hyper import group_by_shape
from mace.training.member import Member
from mace.training.population import Population


@dataclass(frozen=True, eq=False, kw_only=True)
class InnerRun:
    """One training: the clips to learn from and those to predict, as positions in the set."""

    config: TrainConfig
    train_index: Int[np.ndarray, " m"]
    test_index: Int[np.ndarray, " v"]
    seed: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Look:
    """A training after some epochs.

    Attributes:
        prediction: classes of the clips to predict; None if the training diverged.
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
    return Populations(motion_set, runs)


class Populations:
    """All runs whose settings differ in numbers alone are one population, in one program."""

    def __init__(self, motion_set: MotionSet, runs: Sequence[InnerRun]) -> None:
        self._motion_set, self._runs = motion_set, list(runs)
        self._populations: list[Population] = []
        self._places: dict[int, tuple[int, int]] = {}
        for positions in group_by_shape([run.config for run in runs]):
            members = [_member(motion_set, runs[position]) for position in positions]
            for place, position in enumerate(positions):
                self._places[position] = len(self._populations), place
            self._populations.append(Population(motion_set, members))
        self._epochs = [0] * len(self._populations)

    def advance(self, position: int, epoch: int) -> Look:
        """Train on, and the whole population with it; see `InnerTraining`."""
        which, place = self._places[position]
        population, inner = self._populations[which], self._runs[position]
        if self._epochs[which] < epoch:
            population.advance(epoch)
            self._epochs[which] = epoch
        loss = tuple(round(float(row["loss"]), 4) for row in population.histories[place])
        fitted = population.fitted(place)
        if fitted is None:
            return Look(prediction=None, loss=loss, reason=population.reason(place))
        images = self._motion_set.inputs[inner.test_index]
        probabilities = predict_clips(fitted, images, pair_average=inner.config.pair_average)
        return Look(prediction=probabilities.argmax(axis=1), loss=loss)

    def drop(self, position: int) -> None:
        """Leave a training out of its population."""
        which, place = self._places[position]
        population = self._populations[which]
        population.keep(set(population.learning) - {place})


def _member(motion_set: MotionSet, inner: InnerRun) -> Member:
    # Split as an evaluation does where an epoch is to be chosen.
    fold = Fold("inner", inner.train_index, inner.test_index)
    network = Network(train=inner.config)
    train_index, validation_index = network.split(motion_set, fold, seed=inner.seed)
    return Member(
        config=inner.config,
        train_index=train_index,
        validation_index=validation_index,
        seed=inner.seed,
    )
