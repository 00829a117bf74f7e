"""The compiled programs of a run, made once for a configuration and shared by all its folds."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from mace.config import switched_on
from mace.data.motion_set import MotionSet
from mace.models.apply import init_model
from mace.models.make import make_model
from mace.motion.config import MotionConfig
from mace.training.config import TrainConfig
from mace.training.fine_tune import overlay
from mace.training.optimiser import make_optimiser
from mace.training.parallel import AXIS, data_parallel, split
from mace.training.sampling import Batch, draw
from mace.training.state import INIT, FoldArrays, TrainState, stream_key
from mace.training.step import Metrics, make_train_step

# Sums of the metrics since the start of an epoch, and the first step whose loss was no number
# (-1 if none); they stay on the device, so that the host waits once an epoch, not once a step.
type Totals = dict[str, Any]
# Inputs and labels of the set, and of the set that is mixed in, if there is one.
type Data = tuple[Array, Array] | tuple[Array, Array, Array, Array]

type Take = Callable[[Any, FoldArrays, Int[Array, ""]], Batch]

METRICS = ("loss", "accuracy", "gradient_norm")


def zero_totals() -> Totals:
    """Return the totals at the start of an epoch."""
    zero = np.zeros((), np.float32)
    return {"sums": {name: (zero, zero) for name in METRICS}, "bad_step": np.full((), -1, np.int32)}


def add_metrics(totals: Totals, metrics: Metrics, step: Int[Array, ""]) -> Totals:
    """Return `totals` with the metrics of one more step."""
    sums = jax.tree.map(jnp.add, totals["sums"], metrics)
    finite = jnp.isfinite(metrics["loss"][0] + metrics["gradient_norm"][0])
    first = (totals["bad_step"] < 0) & ~finite
    return {"sums": sums, "bad_step": jnp.where(first, step, totals["bad_step"])}


@functools.lru_cache(maxsize=1)
def on_device(motion_set: MotionSet) -> Data:
    """Return inputs and labels on the first device; the folds of a set share one copy."""
    return jax.device_put((motion_set.inputs, motion_set.labels), jax.local_devices()[0])


class TrainingProgram:
    """`init` makes a state, `advance` takes steps; get it from `training_program`.

    On one accelerator `advance` runs all steps it is asked for in one loop on the device. On a CPU
    it takes them one by one, since XLA runs the gradient of a convolution 7 to 30 times slower
    inside of a loop there (measured with JAX 0.12); several devices likewise go step by step.
    """

    def __init__(
        self,
        config: TrainConfig,
        motion: MotionConfig,
        classes: int,
        own: int | None = None,
        take: Take | None = None,
    ) -> None:
        self.model = make_model(config.model, classes)
        self.compiled: Callable[..., Any]
        self.loops = config.devices == 1 and jax.default_backend() != "cpu"
        self.init: Callable[[FoldArrays, Float[Array, "b h w c"]], TrainState] = jax.jit(
            functools.partial(initial_state, model=self.model, config=config)
        )

        def take_clips(data: Data, fold: FoldArrays, step: Int[Array, ""]) -> Batch:
            return draw(
                *data[:2],
                fold,
                step,
                batch_size=config.batch_size,
                temporal=config.augment.temporal,
                mixup=config.mixup,
                mixed=data[2:] or None,
                own=own,
            )

        take = take or take_clips
        make_step = functools.partial(
            make_train_step, model=self.model, config=config, motion=motion
        )
        if config.devices == 1:
            step = make_step()

            def one(state: TrainState, totals: Totals, data: Data) -> tuple[TrainState, Totals]:
                batch = take(data, state.fold, state.step)
                new, metrics = step(state, batch)
                return new, add_metrics(totals, metrics, state.step)

            def many(
                state: TrainState, totals: Totals, data: Data, steps: Int[Array, ""]
            ) -> tuple[TrainState, Totals]:
                return lax.fori_loop(
                    0, steps, lambda _, carry: one(carry[0], carry[1], data), (state, totals)
                )

            self.compiled = jax.jit(many) if self.loops else jax.jit(one)
        else:
            self.compiled = data_parallel(make_step(axis_name=AXIS), devices=config.devices)
            self._take = jax.jit(take)
            self._add = jax.jit(add_metrics)
        self.devices = config.devices

    def place(self, tree: Any) -> Any:
        """Put a tree of arrays where `advance` expects it, or it would compile for a second place.

        Several devices take the tree from the host and spread it themselves.
        """
        if self.devices > 1:
            return jax.device_get(tree)
        return jax.device_put(tree, jax.local_devices()[0])

    def advance(
        self,
        state: TrainState,
        totals: Totals,
        data: Data,
        fold: FoldArrays,
        *,
        step: int,
        end: int,
    ) -> tuple[TrainState, Totals, int]:
        """Take one step or, where that is quicker, all from `step` to `end`.

        Args:
            state: at step `step`.
            totals: of the epoch so far.
            data: from `on_device`.
            fold: the state's own, on the first device alone.
            step: the host's count of steps.
            end: the first step of the next epoch.

        Returns:
            State, totals and the new count; the device may still be at work on them.
        """
        if self.loops:
            steps = np.int32(end - step)
            state, totals = self.compiled(state, totals, data, steps)
            return state, totals, end
        if self.devices == 1:
            state, totals = self.compiled(state, totals, data)
            return state, totals, step + 1
        batch = split(self._take(data, fold, np.int32(step)), devices=self.devices)
        state, metrics = self.compiled(state, batch)
        return state, self._add(totals, metrics, np.int32(step)), step + 1


def training_program(
    config: TrainConfig,
    motion: MotionConfig,
    classes: int,
    *,
    own: int | None = None,
    take: Take | None = None,
) -> TrainingProgram:
    """Return the program of a configuration, the same one for all its folds, seeds and lengths.

    `own` is how many clips of a batch are the fold's own where others are mixed in; `take` draws
    batches in place of `draw`.
    """
    compiled_in = dataclasses.replace(
        config,
        epochs=1,
        selection="last",
        patience=None,
        flip_average=False,
        pair_average=False,
        checkpoint_every=1,
    )
    return _program(compiled_in, motion, classes, own, take)


@functools.lru_cache(maxsize=8)
def _program(
    config: TrainConfig,
    motion: MotionConfig,
    classes: int,
    own: int | None,
    take: Take | None,
) -> TrainingProgram:
    return TrainingProgram(config, motion, classes, own, take)


def initial_state(
    fold: FoldArrays, images: Float[Array, "b h w c"], *, model: Any, config: TrainConfig
) -> TrainState:
    """Return the state before the first step, for inputs like `images`."""
    step = jnp.zeros((), jnp.int32)
    variables = init_model(model, stream_key(fold.seed, INIT, step), images.shape)
    if fold.start is not None:
        variables = overlay(variables, fold.start)
    params = variables["params"]
    return TrainState(
        step=step,
        params=params,
        batch_stats=variables.get("batch_stats", {}),
        opt_state=make_optimiser(config.optimiser).init(params),
        ema=params if switched_on(config.ema) else None,
        fold=fold,
    )
