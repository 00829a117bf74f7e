"""What changes from step to step, and what a fold fixes for all its steps; both are arrays only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import jax
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PyTree, UInt32

from mace.data.motion_set import MotionSet
from mace.errors import ConfigError
from mace.training.config import TrainConfig

# Streams of random numbers derived from the run's seed; a new one goes to the end.
INIT, ORDER, VARIANT, MIXUP, AUGMENT, DROPOUT, MIX, MIX_VARIANT, PAIRS = range(9)

# As long as the set itself is there: all its folds ask for them.
_MOMENTS: WeakKeyDictionary[MotionSet, np.ndarray] = WeakKeyDictionary()


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class FoldArrays:
    """A training run's split and seed as arrays, so that every fold runs the same program.

    Attributes:
        seed: of everything random.
        member: 1 for the training clips and 0 for all others.
        size: number of the training clips.
        steps_per_epoch: number of steps.
        total_steps: number of steps of all epochs.
        class_counts: number of the training clips in each class.
        mean: of each channel of the training clips.
        std: deviation of each channel of the training clips; 1 where a channel is constant.
    """

    seed: UInt32[Array | np.ndarray, "..."]
    member: Float[Array | np.ndarray, "... n"]
    size: Int[Array | np.ndarray, "..."]
    steps_per_epoch: Int[Array | np.ndarray, "..."]
    total_steps: Int[Array | np.ndarray, "..."]
    class_counts: Float[Array | np.ndarray, "... k"]
    mean: Float[Array | np.ndarray, "... c"]
    std: Float[Array | np.ndarray, "... c"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class TrainState:
    """Everything a step reads and writes.

    Attributes:
        step: number of steps done.
        params: the network's parameters.
        batch_stats: its batch statistics; empty where it has none.
        opt_state: of the optimiser.
        ema: running mean of the parameters; None without one.
    """

    step: Int[Array, ""]
    params: PyTree[Array]
    batch_stats: PyTree[Array]
    opt_state: optax.OptState
    ema: PyTree[Array] | None


def make_fold(
    motion_set: MotionSet,
    train_index: Int[np.ndarray, " m"],
    *,
    config: TrainConfig,
    seed: int,
    own: int | None = None,
) -> FoldArrays:
    """Return the arrays of a fold; the statistics come from all variants of the training clips.

    An epoch has as many steps as pass through all of them, `own` (all by default) in each batch.

    Raises:
        ConfigError: for a seed that is no 32-bit number.
    """
    if not 0 <= seed < 2**32:
        raise ConfigError(f"the seed of a training is {seed}, expected 0 to {2**32 - 1}")
    member = np.zeros(len(motion_set), np.float32)
    member[train_index] = 1.0
    size = int(member.sum())
    steps_per_epoch = -(-size // (own or config.batch_size))
    mean, std = channel_statistics(motion_set, np.flatnonzero(member))
    labels = motion_set.labels[member > 0]
    counts = np.bincount(labels, minlength=len(motion_set.classes)).astype(np.float32)
    return FoldArrays(
        seed=np.asarray(seed, np.uint32),
        member=member,
        size=np.asarray(size, np.int32),
        steps_per_epoch=np.asarray(steps_per_epoch, np.int32),
        total_steps=np.asarray(steps_per_epoch * config.epochs, np.int32),
        class_counts=counts,
        mean=mean,
        std=std,
    )


def channel_statistics(
    motion_set: MotionSet, index: Int[np.ndarray, " m"]
) -> tuple[Float[np.ndarray, " c"], Float[np.ndarray, " c"]]:
    """Return mean and deviation of each channel over some clips; 1 for a constant channel's."""
    moments = clip_moments(motion_set)[index].mean(axis=0)
    mean = moments[0]
    std = np.sqrt(np.maximum(moments[1] - mean**2, 0.0))
    return mean.astype(np.float32), np.where(std > 1e-8, std, 1.0).astype(np.float32)


def clip_moments(motion_set: MotionSet) -> Float[np.ndarray, "n 2 c"]:
    """Return the mean of each clip's channels and of their squares, float64, for all folds."""
    if motion_set in _MOMENTS:
        return _MOMENTS[motion_set]
    moments = np.empty((len(motion_set), 2, motion_set.inputs.shape[-1]))
    for clip, pixels in enumerate(motion_set.inputs):
        flat = pixels.reshape(-1, pixels.shape[-1]).astype(np.float64)
        moments[clip] = flat.mean(axis=0), np.square(flat).mean(axis=0)
    return _MOMENTS.setdefault(motion_set, moments)


def stream_key(seed: UInt32[Array | np.ndarray, ""], stream: int, count: Int[Array, ""]) -> Array:
    """Return the key of draw `count` of a stream: nothing random needs storing but the seed."""
    return jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), stream), count)


def trained_variables(state: TrainState) -> dict[str, Any]:
    """Return the variables to predict with: the parameters' running mean where there is one."""
    params = state.params if state.ema is None else state.ema
    batch_stats: Mapping[str, Any] = state.batch_stats
    return {"params": params, **({"batch_stats": batch_stats} if batch_stats else {})}
