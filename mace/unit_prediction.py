"""Which action units a trained network sees, how strong and on which side."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from mace.bundle import Bundle, NormaliseKind
from mace.errors import ConfigError
from mace.losses.units import read_units
from mace.models.config import ModelConfig
from mace.motion.config import MotionConfig
from mace.prediction import (
    Adaptation,
    Trained,
    make_outputs,
    motion_deviation,
    program_settings,
    run,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class UnitPrediction:
    """What a network says about the action units of some inputs.

    Attributes:
        names: of the units, FACS numbers.
        presence: probability that a unit is there.
        px: largest displacement of the skin by it, if it is there, in the unit of the inputs' flow:
            px of the 128-px crop where MACE has measured it, nothing that means anything of images
            that others have stretched; NaN for a network that was trained on such images.
        side: 1 for the left half of the face alone (the person's own left), 0 for both alike, -1
            for the right.
        thresholds: from what probability on each unit is called.
    """

    names: tuple[str, ...]
    presence: Float[np.ndarray, "n a"]
    px: Float[np.ndarray, "n a"]
    side: Float[np.ndarray, "n a"]
    thresholds: Float[np.ndarray, " a"]

    @property
    def called(self) -> Bool[np.ndarray, "n a"]:
        """Which units are called: those whose probability is above their threshold."""
        return self.presence > self.thresholds


def unit_thresholds(trained: Trained) -> Float[np.ndarray, " a"]:
    """Return from what probability on each unit of a network is called."""
    fitted = trained.unit_thresholds if isinstance(trained, Bundle) else ()
    return np.asarray(fitted or [0.5] * len(trained.model.units), np.float32)


def predict_units(
    trained: Trained,
    inputs: Float[np.ndarray, "n h w c"],
    *,
    adaptation: Adaptation | None = None,
) -> UnitPrediction:
    """Return which action units the network sees in motion images, how strong and where.

    Raises:
        ConfigError: if the network has not learnt to name any.
    """
    names = trained.model.units
    if not names:
        raise ConfigError(
            "this network names no action units; use the pre-trained one, or one trained with "
            "rendered pairs (mace pretrain) or fine-tuned with --recipe.train.unit-weight"
        )
    program = unit_program(*program_settings(trained))
    outputs = run(program, trained, inputs, adaptation)
    presence, strength, side = np.moveaxis(outputs, -1, 0)
    stretched = trained.motion.flow == "images"
    return UnitPrediction(
        names=names,
        presence=presence,
        px=np.full_like(strength, np.nan) if stretched else strength,
        side=side,
        thresholds=unit_thresholds(trained),
    )


@functools.lru_cache(maxsize=8)
def unit_program(
    model: ModelConfig, motion: MotionConfig, classes: int, kind: NormaliseKind, flip_average: bool
) -> Callable[..., Float[Array, "b a 3"]]:
    """Return the jitted `(variables, inputs, mean, std[, adaptation]) -> presence, px, side`."""
    return jax.jit(make_unit_prediction(model, motion, classes, kind, flip_average))


def make_unit_prediction(
    model: ModelConfig, motion: MotionConfig, classes: int, kind: NormaliseKind, flip_average: bool
) -> Callable[..., Float[Array, "b a 3"]]:
    """Return what `unit_program` compiles."""

    def read(
        images: Float[Array, "b h w c"], logits: Float[Array, "b k"], out: Mapping[str, Array]
    ) -> Float[Array, "b a 3"]:
        return read_units(out["units"], motion_deviation(images))

    def unmirror(units: Float[Array, "b a 3"]) -> Float[Array, "b a 3"]:
        return units * jnp.asarray([1.0, 1.0, -1.0])

    return make_outputs(model, motion, classes, kind, flip_average, read=read, unmirror=unmirror)
