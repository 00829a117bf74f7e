"""The one interface: a reference face and a target face in, a network's input out."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, UInt8

from mace.errors import ConfigError, DataError
from mace.motion.config import REFERENCE_SIZE, MotionConfig
from mace.motion.detrend import remove_head_motion
from mace.motion.dis import dis_flow
from mace.motion.illumination import match_light
from mace.motion.resample import cut, resize, smooth
from mace.motion.strain import optical_strain
from mace.motion.tvl1 import tvl1_flow

DIFFERENCE_SCALE = 32.0
"""Gray levels (of 255) that make one unit of the `difference` channel."""

STRAIN_SCALE = 0.1
"""Optical strain that makes one unit of the third `flow` channel."""

_OWN = (
    "the network reads arrays of its maker's own, which no two frames can be turned into; use one "
    "that was trained on clips"
)
_CONTRAST_FLOOR = 4.0  # gray levels: a flat crop stays flat instead of showing amplified noise


def channels(config: MotionConfig) -> int:
    """Return the number of channels that `represent` gives.

    Raises:
        ConfigError: for arrays of the user's own.
    """
    if config.representation == "own":
        raise ConfigError(_OWN)
    return 3 if config.representation == "flow" else 1


def represent(
    reference: UInt8[np.ndarray, "b s s"],
    target: UInt8[np.ndarray, "b s s"],
    *,
    config: MotionConfig,
) -> Float[np.ndarray, "b size size c"]:
    """Return the network's input for pairs of aligned gray crops.

    - `appearance`: the target, each crop shifted to mean 0 and scaled to standard deviation 1.
    - `difference`: (target - reference) / `DIFFERENCE_SCALE`, gray levels matched if configured.
    - `flow`: u and v in px of a 128-px crop, whatever the crop's own size, and optical strain in
      units of `STRAIN_SCALE`; head motion removed before the strain if configured.

    Everything is computed at the size of the crop; then `config.framing` is cut from it and
    averaged down (or interpolated up) to `config.size`. Deterministic: a pair gives the same
    numbers alone and in a batch, to float32 rounding.

    Args:
        reference: the neutral or onset faces.
        target: the apex or current faces, of the same shape.
        config: what to compute.

    Raises:
        ConfigError: for the flow `images`, which is not computed from frames.
        DataError: if the crops are not uint8 squares of one shape.
    """
    _check(reference, target)
    flow = measure_flow(reference, target, config=config)
    return np.asarray(_encode(reference, target, flow, config=config))


def measure_flow(
    reference: UInt8[np.ndarray, "b s s"],
    target: UInt8[np.ndarray, "b s s"],
    *,
    config: MotionConfig,
) -> Float[Array, "b s s 2"] | Float[np.ndarray, "b s s 2"] | None:
    """Return the raw float32 flow in px of these crops, or None if the representation uses none.

    This is the half that cannot be traced (DIS runs in OpenCV, patches in Numba); `encode` is the
    other half.
    """
    if config.representation == "own":
        raise ConfigError(_OWN)
    if config.representation != "flow":
        return None
    if config.flow == "images":
        raise ConfigError(
            "motion.flow is `images`, ready-made flow images that no two frames can be turned "
            "into; choose dis, tvl1 or patches"
        )
    if config.flow == "dis":
        return dis_flow(reference, target, config=config.dis)
    if config.flow == "patches":
        from mace.motion.patches import patch_flow  # Numba alone takes a third of a second

        return patch_flow(reference, target)
    return _tvl1(reference, target, config=config)


def trace_flow(
    reference: UInt8[Array, "b s s"], target: UInt8[Array, "b s s"], *, config: MotionConfig
) -> Float[Array, "b s s 2"] | None:
    """Return what `measure_flow` returns, as part of a traced program.

    Raises:
        ConfigError: for a flow that is not computed by JAX.
    """
    if config.representation != "flow":
        return None
    if config.flow != "tvl1":
        raise ConfigError(f"motion.flow {config.flow} is not computed by JAX; measure it outside")
    return _tvl1(reference, target, config=config)


def encode(
    reference: UInt8[Array, "b s s"],
    target: UInt8[Array, "b s s"],
    flow: Float[Array, "b s s 2"] | Float[np.ndarray, "b s s 2"] | None,
    *,
    config: MotionConfig,
) -> Float[Array, "b size size c"]:
    """Return what `represent` returns, given the flow; pure JAX, to be fused into a jitted step.

    Args:
        reference: the neutral or onset faces; unused by `appearance` and `flow`.
        target: the apex or current faces; unused by `flow`.
        flow: what `measure_flow` returned.
        config: what to compute.
    """
    if config.representation == "flow":
        assert flow is not None
        return _encode_flow(jnp.asarray(flow), config)
    second = target.astype(jnp.float32)
    if config.representation == "appearance":
        image = resize(cut(second, config.framing), config.size)
        centred = image - jnp.mean(image, axis=(1, 2), keepdims=True)
        contrast = jnp.sqrt(jnp.mean(centred * centred, axis=(1, 2), keepdims=True))
        return (centred / jnp.maximum(contrast, _CONTRAST_FLOOR))[..., None]
    first = reference.astype(jnp.float32)
    if config.match_light:
        second = match_light(first, second)
    difference = cut((second - first) / DIFFERENCE_SCALE, config.framing)
    return resize(difference, config.size)[..., None]


_encode = functools.partial(jax.jit, static_argnames="config")(encode)


@functools.partial(jax.jit, static_argnames="config")
def _tvl1(
    reference: UInt8[Array, "b s s"], target: UInt8[Array, "b s s"], *, config: MotionConfig
) -> Float[Array, "b s s 2"]:
    first, second = reference.astype(jnp.float32), target.astype(jnp.float32)
    if config.match_light:
        second = match_light(first, second)
    return tvl1_flow(first / 255, second / 255, config=config.tvl1)


def _encode_flow(flow: Float[Array, "b s s 2"], config: MotionConfig) -> Float[Array, "..."]:
    unit = REFERENCE_SIZE / flow.shape[1]
    flow = remove_head_motion(flow * unit, method=config.detrend)
    # Barriers end what XLA would make one loop of, over pixels that lie apart and eight times a
    # pixel: whole pictures in between, one component after the other, take a third of the time.
    u, v = lax.optimization_barrier(smooth(jnp.moveaxis(flow, -1, 0), config.smooth / unit))
    # Cut last: head motion and strain are measured on the whole face.
    strain = optical_strain(jnp.stack([u, v], axis=-1), framing=config.framing)
    # The displacements are in px of the 128-px crop, the derivatives still per px of this one.
    strain = lax.optimization_barrier(strain / (unit * STRAIN_SCALE))
    parts = cut(u, config.framing), cut(v, config.framing), strain
    return jnp.stack([resize(part, config.size) for part in parts], axis=-1)


def _check(reference: UInt8[np.ndarray, "b s s"], target: UInt8[np.ndarray, "b s s"]) -> None:
    for name, crops in (("reference", reference), ("target", target)):
        if crops.dtype != np.uint8 or crops.ndim != 3 or crops.shape[1] != crops.shape[2]:
            raise DataError(
                f"the {name} crops are {crops.dtype} of shape {crops.shape}, expected uint8 of "
                "shape (batch, side, side): align the frames with mace.face first"
            )
    if reference.shape != target.shape:
        raise DataError(
            f"reference crops {reference.shape} and target crops {target.shape} differ in shape: "
            "pass one reference for every target"
        )
