"""STSTNet: three shallow streams side by side, for motion images of 28 px.

Liong, Gan, See, Khor and Huang 2019, "Shallow triple stream three-dimensional CNN (STSTNet) for
micro-expression recognition", FG 2019. Every stream sees all three channels (u, v, strain).

| layer | output at 28 px | weights |
|---|---|---|
| 3x3 convolutions of 3, 5 and 8, padding 2, ReLU | 30 x 30 x 16 | 448 |
| batch norm | 30 x 30 x 16 | 32 |
| maximum 3 x 3, stride 3, padding 1; dropout 0.5; joined | 10 x 10 x 16 | |
| mean of 2 x 2 | 5 x 5 x 16 = 400 | |
| dense | 3 | 1,203 |

That is the network of the authors' PyTorch code and weights (christy1206/STSTNet), which
`mace.models.ststnet_weights` reads. `norm="none"` (`ststnet_plain`) is the paper's own description,
without batch norm, with a padding of 1 (28 px become 28, 10 and 5) and with the dropout before the
dense layer; the maximum then comes first, which is the same and fast (`mace.models.conv_max`).

Choices: the mean over 2x2 px is MACNN's grid of 5 x 5 cells, the same at 28 px and 400 numbers at
every other size. The three convolutions of one input are computed as one with 16 filters, and so
are their norms: the same numbers.

Known answer: 1,683 weights with three classes, 1,651 without batch norm, and the logits of a
PyTorch model of the same layers (benchmarks/zoo_torch.py).
"""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from mace.models.classifier import Classifier
from mace.models.config import ModelConfig
from mace.models.conv import Conv, Form, he
from mace.models.conv_max import conv_max3
from mace.models.head import Dropout, Head
from mace.models.layers import max_pool
from mace.models.stem import make_norm


class PlainStreams(nn.Module):
    """The parallel convolutions with what follows them, up to the joined maps."""

    config: ModelConfig

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 o"]:
        """Return the joined maps of about a third of the size."""
        config, dtype = self.config, jnp.dtype(self.config.dtype)
        kernels, biases = [], []
        for i, filters in enumerate(config.widths, start=1):
            shape = (3, 3, x.shape[-1], filters)
            kernels.append(self.param(f"stream{i}_kernel", he, shape, jnp.float32))
            zeros = nn.initializers.zeros_init()
            biases.append(self.param(f"stream{i}_bias", zeros, (filters,), jnp.float32))
        # The maximum first: it is the same, and bias and ReLU have a ninth of the work.
        y = conv_max3(x.astype(dtype), jnp.concatenate(kernels, -1).astype(dtype))
        return nn.relu(y + jnp.concatenate(biases).astype(dtype))


class Streams(nn.Module):
    """The same with batch norm behind the ReLU, as the authors' weights have it."""

    config: ModelConfig
    train: bool
    axis_name: str | None
    form: Form

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 o"]:
        """Return the joined maps of about a third of the size."""
        config, dtype = self.config, jnp.dtype(self.config.dtype)
        # The convolution itself pads by 1; the other px of the padding are zeros of the input.
        x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        x = nn.relu(Conv(sum(config.widths), dtype=dtype, form=self.form, name="conv")(x))
        x = make_norm(config, train=self.train, axis_name=self.axis_name)(x)
        x = max_pool(x, size=3, stride=3, padding=1)
        return Dropout(config.dropout, self.train)(x)


class STSTNet(Classifier):
    """The network; of its configuration it uses `norm`, `dropout`, `units` and `dtype`.

    Works for any input of at least 1 px and any number of channels.
    """

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w c"], *, train: bool
    ) -> tuple[Float[Array, "b k"], dict[str, Float[Array, "b ..."]]]:
        """Return float32 logits and named intermediates; arguments as in `MACNN`."""
        config = self.config
        plain = config.norm == "none"
        if plain:
            x = PlainStreams(config, name="stem")(x)
        else:
            x = Streams(config, train, self.axis_name, self.form, name="stem")(x)
        rate = config.dropout if plain else 0.0
        head = Head(
            self.classes, len(config.units), "grid", config.head_grid, rate, train, name="head"
        )
        logits, pooled = head(x)
        return logits, {"stem": x, "features": x} | pooled | {"logits": logits}
