"""The compiled programs of a chunk of members: their start, an epoch, their predictions."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from jaxtyping import Array, Bool, Float, Int, PyTree

from mace.models.make import make_model
from mace.motion.config import MotionConfig
from mace.prediction import make_prediction
from mace.training.config import TrainConfig
from mace.training.population.compiling import Program
from mace.training.population.plan import Plan
from mace.training.population.scalars import with_scalars
from mace.training.program import Data, Totals, add_metrics, initial_state, zero_totals
from mace.training.sampling import draw, epoch_order
from mace.training.state import FoldArrays, TrainState, trained_variables
from mace.training.step import make_train_step

AXIS = "member"

type _Carry = tuple[Int[Array, ""], TrainState, Totals]


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class MemberArrays:
    """What does not change about members: fold (without start), scalars by path, whether alive."""

    fold: FoldArrays
    scalars: Mapping[str, Float[Array | np.ndarray, "*m"]]
    alive: Bool[Array | np.ndarray, "*m"]


class PopulationProgram:
    """Everything a chunk of members of one shape computes; get it from `population_program`.

    States, totals and members have the members as their first axis, `data`, `start` (variables of
    a pre-trained network, or None) and counts have not. States come without their fold.
    """

    def __init__(
        self, shape: TrainConfig, motion: MotionConfig, classes: int, plan: Plan, flip: bool
    ) -> None:
        self.shape, self.motion, self.classes, self.plan = shape, motion, classes, plan
        self.mesh = None
        if plan.devices > 1:
            self.mesh = jax.make_mesh(
                (plan.devices,),
                (AXIS,),
                axis_types=(AxisType.Auto,),
                devices=jax.local_devices()[: plan.devices],
            )
        self._predicts = make_prediction(
            shape.model, motion, classes, shape.normalise, flip, form=plan.convolutions
        )
        # A lane keeps to its core, and so gives what a process of one core gives, bit for bit.
        alone = {"xla_cpu_multi_thread_eigen": False} if plan.lanes > 1 else None
        program = functools.partial(Program, compiler_options=alone)
        self.init = program(self._share(self._each(self._init, 1, 2), 1, 2))
        # What goes in is not needed any more: half the memory.
        self.epoch = program(self._share(self._each(self._epoch, 2, 3), 2, 3), donate_argnums=(0,))
        self.order = program(self._share(self._each(self._order, 1, 1), 1, 1))
        self.step = program(self._share(self._each(self._step, 4, 3), 4, 3), donate_argnums=(0, 1))
        self.predict = program(self._share(self._each(self._predict, 3, 1), 3, 1))

    def place(self, tree: PyTree[Any]) -> PyTree[Array]:
        """Put arrays with a member axis on the devices, each its own share."""
        return jax.device_put(tree, self._sharding(PartitionSpec(AXIS)))

    def spread(self, tree: PyTree[Any]) -> PyTree[Array]:
        """Put a copy of arrays without a member axis on every device."""
        return jax.device_put(tree, self._sharding(PartitionSpec()))

    def train_epoch(
        self,
        states: TrainState,
        members: MemberArrays,
        data: Data,
        start: PyTree[Any],
        *,
        epoch: int,
        steps: int,
    ) -> tuple[TrainState, Totals]:
        """Take every living member through an epoch of its own length.

        Args:
            states: at the epoch's first step; they are used up.
            members: of the same order.
            data: from `spread`.
            start: from `spread`.
            epoch: from 0, the same for all.
            steps: of the longest epoch among the members; the others wait.

        Returns:
            The states, and the totals of the epoch.
        """
        if self.plan.loop == "scan":
            return self.epoch(states, members, data, start, self.spread(np.int32(epoch)))
        order = self.order(members, self.spread(np.int32(epoch)))
        totals = self.place(_zeros(len(members.alive)))
        for step in range(steps):
            step = self.spread(np.int32(step))
            states, totals = self.step(states, totals, members, order, data, start, step)
        return states, totals

    def _sharding(self, spec: PartitionSpec) -> Any:
        return jax.local_devices()[0] if self.mesh is None else NamedSharding(self.mesh, spec)

    def _each(self, function: Callable[..., Any], mapped: int, whole: int) -> Callable[..., Any]:
        """Return `function` of one member for all members of a device."""
        if self.plan.kind == "vmap":
            return jax.vmap(function, in_axes=(0,) * mapped + (None,) * whole)

        # Mapped over one member, a convolution would still be a grouped one.
        def alone(*arguments: Any) -> Any:
            one = jax.tree.map(lambda leaf: leaf[0], arguments[:mapped])
            return jax.tree.map(lambda leaf: leaf[None], function(*one, *arguments[mapped:]))

        return alone

    def _share(self, function: Callable[..., Any], mapped: int, whole: int) -> Callable[..., Any]:
        """Return `function` with its members dealt out to the devices, which never meet."""
        if self.mesh is None:
            return function
        specs = (PartitionSpec(AXIS),) * mapped + (PartitionSpec(),) * whole
        return jax.shard_map(
            function, mesh=self.mesh, in_specs=specs, out_specs=PartitionSpec(AXIS), check_vma=False
        )

    def _init(
        self, member: MemberArrays, example: Float[Array, "1 h w c"], start: PyTree[Any]
    ) -> TrainState:
        fold = replace(member.fold, start=start)
        model = make_model(self.shape.model, self.classes, form=self.plan.convolutions)
        state = initial_state(fold, example, model=model, config=self.shape)
        return replace(state, fold=None)

    def _order(self, member: MemberArrays, epoch: Int[Array, ""]) -> Int[Array, " n"]:
        return epoch_order(member.fold, epoch)

    def _learn(
        self,
        state: TrainState,
        totals: Totals,
        member: MemberArrays,
        order: Int[Array, " n"],
        data: Data,
        start: PyTree[Any],
    ) -> tuple[TrainState, Totals]:
        config = with_scalars(self.shape, member.scalars)
        model = make_model(config.model, self.classes, form=self.plan.convolutions)
        step = make_train_step(model=model, config=config, motion=self.motion)
        state = replace(state, fold=replace(member.fold, start=start))
        batch = draw(
            data[0],
            data[1],
            state.fold,
            state.step,
            batch_size=config.batch_size,
            temporal=config.augment.temporal,
            mixup=config.mixup,
            order=order,
        )
        new, metrics = step(state, batch)
        return replace(new, fold=None), add_metrics(totals, metrics, state.step)

    def _step(
        self,
        state: TrainState,
        totals: Totals,
        member: MemberArrays,
        order: Int[Array, " n"],
        data: Data,
        start: PyTree[Any],
        within: Int[Array, ""],
    ) -> tuple[TrainState, Totals]:
        after = self._learn(state, totals, member, order, data, start)
        learns = _goes_on(member, within, totals)
        return jax.tree.map(lambda a, b: jnp.where(learns, a, b), after, (state, totals))

    def _epoch(
        self,
        state: TrainState,
        member: MemberArrays,
        data: Data,
        start: PyTree[Any],
        epoch: Int[Array, ""],
    ) -> tuple[TrainState, Totals]:
        order = self._order(member, epoch)

        def learn(carry: _Carry) -> _Carry:
            within, state, totals = carry
            return within + 1, *self._learn(state, totals, member, order, data, start)

        # Mapped over members it goes on while one of them does, and the others stay as they are.
        begin = jnp.zeros((), jnp.int32), state, jax.tree.map(jnp.asarray, zero_totals())
        _, state, totals = lax.while_loop(
            lambda carry: _goes_on(member, carry[0], carry[2]), learn, begin
        )
        return state, totals

    def _predict(
        self,
        state: TrainState,
        member: MemberArrays,
        index: Int[Array, "q b"],
        data: Data,
    ) -> Float[Array, "q b k"]:
        variables = trained_variables(state)
        inputs = data[0].reshape(-1, *data[0].shape[2:])
        fold = member.fold

        def block(places: Int[Array, " b"]) -> Float[Array, "b k"]:
            return self._predicts(variables, inputs[places], fold.mean, fold.std)

        return lax.map(block, index)


def _goes_on(member: MemberArrays, within: Int[Array, ""], totals: Totals) -> Bool[Array, ""]:
    """Return whether a member takes step `within` of the epoch."""
    return member.alive & (within < member.fold.steps_per_epoch) & (totals["bad_step"] < 0)


def _zeros(members: int) -> Totals:
    return jax.tree.map(lambda leaf: np.repeat(leaf[None], members, 0), zero_totals())


@functools.lru_cache(maxsize=16)
def population_program(
    shape: TrainConfig, motion: MotionConfig, classes: int, plan: Plan, flip: bool
) -> PopulationProgram:
    """Return the program of a shape (`scalars.shape_of`) and a plan, the same for equal ones."""
    return PopulationProgram(shape, motion, classes, plan, flip)
