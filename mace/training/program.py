"""What a training computes: pure functions of one member, mapped over members and compiled.

`init` makes a state, `epoch` (or `step`, several times) advances it, `predict` asks its network.
Compiled, states, totals and members have the members as their first axis; `data`, `start`
(variables of a pre-trained network, or None) and counts have not.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from jaxtyping import Array, Bool, Float, Int, PyTree

from mace.config import switched_on
from mace.models.apply import init_model
from mace.models.make import make_model
from mace.motion.config import MotionConfig
from mace.prediction import make_prediction
from mace.training.compiling import Calls, CountedJit
from mace.training.config import TrainConfig
from mace.training.fine_tune import overlay
from mace.training.optimiser import make_optimiser
from mace.training.parallel import AXIS, data_parallel, split
from mace.training.plan import Plan
from mace.training.sampling import Batch, draw, epoch_order
from mace.training.state import INIT, FoldArrays, TrainState, stream_key, trained_variables
from mace.training.step import Totals, add_metrics, make_train_step

# Inputs, labels and units of the set, and of what is mixed in, if anything is; or a stream's.
type Data = Any
type Take = Callable[[Any, FoldArrays, Int[Array, ""]], Batch]
type _Carry = tuple[TrainState, Totals]

MEMBERS = "member"


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class MemberArrays:
    """What does not change about members.

    Attributes:
        fold: split and seed.
        numbers: leaves of the configurations.
        shape: the tree that they are leaves of; to flatten it at every step would take its time.
    """

    fold: FoldArrays
    numbers: list[Array]
    shape: Any = field(metadata={"static": True})

    @property
    def config(self) -> TrainConfig:
        """The configuration, whose numbers are arrays."""
        return jax.tree.unflatten(self.shape, self.numbers)


def member_arrays(fold: FoldArrays, config: TrainConfig) -> MemberArrays:
    """Return the arrays of members; `config` is from `hyper.stacked`, or that of one member."""
    numbers, shape = jax.tree.flatten(config)
    return MemberArrays(fold=fold, numbers=numbers, shape=shape)


def initial_state(
    member: MemberArrays, images: Float[Array, "b h w c"], start: PyTree[Any], *, model: Any
) -> TrainState:
    """Return the state of a member before its first step, for inputs like `images`."""
    step = jnp.zeros((), jnp.int32)
    variables = init_model(model, stream_key(member.fold.seed, INIT, step), images.shape)
    if start is not None:
        variables = overlay(variables, start)
    params = variables["params"]
    return TrainState(
        step=step,
        params=params,
        batch_stats=variables.get("batch_stats", {}),
        opt_state=make_optimiser(member.config.optimiser).init(params),
        ema=params if switched_on(member.config.ema) else None,
    )


class Program:
    """The compiled functions of a plan, for any configurations; get it from `training_program`."""

    def __init__(
        self, motion: MotionConfig, classes: int, plan: Plan, own: int | None, take: Take | None
    ) -> None:
        self.motion, self.classes, self.plan, self.own = motion, classes, plan, own
        self.take = take
        self.mesh = None
        if plan.devices > 1:
            self.mesh = jax.make_mesh(
                (plan.devices,),
                (MEMBERS,),
                axis_types=(AxisType.Auto,),
                devices=jax.local_devices()[: plan.devices],
            )
        # A lane keeps to its core, and so gives what a process of one core gives, bit for bit.
        alone = {"xla_cpu_multi_thread_eigen": False} if plan.lanes > 1 else None
        compiled = functools.partial(CountedJit, compiler_options=alone)
        self.init = compiled(self._mapped(self._init, 1, 2))
        self.order = compiled(self._mapped(self._order, 2, 0))
        # What goes in is not needed any more: half the memory.
        self.step = compiled(self._mapped(self._step, 5, 2), donate_argnums=(0, 1))
        self.epoch = compiled(self._mapped(self._epoch, 4, 2), donate_argnums=(0, 1))
        self.predict = compiled(self._mapped(self._predict, 3, 1))
        if plan.sharing > 1:
            self.batch = compiled(self._mapped(self._batch, 3, 1))
            self.shared_step = data_parallel(self._shared_step, devices=plan.sharing)

    def place(self, tree: PyTree[Any]) -> PyTree[Array]:
        """Put arrays with a member axis on the devices, each its own share."""
        return jax.device_put(tree, self._sharding(PartitionSpec(MEMBERS)))

    def spread(self, tree: PyTree[Any]) -> PyTree[Array]:
        """Put a copy of arrays without a member axis on every device."""
        return jax.device_put(tree, self.everywhere)

    @property
    def everywhere(self) -> Any:
        """Where `spread` puts arrays."""
        return self._sharding(PartitionSpec())

    def advance(
        self,
        states: TrainState,
        totals: Totals,
        members: MemberArrays,
        ends: Int[np.ndarray, " m"],
        data: Data,
        start: PyTree[Any],
        *,
        steps: int,
        stop: Callable[[], bool],
        call: Calls,
    ) -> tuple[TrainState, Totals, int]:
        """Take every member on to a step of its own; a loop on the device takes them all at once.

        Args:
            states: they are used up.
            totals: of the epoch so far; they are used up.
            members: of the same order.
            ends: the step of each member at which its epoch ends; 0 lets it wait.
            data: from `spread`.
            start: from `spread`.
            steps: to the end of the member that has the longest way; the others wait.
            stop: whether to leave, asked before every step.
            call: runs what is compiled.

        Returns:
            States, totals and how many of `steps` were taken; the device may still be at work.
        """
        place = self.place(ends)
        if self.plan.loop == "scan":
            states, totals = call(self.epoch, states, totals, members, place, data, start)
            return states, totals, steps
        order = call(self.order, states, members)
        if self.plan.sharing > 1:
            return self._advance_shared(states, totals, members, order, data, start, steps, stop)
        for taken in range(steps):
            if stop():
                return states, totals, taken
            states, totals = call(self.step, states, totals, members, place, order, data, start)
        return states, totals, steps

    def _advance_shared(
        self,
        states: TrainState,
        totals: Totals,
        members: MemberArrays,
        order: Array,
        data: Data,
        start: PyTree[Any],
        steps: int,
        stop: Callable[[], bool],
    ) -> tuple[TrainState, Totals, int]:
        # From the host, or all copies would have to come from the first device.
        carry = jax.device_get((states, totals, members, start))
        count, taken = carry[0].step, 0
        while taken < steps and not stop():
            batch = self.batch(self.place(count + np.int32(taken)), members, order, data)
            batch = jax.tree.map(lambda leaf: leaf[0], batch)
            carry = self.shared_step(carry, split(batch, devices=self.plan.sharing))
            taken += 1
        states, totals = self.place(jax.device_get(carry[:2]))
        return states, totals, taken

    def _sharding(self, spec: PartitionSpec) -> Any:
        return jax.local_devices()[0] if self.mesh is None else NamedSharding(self.mesh, spec)

    def _mapped(self, function: Callable[..., Any], mapped: int, whole: int) -> Callable[..., Any]:
        """Return a function of one member for all, who are dealt out to the devices."""
        if self.plan.kind == "vmap":
            each = jax.vmap(function, in_axes=(0,) * mapped + (None,) * whole)
        else:
            each = functools.partial(_alone, function, mapped)
        if self.mesh is None:
            return each
        specs = (PartitionSpec(MEMBERS),) * mapped + (PartitionSpec(),) * whole
        return jax.shard_map(
            each, mesh=self.mesh, in_specs=specs, out_specs=PartitionSpec(MEMBERS), check_vma=False
        )

    def _model(self, member: MemberArrays) -> Any:
        return make_model(member.config.model, self.classes, form=self.plan.convolutions)

    def _init(
        self, member: MemberArrays, example: Float[Array, "1 h w c"], start: PyTree[Any]
    ) -> TrainState:
        return initial_state(member, example, start, model=self._model(member))

    def _order(self, state: TrainState, member: MemberArrays) -> Int[Array, " n"]:
        return epoch_order(member.fold, state.step // member.fold.steps_per_epoch)

    def _draw(
        self, data: Data, member: MemberArrays, step: Int[Array, ""], order: Int[Array, " n"]
    ) -> Batch:
        inputs, labels, units, *mixed = data
        return draw(
            inputs,
            labels,
            member.fold,
            step,
            batch_size=member.config.batch_size,
            temporal=member.config.augment.temporal,
            mixup=member.config.mixup,
            units=units,
            mixed=(mixed[0], mixed[1], mixed[2]) if mixed else None,
            own=self.own,
            order=order,
        )

    def _batch(
        self, step: Int[Array, ""], member: MemberArrays, order: Int[Array, " n"], data: Data
    ) -> Batch:
        if self.take is None:
            return self._draw(data, member, step, order)
        return self.take(data, member.fold, step)

    def _learn(
        self,
        state: TrainState,
        totals: Totals,
        member: MemberArrays,
        order: Int[Array, " n"],
        data: Data,
        start: PyTree[Any],
    ) -> _Carry:
        step = make_train_step(model=self._model(member), config=member.config, motion=self.motion)
        batch = self._batch(state.step, member, order, data)
        new, metrics = step(state, member.fold, start, batch)
        return new, add_metrics(totals, metrics, state.step)

    def _step(
        self,
        state: TrainState,
        totals: Totals,
        member: MemberArrays,
        end: Int[Array, ""],
        order: Int[Array, " n"],
        data: Data,
        start: PyTree[Any],
    ) -> _Carry:
        after = self._learn(state, totals, member, order, data, start)
        if self.plan.together == 1:  # there is nobody to wait for
            return after
        learns = _goes_on(state, totals, end)
        return jax.tree.map(lambda a, b: jnp.where(learns, a, b), after, (state, totals))

    def _epoch(
        self,
        state: TrainState,
        totals: Totals,
        member: MemberArrays,
        end: Int[Array, ""],
        data: Data,
        start: PyTree[Any],
    ) -> _Carry:
        order = self._order(state, member)
        # Mapped over members it goes on while one of them does, and the others stay as they are.
        return lax.while_loop(
            lambda carry: _goes_on(*carry, end),
            lambda carry: self._learn(*carry, member, order, data, start),
            (state, totals),
        )

    def _shared_step(self, carry: tuple[Any, ...], batch: Batch) -> tuple[Any, ...]:
        """Take a step of a member on a device's share of its batch."""
        *own, start = carry
        state, totals, member = jax.tree.map(lambda leaf: leaf[0], own)
        step = make_train_step(
            model=self._model(member), config=member.config, motion=self.motion, axis_name=AXIS
        )
        new, metrics = step(state, member.fold, start, batch)
        after = new, add_metrics(totals, metrics, state.step)
        return *jax.tree.map(lambda leaf: leaf[None], after), own[2], start

    def _predict(
        self, state: TrainState, member: MemberArrays, index: Int[Array, " b"], data: Data
    ) -> Float[Array, "b k"]:
        inputs = data[0].reshape(-1, *data[0].shape[2:])
        config, fold = member.config, member.fold
        predicted = make_prediction(
            config.model,
            self.motion,
            self.classes,
            config.normalise,
            config.flip_average,
            form=self.plan.convolutions,
        )
        return predicted(trained_variables(state), inputs[index], fold.mean, fold.std)


def _alone(function: Callable[..., Any], mapped: int, *arguments: Any) -> Any:
    # Mapped over one member, a convolution would still be a grouped one.
    own = jax.tree.map(lambda leaf: leaf[0], arguments[:mapped])
    return jax.tree.map(lambda leaf: leaf[None], function(*own, *arguments[mapped:]))


def _goes_on(state: TrainState, totals: Totals, end: Int[Array, ""]) -> Bool[Array, ""]:
    """Return whether a member takes another step of its epoch."""
    return (state.step < end) & (totals["bad_step"] < 0)


@functools.lru_cache(maxsize=16)
def training_program(
    motion: MotionConfig,
    classes: int,
    plan: Plan,
    *,
    own: int | None = None,
    take: Take | None = None,
) -> Program:
    """Return the program of a plan, the same for equal ones.

    Args:
        motion: what the inputs are.
        classes: how many.
        plan: how it is computed.
        own: how many clips of a batch are the fold's own where others are mixed in.
        take: draws batches in place of `draw`.
    """
    return Program(motion, classes, plan, own, take)
