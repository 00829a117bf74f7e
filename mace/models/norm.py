"""Normalisation: over the batch, over groups of channels, or none."""

import math
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

GROUP_CHANNELS = 8
EPSILON = 1e-5


class Norm(nn.Module):
    """Normalise, scale and shift; with `kind="none"` return the input.

    Batch: Ioffe and Szegedy 2015; the statistics are those of all devices if `axis_name` names a
    mapped axis (as inside `jax.pmap`). Group: Wu and He 2018, in groups of 8 channels (or of the
    greatest common divisor, for a width that 8 does not divide).

    Written here because Flax's own refuses bfloat16 inputs under strict promotion. Both kinds end
    as one multiply-add a value, `x * slope + offset`, which XLA fuses into its neighbours.
    """

    kind: Literal["batch", "group", "none"]
    train: bool
    momentum: float = 0.9
    axis_name: str | None = None
    dtype: jnp.dtype = jnp.dtype(jnp.float32)

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """Return the normalised `x` in `dtype`; statistics are taken in float32."""
        if self.kind == "none":
            return x
        shape = (x.shape[-1],)
        scale = self.param("scale", nn.initializers.ones_init(), shape, jnp.float32)
        bias = self.param("bias", nn.initializers.zeros_init(), shape, jnp.float32)
        values = x.astype(jnp.float32)
        if self.kind == "batch":
            mean, variance = self._batch_statistics(values)
        else:
            mean, variance = group_statistics(values)
        slope = scale * jax.lax.rsqrt(variance + EPSILON)
        return (values * slope + (bias - mean * slope)).astype(self.dtype)

    def _batch_statistics(
        self, x: Float[Array, "b h w c"]
    ) -> tuple[Float[Array, " c"], Float[Array, " c"]]:
        shape = (x.shape[-1],)
        kept_mean = self.variable("batch_stats", "mean", jnp.zeros, shape, jnp.float32)
        kept_variance = self.variable("batch_stats", "var", jnp.ones, shape, jnp.float32)
        if not self.train:
            return kept_mean.value, kept_variance.value
        moments = x.mean((0, 1, 2)), (x * x).mean((0, 1, 2))
        if self.axis_name is not None:
            moments = jax.lax.pmean(moments, self.axis_name)
        mean, square = moments
        variance = jnp.maximum(square - mean * mean, 0)
        if not self.is_initializing():
            kept_mean.value = self._moved(kept_mean.value, mean)
            kept_variance.value = self._moved(kept_variance.value, variance)
        return mean, variance

    def _moved(self, old: Float[Array, " c"], new: Float[Array, " c"]) -> Float[Array, " c"]:
        return self.momentum * old + (1 - self.momentum) * new


def group_statistics(
    x: Float[Array, "b h w c"],
) -> tuple[Float[Array, "b 1 1 c"], Float[Array, "b 1 1 c"]]:
    """Return mean and variance of each image's groups, repeated for every channel of a group."""
    batch, _, _, channels = x.shape
    size = math.gcd(GROUP_CHANNELS, channels)

    def over_groups(values: Float[Array, "b h w c"]) -> Float[Array, "b 1 1 c"]:
        # Over the places first: XLA sums over leading axes with the channels side by side.
        sums = values.mean((1, 2)).reshape(batch, channels // size, size).mean(-1)
        return jnp.repeat(sums, size, axis=-1)[:, None, None, :]

    mean, square = over_groups(x), over_groups(x * x)
    return mean, jnp.maximum(square - mean * mean, 0)
