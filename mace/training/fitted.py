"""What a training run comes to: a trained network and how it got there."""

from dataclasses import dataclass
from typing import Any

from jaxtyping import PyTree

from mace.models import ModelConfig
from mace.motion import MotionConfig
from mace.training.config import TrainConfig
from mace.training.normalise import Normalisation

type Row = dict[str, int | float]
"""The numbers of one epoch, by name."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitted:
    """A trained network with all that a prediction needs, on the host.

    `history` has a row for each epoch: epoch (from 1), step, loss, accuracy, gradient_norm, and
    validation_uf1 where there are validation clips. `chosen_epoch` is the one of `variables`.
    """

    config: TrainConfig
    motion: MotionConfig
    classes: tuple[str, ...]
    normalisation: Normalisation
    variables: PyTree[Any]
    history: tuple[Row, ...]
    chosen_epoch: int

    @property
    def model(self) -> ModelConfig:
        """The network's configuration."""
        return self.config.model

    @property
    def flip_average(self) -> bool:
        """Whether predictions are averaged with those of the mirror image."""
        return self.config.flip_average
