"""Matching the gray levels of two frames, so that flicker does not pass for motion."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

type _Line = tuple[Float[Array, "b 1"], Float[Array, "b 1"]]  # gain and offset

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
    x, y = _flat(reference), _flat(target)
    # Less their means, so that float32 holds the sums of squares; and what is weighted is laid out
    # once, so that a round costs one product and not five.
    mean_x, mean_y = _mean(x), _mean(y)
    x, y = x - mean_x, y - mean_y
    products = jnp.stack([jnp.ones_like(x), x, y, x * x, x * y], axis=1)

    def improve(_, line: _Line) -> _Line:
        gain, offset = line
        residual = y - gain * x - offset
        scale = jnp.maximum(_mean(jnp.abs(residual)), _SCALE_FLOOR)
        return _fit(products, 1 / (1 + (residual / scale) ** 2) ** 2)

    start = _fit(products, jnp.ones_like(x))
    gain, offset = lax.fori_loop(0, _ROUNDS, improve, start)
    return ((y - offset) / gain + mean_x).reshape(target.shape)


def _flat(images: Float[Array, "b h w"]) -> Float[Array, "b n"]:
    return images.reshape(images.shape[0], -1)


def _mean(values: Float[Array, "b n"]) -> Float[Array, "b 1"]:
    # As a product with ones: XLA's CPU compiler takes ten seconds over the mean of a 32-px crop.
    share = jnp.full(values.shape[1], 1 / values.shape[1], values.dtype)
    return jnp.einsum("bn,n->b", values, share, precision="highest")[:, None]


def _fit(products: Float[Array, "b 5 n"], weights: Float[Array, "b n"]) -> _Line:
    """Return the weighted line of y over x, given 1, x, y, x² and x·y."""
    sums = jnp.einsum("bkn,bn->bk", products, weights, precision="highest")
    total, x, y, square, product = jnp.split(sums / weights.shape[1], 5, axis=1)
    mean_x, mean_y = x / total, y / total
    spread, together = square - x * mean_x, product - x * mean_y
    # A flat reference has no slope to find: gain 1.
    gain = jnp.where(spread > 1e-3 * total, together / jnp.maximum(spread, 1e-6), 1.0)
    gain = jnp.clip(gain, *_GAIN_LIMITS)
    return gain, mean_y - gain * mean_x
