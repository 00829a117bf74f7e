"""SSSNet: two convolutions with batch norm behind their maxima, and one dense layer.

Varanka et al. 2021, as their benchmark meb (tvaranka/meb, Apache-2.0) has it. Images of 64 px: u,
v, strain.

| layer | filter | output at 64 px | weights |
|---|---|---|---|
| convolution without padding, ReLU | 5 x 5, 32 | 60 x 60 x 32 | 2,432 |
| maximum; batch norm; dropout of maps 0.5 | 3 x 3, stride 3 | 20 x 20 x 32 | 64 |
| convolution without padding, ReLU | 3 x 3, 64 | 18 x 18 x 64 | 18,496 |
| maximum; batch norm; dropout of maps 0.5 | 2 x 2, stride 2 | 9 x 9 x 64 = 5,184 | 128 |
| dense, ReLU; dropout 0.5 | 256 | 256 | 1,327,360 |
| dense | classes | 3 | 771 |

Choices: none is open. One unit of the last map sees 5 + 2 + 2 · 3 + 3 = 16 px, every 6 px.

Known answer: 1,349,251 weights with three classes, and the logits of a PyTorch model of the same
layers (benchmarks/zoo_torch.py).
"""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from mace.models.classifier import Classifier
from mace.models.config import ModelConfig
from mace.models.conv import Conv, Form
from mace.models.layers import Dense, MapDropout, classify, flatten, inner, max_pool
from mace.models.stem import make_norm


class Block(nn.Module):
    """Convolution, ReLU, maximum, batch norm, dropout of whole maps."""

    config: ModelConfig
    features: int
    size: int
    pool: int
    train: bool
    axis_name: str | None
    form: Form

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 o"]:
        """Return the maps."""
        config, dtype = self.config, jnp.dtype(self.config.dtype)
        conv = Conv(self.features, size=self.size, dtype=dtype, form=self.form, name="conv")
        x = max_pool(nn.relu(inner(conv(x), size=self.size)), size=self.pool, stride=self.pool)
        x = make_norm(config, train=self.train, axis_name=self.axis_name)(x)
        return MapDropout(config.dropout, self.train)(x)


class SSSNet(Classifier):
    """The network; of its configuration it uses `dropout`, `norm_momentum`, `units`, `dtype`."""

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w c"], *, train: bool
    ) -> tuple[Float[Array, "b k"], dict[str, Float[Array, "b ..."]]]:
        """Return float32 logits and named intermediates; arguments as in `MACNN`."""
        config = self.config
        for i, (width, size, pool) in enumerate(
            zip(config.widths, (5, 3), (3, 2), strict=True), start=1
        ):
            x = Block(
                config, width, size, pool, train, self.axis_name, self.form, name=f"block{i}"
            )(x)
        x = Dense(256, jnp.dtype(config.dtype), name="dense")(flatten(x))
        return classify(config, self.classes, x, train=train, dropout=True)
