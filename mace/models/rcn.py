"""RCN-A: a recurrent convolution, weighed by an attention that has no weights of its own.

Xia, Peng, Khor, Feng and Zhao 2020, "Revealing the invisible with model and data shrinking for
composite-database micro-expression recognition", IEEE Transactions on Image Processing 29, variant
A. Images of 60 px. The settings are those of the authors' final training: 64 maps, one recurrent
layer, 7 x 7 cells.

| layer | output at 60 px | weights |
|---|---|---|
| convolution without padding, batch norm, ReLU | 5 x 5, 64: 56 x 56 x 64 | 4,992 |
| maximum 2 x 2, dropout 0.5 | 28 x 28 x 64 | |
| recurrent block | 28 x 28 x 64 | 41,344 |
| maximum 2 x 2, dropout 0.5 | 14 x 14 x 64 | |
| mean of 7 x 7 cells, times the attention | 7 x 7 x 64 = 3,136 | |
| dense | 3 | 9,411 |

The recurrent block: y = f(x) by a 1x1 convolution, then twice y = g(x + y) by the same 3x3
convolution, each with batch norm and ReLU. The attention takes the kernel of the dense layer as a
weight of each cell and map: for each class the first maps, averaged over the cells, times it,
meaned over maps and stretched to [0, 1]; the mean over the classes weighs the last maps' cells.

Choices: the authors divide by the largest value even where it is 0 (a still face); here 0 stays.

Known answer: 55,747 weights with three classes.
"""

import functools

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from mace.models.classifier import Classifier
from mace.models.config import ModelConfig
from mace.models.conv import Conv, Form, he
from mace.models.head import Dropout, grid_pool
from mace.models.layers import flatten, inner, max_pool
from mace.models.stem import make_norm


class ConvNorm(nn.Module):
    """A convolution with a bias, cut to where it saw no padding if asked, batch norm, ReLU."""

    config: ModelConfig
    train: bool
    axis_name: str | None
    form: Form
    size: int
    padded: bool = True

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 o"]:
        """Return the activations."""
        config, dtype = self.config, jnp.dtype(self.config.dtype)
        conv = Conv(config.widths[0], size=self.size, dtype=dtype, form=self.form, name="conv")
        x = conv(x) if self.padded else inner(conv(x), size=self.size)
        return nn.relu(make_norm(config, train=self.train, axis_name=self.axis_name)(x))


class Classes(nn.Module):
    """The kernel and the bias of the last layer, which the attention reads as well."""

    inputs: int
    classes: int

    @nn.compact
    def __call__(self) -> tuple[Float[Array, "n k"], Float[Array, " k"]]:
        """Return both, float32."""
        kernel = self.param("kernel", he, (self.inputs, self.classes), jnp.float32)
        bias = self.param("bias", nn.initializers.zeros_init(), (self.classes,), jnp.float32)
        return kernel, bias


class Last(nn.Module):
    """Attention, dense layer, and three numbers an action unit."""

    config: ModelConfig
    classes: int

    @nn.compact
    def __call__(
        self, first: Float[Array, "b g g c"], last: Float[Array, "b g g c"]
    ) -> tuple[Float[Array, "b k"], dict[str, Float[Array, "b ..."]]]:
        """Return logits and intermediates of the first and the last maps, cell by cell."""
        kernel, bias = Classes(flatten(last).shape[1], self.classes, name="classes")()
        attention = class_attention(first, kernel)
        pooled = flatten(last * attention)
        out = {"attention": attention, "pooled": pooled}
        if units := len(self.config.units):
            named = nn.Dense(3 * units, kernel_init=he, name="units")(pooled)
            out["units"] = named.reshape(pooled.shape[0], units, 3)
        return pooled @ kernel + bias, out


def class_attention(
    x: Float[Array, "b g g c"], kernel: Float[Array, "n k"]
) -> Float[Array, "b g g 1"]:
    """Return what each cell weighs, by the kernel of the dense layer that reads the cells."""
    weights = kernel.reshape(*x.shape[1:], -1)
    maps = jnp.einsum("bijc,ijck->bijk", x, weights) / x.shape[-1]
    maps = maps - maps.min((1, 2), keepdims=True)
    highest = maps.max((1, 2), keepdims=True)
    maps = maps / jnp.where(highest > 0, highest, 1.0)
    return maps.mean(-1, keepdims=True)


class RCNA(Classifier):
    """The network; of its configuration it uses `dropout`, `norm_momentum`, `units`, `dtype`."""

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w c"], *, train: bool
    ) -> tuple[Float[Array, "b k"], dict[str, Float[Array, "b ..."]]]:
        """Return float32 logits and named intermediates; arguments as in `MACNN`."""
        config = self.config
        conv = functools.partial(ConvNorm, config, train, self.axis_name, self.form)
        x = max_pool(conv(5, padded=False, name="conv")(x), size=2, stride=2)
        x = Dropout(config.dropout, train)(x)
        first = grid_pool(x.astype(jnp.float32), grid=config.head_grid)
        for i in range(1, config.depths[0] + 1):
            recurrent = conv(3, name=f"recurrent{i}")
            y = conv(1, name=f"forward{i}")(x)
            for _ in range(2):
                y = recurrent(x + y)
            x = Dropout(config.dropout, train)(max_pool(y, size=2, stride=2))
        last = grid_pool(x.astype(jnp.float32), grid=config.head_grid)
        logits, out = Last(config, self.classes, name="head")(first, last)
        return logits, out | {"logits": logits}
