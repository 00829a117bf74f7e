"""What the networks of several papers share: pooling, flattening, dense layers, the last layer."""

import functools

import flax.linen as nn
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from mace.errors import ConfigError
from mace.models.config import ModelConfig
from mace.models.conv import he
from mace.models.head import Dropout, Head


def max_pool(
    x: Float[Array, "b h w c"], *, size: int, stride: int, padding: int = 0
) -> Float[Array, "b h2 w2 c"]:
    """Return maxima of `size` x `size` px, floor((h + 2 padding - size) / stride) + 1 rows.

    A maximum of shifted copies: unlike a reduction over windows, its gradient is as fast inside of
    a loop on a CPU. Equal values share the gradient.

    Raises:
        ConfigError: if no window fits.
    """
    edges = ((0, 0), (padding, padding), (padding, padding), (0, 0))
    x = jnp.pad(x, edges, constant_values=jnp.finfo(x.dtype).min)
    rows, columns = ((n - size) // stride + 1 for n in x.shape[1:3])
    if min(rows, columns) < 1:
        raise ConfigError("the images are too small for this network: nothing is left of a map")
    # Not by indexing: that is a gather where the batch has no size yet, in an exported program.
    lines = [_every(x, i, rows, stride, axis=1) for i in range(size)]
    parts = [_every(line, j, columns, stride, axis=2) for line in lines for j in range(size)]
    return functools.reduce(jnp.maximum, parts)


def inner(x: Float[Array, "b h w c"], *, size: int) -> Float[Array, "b h2 w2 c"]:
    """Return a convolved map without the border where a kernel of `size` saw zeros.

    What is left is the convolution without padding.

    Raises:
        ConfigError: if nothing is left.
    """
    edge = size // 2
    if min(x.shape[1:3]) <= 2 * edge:
        raise ConfigError("the images are too small for this network: nothing is left of a map")
    for axis in (1, 2):
        x = _every(x, edge, x.shape[axis] - 2 * edge, 1, axis=axis)
    return x


def _every(x: Array, start: int, count: int, stride: int, *, axis: int) -> Array:
    return lax.slice_in_dim(x, start, start + stride * (count - 1) + 1, stride, axis=axis)


def flatten(x: Float[Array, "b h w c"]) -> Float[Array, "b n"]:
    """Return each map as one row, channels innermost."""
    return x.reshape(x.shape[0], -1)


def streams(x: Float[Array, "b h w c"]) -> tuple[Float[Array, "b h w 1"], Float[Array, "b h w 1"]]:
    """Return u and v of flow images apart; a third channel (strain) is not looked at.

    Raises:
        ConfigError: for images of one channel.
    """
    if x.shape[-1] < 2:
        raise ConfigError(
            f"this network sees u and v apart, but the images have {x.shape[-1]} channel; give it "
            "optical flow"
        )
    return _every(x, 0, 1, 1, axis=3), _every(x, 1, 1, 1, axis=3)


class Dense(nn.Module):
    """A dense layer with ReLU; weights are float32, activations of the given type."""

    features: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Float[Array, "b n"]) -> Float[Array, "b m"]:
        """Return the activations."""
        layer = nn.Dense(self.features, kernel_init=he, dtype=self.dtype, name="dense")
        return nn.relu(layer(x))


class MapDropout(nn.Module):
    """Dropout of whole maps. Tompson et al. 2015, "Efficient object localization"."""

    rate: float
    train: bool

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """Return `x` without a share of its maps, the others enlarged; all at inference."""
        if not self.train:
            return x
        shape = (x.shape[0], 1, 1, x.shape[-1])
        keep = Dropout(self.rate, self.train)(jnp.ones(shape, jnp.float32))
        return x * keep.astype(x.dtype)


def classify(
    config: ModelConfig, classes: int, x: Float[Array, "b n"], *, train: bool, dropout: bool
) -> tuple[Float[Array, "b k"], dict[str, Float[Array, "b ..."]]]:
    """Return the logits of rows of features and the named intermediates, within a module.

    Args:
        config: of the network.
        classes: how many.
        x: what the last dense layer reads.
        train: whether to drop out.
        dropout: whether the network drops out before its last layer.
    """
    rate = config.dropout if dropout else 0.0
    head = Head(classes, len(config.units), "average", 1, rate, train, name="head")
    # The mean over one place is the row itself.
    logits, pooled = head(x[:, None, None, :])
    return logits, pooled | {"logits": logits}


def channel_norm(
    x: Float[Array, "b h w c"],
    scale: Float[Array, " c"],
    bias: Float[Array, " c"],
) -> Float[Array, "b h w c"]:
    """Normalise each place over its channels. Ba et al. 2016, "Layer normalization"."""
    values = x.astype(jnp.float32)
    mean = values.mean(-1, keepdims=True)
    variance = jnp.square(values - mean).mean(-1, keepdims=True)
    normal = (values - mean) * lax.rsqrt(variance + 1e-5)
    return (normal * scale + bias).astype(x.dtype)
