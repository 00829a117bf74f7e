"""OFF-ApexNet: one small convolutional stream for u, one for v, and two wide dense layers.

Gan, Liong, Yau, Huang and Tan 2019, "OFF-ApexNet on micro-expression recognition system", Signal
Processing: Image Communication 74 (arXiv 1805.08699). Images of 28 px between onset and apex.

| layer, of each stream | filter | output at 28 px | weights |
|---|---|---|---|
| convolution, ReLU | 5 x 5, 6 | 28 x 28 x 6 | 156 |
| maximum | 2 x 2, stride 2 | 14 x 14 x 6 | |
| convolution, ReLU | 5 x 5, 16 | 14 x 14 x 16 | 2,416 |
| maximum | 2 x 2, stride 2 | 7 x 7 x 16 = 784 | |
| **both joined**: dense, ReLU | 1,024 | 1,024 | 1,606,656 |
| dropout 0.5; dense, ReLU; dropout 0.5 | 1,024 | 1,024 | 1,049,600 |
| dense | classes | 3 | 3,075 |

Choices: the layer table does not say whether a ReLU follows the convolutions; here it does (the
reading of meb), in the one that ECNU publishes it does not. meb has one stream of two channels,
kernels of 3 x 3 and one dense layer of 1,024: 807,909 weights, another network.

Known answer: 2,664,475 weights with three classes, ECNU's "2.66 M".
"""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from mace.models.classifier import Classifier
from mace.models.config import ModelConfig
from mace.models.conv import Conv, Form
from mace.models.head import Dropout
from mace.models.layers import Dense, classify, flatten, max_pool, streams


class Stream(nn.Module):
    """Two convolutions and two maxima over one component of the flow."""

    config: ModelConfig
    form: Form

    @nn.compact
    def __call__(self, x: Float[Array, "b h w 1"]) -> Float[Array, "b n"]:
        """Return the flattened maps."""
        dtype = jnp.dtype(self.config.dtype)
        for i, width in enumerate(self.config.widths, start=1):
            conv = Conv(width, size=5, dtype=dtype, form=self.form, name=f"conv{i}")
            x = max_pool(nn.relu(conv(x)), size=2, stride=2)
        return flatten(x)


class OffApexNet(Classifier):
    """The network; of its configuration it uses `dropout`, `units` and `dtype`."""

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w c"], *, train: bool
    ) -> tuple[Float[Array, "b k"], dict[str, Float[Array, "b ..."]]]:
        """Return float32 logits and named intermediates; arguments as in `MACNN`."""
        config, dtype = self.config, jnp.dtype(self.config.dtype)
        parts = [
            Stream(config, self.form, name=name)(part)
            for name, part in zip(("u", "v"), streams(x), strict=True)
        ]
        x = jnp.concatenate(parts, -1)
        x = Dropout(config.dropout, train)(Dense(1024, dtype, name="dense1")(x))
        x = Dense(1024, dtype, name="dense2")(x)
        return classify(config, self.classes, x, train=train, dropout=True)
