"""What all networks share: the way in, and the step down between two stages."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from mace.models.config import ModelConfig
from mace.models.conv import Conv, Form
from mace.models.norm import Norm


class ConvNorm(nn.Module):
    """Convolution, normalisation, ReLU (unless `linear`); the bias is the norm's, if it has one."""

    config: ModelConfig
    features: int
    train: bool
    axis_name: str | None = None
    size: int = 3
    stride: int = 1
    linear: bool = False
    form: Form = "native"

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 o"]:
        """Return the activations in the configured type."""
        config, dtype = self.config, jnp.dtype(self.config.dtype)
        x = Conv(
            self.features,
            size=self.size,
            stride=self.stride,
            use_bias=config.norm == "none",
            dtype=dtype,
            form=self.form,
            name="conv",
        )(x)
        x = make_norm(config, train=self.train, axis_name=self.axis_name)(x)
        return x if self.linear else nn.relu(x)


def make_norm(config: ModelConfig, *, train: bool, axis_name: str | None) -> Norm:
    """Return the configured normalisation, named `norm` within the calling module."""
    return Norm(
        kind=config.norm,
        train=train,
        momentum=config.norm_momentum,
        axis_name=axis_name,
        dtype=jnp.dtype(config.dtype),
        name="norm",
    )


class Stem(nn.Module):
    """Bring a picture of 1, 2, 3 or more channels to the first stage's size and width."""

    config: ModelConfig
    train: bool
    axis_name: str | None = None
    form: Form = "native"

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 o"]:
        """Return ceil(h / stem_stride) rows of `widths[0]` channels."""
        config = self.config
        stride = config.stem_stride
        if config.coordinates:
            x = append_coordinates(x)
        if config.stem == "space_to_depth":
            x, stride = space_to_depth(x, block=stride), 1
        stem = ConvNorm(
            config,
            config.widths[0],
            self.train,
            self.axis_name,
            stride=stride,
            form=self.form,
            name="conv3x3",
        )
        return stem(x)


def append_coordinates(x: Float[Array, "b h w c"]) -> Float[Array, "b h w c2"]:
    """Append x and y, from -1 at the first pixel to 1 at the last (Liu et al. 2018, CoordConv)."""
    batch, height, width, _ = x.shape
    rows = jnp.broadcast_to(jnp.linspace(-1, 1, height)[:, None], (height, width))
    columns = jnp.broadcast_to(jnp.linspace(-1, 1, width), (height, width))
    places = jnp.broadcast_to(jnp.stack([columns, rows], -1), (batch, height, width, 2))
    return jnp.concatenate([x, places.astype(x.dtype)], -1)


def space_to_depth(x: Float[Array, "b h w c"], *, block: int) -> Float[Array, "b h2 w2 c2"]:
    """Fold `block` x `block` pixels into channels; rows and columns that lack are zeros."""
    batch, height, width, channels = x.shape
    down, right = -height % block, -width % block
    x = jnp.pad(x, ((0, 0), (0, down), (0, right), (0, 0)))
    rows, columns = (height + down) // block, (width + right) // block
    x = x.reshape(batch, rows, block, columns, block * channels).swapaxes(2, 3)
    return x.reshape(batch, rows, columns, block * block * channels)
