"""One compiled call a frame: motion, the network, smoothing, for all faces at once.

Crops travel to the device with every frame (32 kB a face, less than a ring of them there would
cost to keep in order), and so does the flow where OpenCV measured it; what the step remembers stays
on the device, in buffers that are given up to it and written over.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, UInt8

from mace.inference import Model, network_options, network_program
from mace.live.config import LiveConfig
from mace.motion.config import MotionConfig
from mace.motion.representation import encode, measure_flow, trace_flow


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class StepState:
    """What the step remembers of each face; leading axis: the faces.

    Attributes:
        smoothed: probabilities so far.
        rest: sum of the flow over the `rested` frames of the neutral time, px of the crop; None
            where none is measured.
    """

    smoothed: Float[Array, "f k"]
    rest: Float[Array, "f s s 2"] | None
    rested: Float[Array, " f"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class StepInput:
    """What a frame brings.

    Attributes:
        reference: the faces that motion is measured against.
        target: the faces now.
        flow: from reference to target in px of the crop, where it was measured outside.
        keep: weight of the old probabilities in the smoothed one; 0 begins anew.
        resting: this face is neutral by agreement.
        renewed: the reference is another one than before, so what rested against it is forgotten.
    """

    reference: UInt8[Array | np.ndarray, "f s s"]
    target: UInt8[Array | np.ndarray, "f s s"]
    flow: Float[Array | np.ndarray, "f s s 2"] | None
    keep: Float[Array | np.ndarray, " f"]
    resting: Bool[Array | np.ndarray, " f"]
    renewed: Bool[Array | np.ndarray, " f"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class StepOutput:
    """What the step says of each face.

    Attributes:
        images: what the network saw.
        probabilities: of this frame alone.
        smoothed: with those before.
    """

    images: Float[Array, "f h w c"]
    probabilities: Float[Array, "f k"]
    smoothed: Float[Array, "f k"]


type Step = Callable[[StepState, StepInput], tuple[StepState, StepOutput]]


@functools.lru_cache(maxsize=4)
def make_step(model: Model, *, faces: int, crop: int, rests: bool) -> Step:
    """Return the step of a network, compiled for `faces` crops of `crop` px a side.

    `rests`: the neutral time's mean flow is taken out of what follows.
    """
    motion = model.motion
    probabilities, _ = network_program(model)

    def step(state: StepState, given: StepInput) -> tuple[StepState, StepOutput]:
        reference, target = jnp.asarray(given.reference), jnp.asarray(given.target)
        flow = given.flow
        if flow is None:
            flow = trace_flow(reference, target, config=motion)
        rest, rested = state.rest, state.rested
        if rest is not None and flow is not None:
            old = ~given.renewed
            resting = given.resting
            rest = jnp.where(old[:, None, None, None], rest, 0.0)
            rest = rest + jnp.where(resting[:, None, None, None], flow, 0.0)
            rested = jnp.where(old, rested, 0.0) + resting.astype(jnp.float32)
            mean = rest / jnp.maximum(rested, 1.0)[:, None, None, None]
            flow = jnp.where(resting[:, None, None, None], flow, flow - mean)
        images = encode(reference, target, flow, config=motion)
        alone = probabilities(images)
        keep = jnp.asarray(given.keep)[:, None]
        smoothed = keep * state.smoothed + (1 - keep) * alone
        # Chosen, not weighted: what is no number must not get into the state, or must get out.
        smoothed = jnp.where(keep == 0, alone, jnp.where(keep == 1, state.smoothed, smoothed))
        output = StepOutput(images=images, probabilities=alone, smoothed=smoothed)
        return StepState(smoothed=smoothed, rest=rest, rested=rested), output

    shapes = jax.eval_shape(
        lambda: (
            begin(model, faces=faces, crop=crop, rests=rests),
            _example(model, faces=faces, crop=crop),
        )
    )
    jitted = jax.jit(step, donate_argnums=(0,))
    return jitted.lower(*shapes).compile(network_options(model))


def begin(model: Model, *, faces: int, crop: int, rests: bool) -> StepState:
    """Return the state of a session that has seen nothing."""
    return StepState(
        smoothed=jnp.zeros((faces, len(model.classes))),
        rest=jnp.zeros((faces, crop, crop, 2)) if rests else None,
        rested=jnp.zeros(faces),
    )


def live_motion(model: Model, config: LiveConfig, *, live: bool) -> MotionConfig:
    """Return how a network's input is measured for a source that is live, or is not."""
    fast = live if config.flow == "auto" else config.flow == "fast"
    fast = fast and model.motion.flow == "dis"
    return replace(model.motion, flow="patches") if fast else model.motion


def outside_flow(
    reference: UInt8[np.ndarray, "f s s"],
    target: UInt8[np.ndarray, "f s s"],
    *,
    motion: MotionConfig,
    where: Sequence[int],
) -> Float[np.ndarray, "f s s 2"] | None:
    """Return the flow that JAX does not measure; None where the step traces it, or needs none.

    `where` are the places that somebody is in; the others get no motion.
    """
    if not _measured_outside(motion):
        return None
    if len(where) == len(reference):
        return np.asarray(measure_flow(reference, target, config=motion))
    flow = np.zeros((*reference.shape, 2), np.float32)
    index = list(where)
    flow[index] = measure_flow(reference[index], target[index], config=motion)
    return flow


@dataclass(frozen=True)
class Query:
    """What the step is told of one face; fields as of `StepInput`."""

    reference: UInt8[np.ndarray, "s s"]
    target: UInt8[np.ndarray, "s s"]
    keep: float = 0.0
    resting: bool = False
    renewed: bool = True


class Stepper:
    """The step with what it remembers, for up to `faces` places.

    Args:
        model: the network.
        motion: how the flow is measured that is measured outside.
        faces: number of places.
        crop: px a side.
        rests: as of `make_step`.
    """

    def __init__(
        self, model: Model, *, motion: MotionConfig, faces: int, crop: int, rests: bool
    ) -> None:
        blank = np.zeros((crop, crop), np.uint8)
        # No frame is to wait for a compiler, Numba's or XLA's, and neither for the other.
        with ThreadPoolExecutor(1) as aside:
            tried = aside.submit(outside_flow, blank[None], blank[None], motion=motion, where=(0,))
            self._step = make_step(model, faces=faces, crop=crop, rests=rests)
            tried.result()
        self._state = begin(model, faces=faces, crop=crop, rests=rests)
        self._motion, self._faces = motion, faces
        # A place that nobody is in keeps what it has.
        self._nobody = Query(blank, blank, keep=1.0, renewed=False)

    def __call__(self, queries: Mapping[int, Query]) -> StepOutput:
        """Return what the network says of the faces in some places."""
        every = [queries.get(place, self._nobody) for place in range(self._faces)]
        reference = _batch([query.reference for query in every])
        target = _batch([query.target for query in every])
        given = StepInput(
            reference=reference,
            target=target,
            flow=outside_flow(reference, target, motion=self._motion, where=tuple(queries)),
            keep=np.array([query.keep for query in every], np.float32),
            resting=np.array([query.resting for query in every]),
            renewed=np.array([query.renewed for query in every]),
        )
        self._state, output = self._step(self._state, given)
        return output


def _batch(crops: list[UInt8[np.ndarray, "s s"]]) -> UInt8[np.ndarray, "f s s"]:
    """Return crops as one array; the crop itself where there is but one."""
    return crops[0][None] if len(crops) == 1 else np.stack(crops)


def _example(model: Model, *, faces: int, crop: int) -> StepInput:
    crops = jnp.zeros((faces, crop, crop), jnp.uint8)
    outside = _measured_outside(model.motion)
    return StepInput(
        reference=crops,
        target=crops,
        flow=jnp.zeros((faces, crop, crop, 2)) if outside else None,
        keep=jnp.zeros(faces),
        resting=jnp.zeros(faces, bool),
        renewed=jnp.zeros(faces, bool),
    )


def _measured_outside(motion: MotionConfig) -> bool:
    return motion.representation == "flow" and motion.flow in {"dis", "patches"}
