"""Micro-Attention as the group of Off-TANet reads it: residual blocks that weigh their places.

Wang, Peng, Bi and Chen 2020, "Micro-attention for micro-expression recognition", Neurocomputing
410, compared as a baseline in Zhang, Liu and Zhou 2021, "Off-TANet", PRICAI 2021. Images of 224 px.
The paper starts from a residual network trained on larger expressions; this one begins anew.

| layer | output at 224 px | weights |
|---|---|---|
| 7x7 convolution of 32, stride 2, ReLU | 112 x 112 x 32 | 4,736 |
| maximum 3 x 3, stride 2, padding 1 | 56 x 56 x 32 | |
| attention block of 64, maximum 2 x 2 | 28 x 28 x 64 | 94,848 |
| attention block of 128, maximum 2 x 2 | 14 x 14 x 128 | 378,112 |
| attention block of 256, maximum 2 x 2 | 7 x 7 x 256 = 12,544 | 1,509,888 |
| dense 4,096, ReLU, dropout 0.5 | 4,096 | 51,384,320 |
| dense | 3 | 12,291 |

A block: two 3x3 convolutions with batch norm and ReLU; a 1x1 convolution of the input is added to
the second. The three maps joined, mixed by a 1x1 convolution and averaged over channels give a
number a place, whose softmax over places weighs the sum once more: y + y · a.

Known answer: 53,384,195 weights with three classes, ECNU's "53.38 M".
"""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from mace.models.classifier import Classifier
from mace.models.config import ModelConfig
from mace.models.conv import Conv, Form, he
from mace.models.layers import Dense, classify, flatten, max_pool
from mace.models.stem import make_norm


class ConvNorm(nn.Module):
    """A 3x3 convolution with a bias, batch norm, ReLU."""

    config: ModelConfig
    features: int
    train: bool
    axis_name: str | None
    form: Form

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w o"]:
        """Return the activations."""
        dtype = jnp.dtype(self.config.dtype)
        x = Conv(self.features, dtype=dtype, form=self.form, name="conv")(x)
        return nn.relu(make_norm(self.config, train=self.train, axis_name=self.axis_name)(x))


class Mix(nn.Module):
    """The mean over the output channels of a 1x1 convolution with a bias.

    Taken of the weights first, which is the same but for rounding: the convolution itself would be
    a third of the network's multiplications at 224 px (347 of 997 million).
    """

    features: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w 1"]:
        """Return a number for each place."""
        shape = (1, 1, x.shape[-1], self.features)
        kernel = self.param("kernel", he, shape, jnp.float32)[0, 0].mean(-1, keepdims=True)
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,), jnp.float32)
        return x.astype(self.dtype) @ kernel.astype(self.dtype) + bias.mean().astype(self.dtype)


class Block(nn.Module):
    """A residual block whose places are weighed."""

    config: ModelConfig
    features: int
    train: bool
    axis_name: str | None
    form: Form

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w c"]
    ) -> tuple[Float[Array, "b h w o"], Float[Array, "b h w 1"]]:
        """Return the maps and the weight of each place, which sum to 1."""
        dtype = jnp.dtype(self.config.dtype)
        conv = functools.partial(
            ConvNorm, self.config, self.features, self.train, self.axis_name, self.form
        )
        first = conv(name="conv1")(x)
        second = conv(name="conv2")(first)
        projected = Conv(self.features, size=1, dtype=dtype, name="project")(x)
        joined = jnp.concatenate([first, second, projected], -1)
        score = Mix(3 * self.features, dtype, name="mix")(joined)
        weight = jax.nn.softmax(score.astype(jnp.float32), axis=(1, 2))
        y = second + projected
        return y + y * weight.astype(dtype), weight


class MicroAttention(Classifier):
    """The network; of its configuration it uses `dropout`, `norm_momentum`, `units`, `dtype`."""

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w c"], *, train: bool
    ) -> tuple[Float[Array, "b k"], dict[str, Float[Array, "b ..."]]]:
        """Return float32 logits and named intermediates; arguments as in `MACNN`."""
        config, dtype, out = self.config, jnp.dtype(self.config.dtype), {}
        first, *widths = config.widths
        conv = Conv(first, size=7, stride=2, dtype=dtype, form=self.form, name="conv")
        x = max_pool(nn.relu(conv(x)), size=3, stride=2, padding=1)
        for i, width in enumerate(widths, start=1):
            name = f"block{i}"
            block = Block(config, width, train, self.axis_name, self.form, name=name)
            x, out[f"{name}/attention"] = block(x)
            x = max_pool(x, size=2, stride=2)
        x = Dense(4096, dtype, name="dense")(flatten(x))
        logits, last = classify(config, self.classes, x, train=train, dropout=True)
        return logits, out | last
