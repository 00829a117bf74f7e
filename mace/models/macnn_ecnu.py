"""MACNN as the group of Off-TANet reads the paper: serial atrous convolutions, a large dense head.

Lai, Chen, Jia and Qian 2020 (see `mace.models.macnn`), whose full text is not public, compared as a
baseline in Zhang, Liu and Zhou 2021, "Off-TANet", PRICAI 2021. Images of 112 px.

| layer | output at 112 px | weights |
|---|---|---|
| residual block of 32, maximum 2 x 2 | 56 x 56 x 32 | 10,272 |
| residual block of 64, maximum 2 x 2 | 28 x 28 x 64 | 57,536 |
| residual block of 128, maximum 2 x 2 | 14 x 14 x 128 | 229,760 |
| residual block of 256, maximum 2 x 2 | 7 x 7 x 256 | 918,272 |
| 3x3 convolution of 256, rate 4, ReLU | 7 x 7 x 256 | 590,080 |
| 3x3 convolution of 256, rate 2, ReLU | 7 x 7 x 256 = 12,544 | 590,080 |
| dense 4,096, ReLU, dropout 0.5 | 4,096 | 51,384,320 |
| dense 4,096, ReLU, dropout 0.5 | 4,096 | 16,781,312 |
| dense | 3 | 12,291 |

A block is two 3x3 convolutions, a ReLU behind each, to which a 1x1 convolution of the input is
added. There is no normalisation. It differs from `macnn`, which is documented choice by choice: the
rates follow each other instead of standing side by side, are 4 and 2 instead of 1, 2 and 3, and 97
of 100 weights are in the dense layers. Their input is TV-L1 flow with strain; the abstract of the
paper speaks of frames.

Known answer: 70,573,923 weights with three classes, ECNU's "70.57 M". One unit of the last map sees
268 px, every 16 px: more than the picture.
"""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from mace.models.classifier import Classifier
from mace.models.conv import Conv, Form
from mace.models.head import Dropout
from mace.models.layers import Dense, classify, flatten, max_pool


class Block(nn.Module):
    """Two convolutions beside a projection of the input, then the maximum of 2x2 px."""

    features: int
    dtype: jnp.dtype
    form: Form

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 o"]:
        """Return maps of half the size."""
        y = x
        for name in ("conv1", "conv2"):
            y = nn.relu(Conv(self.features, dtype=self.dtype, form=self.form, name=name)(y))
        y = y + Conv(self.features, size=1, dtype=self.dtype, name="project")(x)
        return max_pool(y, size=2, stride=2)


class SerialMACNN(Classifier):
    """The network; of its configuration it uses `dropout`, `units` and `dtype`."""

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w c"], *, train: bool
    ) -> tuple[Float[Array, "b k"], dict[str, Float[Array, "b ..."]]]:
        """Return float32 logits and named intermediates; arguments as in `MACNN`."""
        config, dtype = self.config, jnp.dtype(self.config.dtype)
        for i, width in enumerate(config.widths, start=1):
            x = Block(width, dtype, self.form, name=f"block{i}")(x)
        for i, rate in enumerate(config.dilations, start=1):
            width = config.widths[-1]
            conv = Conv(width, dilation=rate, dtype=dtype, form=self.form, name=f"atrous{i}")
            x = nn.relu(conv(x))
        x = Dropout(config.dropout, train)(Dense(4096, dtype, name="dense1")(flatten(x)))
        x = Dense(4096, dtype, name="dense2")(x)
        return classify(config, self.classes, x, train=train, dropout=True)
