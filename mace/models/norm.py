"""Normalisation: over the batch, over groups of channels, or none."""

import math
from typing import Literal

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

GROUP_CHANNELS = 8


class Norm(nn.Module):
    """Normalise, scale and shift; with `kind="none"` return the input.

    Batch: Ioffe and Szegedy 2015; the statistics are those of all devices if `axis_name` names a
    mapped axis (as inside `jax.pmap`). Group: Wu and He 2018, in groups of 8 channels (or of the
    greatest common divisor, for a width that 8 does not divide).
    """

    kind: Literal["batch", "group", "none"]
    train: bool
    momentum: float = 0.9
    axis_name: str | None = None
    dtype: jnp.dtype = jnp.dtype(jnp.float32)

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """Return the normalised `x` in `dtype`; statistics are taken in float32."""
        if self.kind == "batch":
            return nn.BatchNorm(
                use_running_average=not self.train,
                momentum=self.momentum,
                axis_name=self.axis_name,
                dtype=self.dtype,
                name="batch",
            )(x)
        if self.kind == "group":
            size = math.gcd(GROUP_CHANNELS, x.shape[-1])
            return nn.GroupNorm(num_groups=None, group_size=size, dtype=self.dtype, name="group")(x)
        return x
