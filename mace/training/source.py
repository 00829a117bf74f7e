"""Where a run's batches come from and how it is judged: a set of clips, or a stream without end."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from mace.data.motion_set import MotionSet
from mace.errors import ConfigError
from mace.metrics import confusion_matrix, uf1
from mace.motion.config import MotionConfig
from mace.prediction import predict_clips
from mace.training.config import TrainConfig
from mace.training.fitted import Fitted, Row
from mace.training.mixing import Mix, mixed_arrays, own_clips
from mace.training.program import Take, TrainingProgram, on_device, training_program


class Source(Protocol):
    """What a run learns from."""

    @property
    def motion(self) -> MotionConfig:
        """What the inputs are."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels."""
        ...

    @property
    def data(self) -> PyTree[Array]:
        """The arrays that batches are drawn from, on the device."""
        ...

    @property
    def example(self) -> Float[Array, "1 h w c"]:
        """One input."""
        ...

    def program(self, config: TrainConfig) -> TrainingProgram:
        """Return the compiled program that draws from `data` and learns."""
        ...

    def judge(self, fitted: Fitted) -> Row:
        """Return the scores of a network between two epochs, by name; `validation_uf1` counts."""
        ...


class ClipSource:
    """Clips of a set, their labels known; some of them may be for validation."""

    def __init__(
        self,
        motion_set: MotionSet,
        *,
        config: TrainConfig,
        validation: Int[np.ndarray, " v"] | None = None,
        mix: Mix | None = None,
    ) -> None:
        if config.model.units:
            raise ConfigError(
                f"action units ({', '.join(config.model.units)}) are learnt from rendered pairs "
                "alone (mace pretrain); leave out --recipe.train.model.units"
            )
        self.motion_set, self.validation = motion_set, validation
        self.motion, self.classes = motion_set.motion, motion_set.classes
        self.own = None if mix is None else own_clips(mix, config.batch_size)
        self.data = on_device(motion_set)
        if mix is not None:
            self.data = (*self.data[:2], *_mixed_on_device(mix, motion_set, config))

    @property
    def example(self) -> Float[Array, "1 h w c"]:
        """The annotated pair of the first clip."""
        return self.data[0][:1, 0]

    def program(self, config: TrainConfig) -> TrainingProgram:
        """Return the program, shared by all folds of a set."""
        return training_program(config, self.motion, len(self.classes), own=self.own)

    def judge(self, fitted: Fitted) -> Row:
        """Return the UF1 on the validation clips, if there are any."""
        if self.validation is None:
            return {}
        inputs = self.motion_set.inputs[self.validation]
        probabilities = predict_clips(fitted, inputs, pair_average=fitted.config.pair_average)
        truth = self.motion_set.labels[self.validation]
        counts = confusion_matrix(truth, probabilities.argmax(axis=-1), len(self.classes))
        return {"validation_uf1": float(uf1(counts))}


@dataclass(frozen=True, kw_only=True, eq=False)
class Stream:
    """Batches made as they are needed.

    Attributes:
        take: `(data, fold, step) -> batch`, pure JAX; equal for equal programs.
        data: what `take` draws from, on the device.
        example: one input.
        motion: what the inputs are.
        classes: names of the labels.
        fingerprint: names the content of `data`.
        score: of a network between two epochs, by name; None for none.
    """

    take: Take
    data: PyTree[Any]
    example: Float[Array, "1 h w c"]
    motion: MotionConfig
    classes: tuple[str, ...]
    fingerprint: str
    score: Callable[[Fitted], Row] | None = None

    def program(self, config: TrainConfig) -> TrainingProgram:
        """Return the program that makes batches and learns from them."""
        return training_program(config, self.motion, len(self.classes), take=self.take)

    def judge(self, fitted: Fitted) -> Row:
        """Return what `score` says."""
        return {} if self.score is None else self.score(fitted)


@functools.lru_cache(maxsize=1)
def _mixed_on_device(
    mix: Mix, motion_set: MotionSet, config: TrainConfig
) -> tuple[jax.Array, jax.Array]:
    return jax.device_put(mixed_arrays(mix, motion_set, config), jax.local_devices()[0])
