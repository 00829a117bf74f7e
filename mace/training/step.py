"""One training step, a pure function of state and batch that knows no device, file or clock."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jaxtyping import Array, Float, Int, PyTree

from mace.augment.image import augment
from mace.config import switched_on
from mace.losses.schemes import make_loss
from mace.losses.units import unit_loss
from mace.models.apply import apply_train
from mace.motion.config import MotionConfig
from mace.prediction import normalise
from mace.training.config import FineTuneConfig, TrainConfig
from mace.training.fine_tune import choose, frozen_leaves, pull
from mace.training.optimiser import learning_rate, make_optimiser
from mace.training.sampling import Batch
from mace.training.state import AUGMENT, DROPOUT, FoldArrays, TrainState, stream_key

# A sum and the number of summands: exact over devices and steps, divided only for people.
type Metrics = dict[str, tuple[Float[Array, ""], Float[Array, ""]]]
# Sums of the metrics since the start of an epoch, and the first step whose loss was no number
# (-1 if none); they stay on the device, so that the host waits once an epoch, not once a step.
type Totals = dict[str, Any]
# State, fold, variables of a pre-trained network (or None) and batch to the next state.
type TrainStep = Callable[[TrainState, FoldArrays, Any, Batch], tuple[TrainState, Metrics]]

METRICS = ("loss", "accuracy", "gradient_norm")


def make_train_step(
    *, model: Any, config: TrainConfig, motion: MotionConfig, axis_name: str | None = None
) -> TrainStep:
    """Return `step(state, fold, start, batch) -> (state, metrics)`: augment, normalise, descend.

    Where there is a start, `config.fine_tune` says what of it stays and what is pulled back.

    Args:
        model: the network.
        config: the run; its numbers may be arguments of the program that is being made.
        motion: says what the channels mean, for augmentation.
        axis_name: the device axis to average gradients over; None on one device. The shards of a
            batch must be equally large. Each device draws its own dropout masks.
    """
    optimiser = make_optimiser(config.optimiser)

    def prepare(state: TrainState, fold: FoldArrays, batch: Batch) -> Float[Array, "b h w c"]:
        # A key by place in the whole batch: the result does not depend on the number of devices.
        key = stream_key(fold.seed, AUGMENT, state.step)
        keys = jax.vmap(partial(jax.random.fold_in, key))(batch.place)
        change = partial(augment, config=config.augment, motion=motion, noise_scale=fold.std)
        images = jax.vmap(change)(batch.images, keys)
        return normalise(images, fold.mean, fold.std, kind=config.normalise)

    def step(
        state: TrainState, fold: FoldArrays, start: PyTree[Any], batch: Batch
    ) -> tuple[TrainState, Metrics]:
        images = prepare(state, fold, batch)
        held_back = _HeldBack(state, start, config.fine_tune)
        loss = make_loss(config.loss, fold.class_counts)
        device = lax.axis_index(axis_name) if axis_name else 0
        key = jax.random.fold_in(stream_key(fold.seed, DROPOUT, state.step), device)

        def objective(params: PyTree[Array]) -> tuple[Float[Array, ""], tuple[Array, Any]]:
            params = held_back.stopped(params)
            variables = {"params": params}
            if state.batch_stats:
                variables["batch_stats"] = state.batch_stats
            logits, out, batch_stats = apply_train(
                model, variables, images, key, axis_name=axis_name
            )
            logits = logits.astype(jnp.float32)
            losses = loss(logits, batch.targets)
            if batch.units is not None and switched_on(config.unit_weight):
                losses = losses + config.unit_weight * unit_loss(out["units"], batch.units)
            return losses.mean(), (logits, batch_stats)

        (value, (logits, batch_stats)), gradient = jax.value_and_grad(objective, has_aux=True)(
            state.params
        )
        if axis_name:
            gradient, batch_stats = lax.pmean((gradient, batch_stats), axis_name)
        rate = learning_rate(state.step, fold.total_steps, config=config.optimiser)
        # Optax raises a Python float to an int32 power, which strict promotion refuses.
        with jax.numpy_dtype_promotion("standard"):
            direction, opt_state = optimiser.update(gradient, state.opt_state, state.params)
        params = jax.tree.map(lambda p, d: p - rate * d, state.params, direction)
        params, batch_stats = held_back.after(params, batch_stats, rate)
        metrics = _metrics(value, logits, batch.targets, optax.tree.norm(gradient))
        if axis_name:
            metrics = lax.psum(metrics, axis_name)
        new = replace(
            state,
            step=state.step + 1,
            params=params,
            batch_stats=batch_stats,
            opt_state=opt_state,
            ema=held_back.running(_running_mean(state, params, decay=config.ema), params),
        )
        return new, metrics

    return step


def zero_totals(*members: int) -> Totals:
    """Return the totals at the start of an epoch, of one member or of some."""
    return {
        "sums": {
            name: (np.zeros(members, np.float32), np.zeros(members, np.float32)) for name in METRICS
        },
        "bad_step": np.full(members, -1, np.int32),
    }


def add_metrics(totals: Totals, metrics: Metrics, step: Int[Array, ""]) -> Totals:
    """Return `totals` with the metrics of one more step."""
    sums = jax.tree.map(jnp.add, totals["sums"], metrics)
    finite = jnp.isfinite(metrics["loss"][0] + metrics["gradient_norm"][0])
    first = (totals["bad_step"] < 0) & ~finite
    return {"sums": sums, "bad_step": jnp.where(first, step, totals["bad_step"])}


class _HeldBack:
    """What of a state stays near its start or as it is; nothing where there is no start."""

    def __init__(self, state: TrainState, start: PyTree[Any], config: FineTuneConfig) -> None:
        self.state, self.start, self.config = state, start, config
        self.frozen = None
        if self.start is not None and config.freeze != "none":
            self.frozen = frozen_leaves(state.params, self.start["params"], freeze=config.freeze)

    def stopped(self, params: PyTree[Array]) -> PyTree[Array]:
        # Without a gradient they neither cost time nor count in the norm that is clipped.
        if self.frozen is None:
            return params
        return choose(self.frozen, jax.tree.map(lax.stop_gradient, params), params)

    def after(
        self, params: PyTree[Array], batch_stats: Any, rate: Float[Array, ""]
    ) -> tuple[PyTree[Array], Any]:
        if self.start is not None and switched_on(self.config.anchor):
            params = pull(params, self.start["params"], rate * self.config.anchor)
        if self.start is not None and self.frozen is not None:
            params = choose(self.frozen, self.state.params, params)
            if batch_stats:
                still = frozen_leaves(
                    batch_stats, self.start["batch_stats"], freeze=self.config.freeze
                )
                batch_stats = choose(still, self.state.batch_stats, batch_stats)
        return params, batch_stats

    def running(self, mean: PyTree[Array] | None, params: PyTree[Array]) -> PyTree[Array] | None:
        # The mean of equal numbers is not always that number, to the last bit.
        return mean if mean is None or self.frozen is None else choose(self.frozen, params, mean)


def _metrics(
    loss: Float[Array, ""],
    logits: Float[Array, "b k"],
    targets: Float[Array, "b k"],
    gradient_norm: Float[Array, ""],
) -> Metrics:
    hits = (logits.argmax(axis=-1) == targets.argmax(axis=-1)).astype(jnp.float32)
    count = jnp.asarray(hits.size, jnp.float32)
    single = jnp.ones((), jnp.float32)
    return {
        "loss": (loss * count, count),
        "accuracy": (hits.sum(), count),
        "gradient_norm": (gradient_norm, single),
    }


def _running_mean(
    state: TrainState, params: PyTree[Array], *, decay: float
) -> PyTree[Array] | None:
    if state.ema is None:
        return None
    # Early on a shorter memory, or the random start would stay in the mean for long.
    steps = (state.step + 1).astype(jnp.float32)
    share = jnp.minimum(decay, steps / (9.0 + steps))
    return jax.tree.map(lambda old, new: share * old + (1 - share) * new, state.ema, params)
