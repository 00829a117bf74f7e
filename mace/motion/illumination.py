"""Matching the gray levels of two frames, so that flicker does not pass for motion."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

type _Line = tuple[Float[Array, "b 1 1"], Float[Array, "b 1 1"]]  # gain and offset

_ROUNDS = 5
_SCALE_FLOOR = 1.0  # gray levels: what quantisation and sensor noise leave anyway
_GAIN_LIMITS = (0.5, 2.0)


def match_light(
    reference: Float[Array, "b h w"], target: Float[Array, "b h w"]
) -> Float[Array, "b h w"]:
    """Return the target with its gain and offset of gray levels brought to the reference's.

    Fits target ≈ gain · reference + offset over all pixels by iteratively reweighted least squares
    (Geman–McClure weights, scale by the mean absolute residual), so that the few pixels that moved
    do not bend the line, and returns (target - offset) / gain. The gain is kept within 0.5 to 2.

    Args:
        reference: gray levels, 0 to 255.
        target: gray levels of the same scale.
    """

    def improve(_, line: _Line) -> _Line:
        gain, offset = line
        residual = target - gain * reference - offset
        scale = jnp.maximum(_mean(jnp.abs(residual)), _SCALE_FLOOR)
        return _fit(reference, target, 1 / (1 + (residual / scale) ** 2) ** 2)

    start = _fit(reference, target, jnp.ones_like(reference))
    gain, offset = lax.fori_loop(0, _ROUNDS, improve, start)
    return (target - offset) / gain


def _mean(values: Float[Array, "b h w"]) -> Float[Array, "b 1 1"]:
    # As a product with ones: XLA's CPU compiler takes ten seconds over the mean of a 32-px crop.
    share = jnp.full(values.shape[1:], 1 / values[0].size, values.dtype)
    return jnp.einsum("bhw,hw->b", values, share, precision="highest")[:, None, None]


def _fit(
    x: Float[Array, "b h w"], y: Float[Array, "b h w"], weights: Float[Array, "b h w"]
) -> _Line:
    total = _mean(weights)
    mean_x, mean_y = _mean(weights * x) / total, _mean(weights * y) / total
    spread = _mean(weights * (x - mean_x) ** 2)
    together = _mean(weights * (x - mean_x) * (y - mean_y))
    # A flat reference has no slope to find: gain 1.
    gain = jnp.where(spread > 1e-3 * total, together / jnp.maximum(spread, 1e-6), 1.0)
    gain = jnp.clip(gain, *_GAIN_LIMITS)
    return gain, mean_y - gain * mean_x
