"""What a training run comes to: a trained network and how it got there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jaxtyping import PyTree

from mace.bundle import Bundle, Normalisation
from mace.models.config import ModelConfig
from mace.motion.config import MotionConfig
from mace.provenance import provenance
from mace.training.config import TrainConfig

type Row = dict[str, int | float]
"""The numbers of one epoch, by name."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitted:
    """A trained network with all that a prediction needs, on the host.

    Attributes:
        config: how it was trained.
        motion: the settings of its input.
        classes: their names.
        normalisation: of its input.
        variables: the network's parameters, and batch statistics where it has any.
        history: a row for each epoch: epoch (from 1), step, loss, accuracy, gradient_norm, and
            validation_uf1 where there are validation clips.
        chosen_epoch: the epoch of `variables`.
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


def make_bundle(fitted: Fitted, *, face: Mapping[str, Any], trained_on: tuple[str, ...]) -> Bundle:
    """Return the bundle of a trained network, with the provenance of this process."""
    return Bundle(
        model=fitted.model,
        motion=fitted.motion,
        face=face,
        classes=fitted.classes,
        normalisation=fitted.normalisation,
        variables=fitted.variables,
        flip_average=fitted.flip_average,
        trained_on=trained_on,
        provenance=provenance(),
    )
