"""Dual-Inception: two inception blocks for u, two for v, and a wide dense layer.

Zhou, Mao and Xue 2019, "Dual-inception network for cross-database micro-expression recognition",
FG 2019. Images of 28 px between onset and apex.

| layer, of each stream | output at 28 px | weights |
|---|---|---|
| inception block of 6 filters a path | 28 x 28 x 24 | 1,284 |
| maximum 2 x 2, stride 2 | 14 x 14 x 24 | |
| inception block of 16 filters a path | 14 x 14 x 64 | 10,336 |
| maximum 2 x 2, stride 2 | 7 x 7 x 64 = 3,136 | |
| **both joined**: dense 1,024, ReLU | 1,024 | 6,423,552 |
| dense | 3 | 3,075 |

The four paths of a block (Szegedy et al. 2015): 1x1 then 5x5; 1x1 then 3x3; a maximum of 3x3 px and
then 1x1; 1x1. A ReLU follows each convolution but that of the last path. Choices, those of ECNU's
reading, since the paper's table gives filters alone: as many filters in the 1x1 convolutions before
the larger ones as behind them, no ReLU on the last path, no dropout.

Known answer: 6,449,867 weights with three classes, ECNU's "6.45 M".
"""

import functools

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from mace.models.classifier import Classifier
from mace.models.conv import Conv, Form
from mace.models.layers import Dense, classify, flatten, max_pool, streams


class Inception(nn.Module):
    """Four paths side by side, then the maximum of 2x2 px."""

    features: int
    dtype: jnp.dtype
    form: Form

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 o"]:
        """Return four times `features` maps of half the size."""
        conv = functools.partial(Conv, self.features, dtype=self.dtype, form=self.form)
        paths = [nn.relu(conv(size=1, name=f"reduce{size}")(x)) for size in (5, 3)]
        paths = [
            nn.relu(conv(size=size, name=f"conv{size}")(path))
            for size, path in zip((5, 3), paths, strict=True)
        ]
        pooled = max_pool(x, size=3, stride=1, padding=1)
        paths.append(nn.relu(conv(size=1, name="pooled")(pooled)))
        paths.append(conv(size=1, name="straight")(x))
        return max_pool(jnp.concatenate(paths, -1), size=2, stride=2)


class DualInception(Classifier):
    """The network; of its configuration it uses `units` and `dtype`."""

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w c"], *, train: bool
    ) -> tuple[Float[Array, "b k"], dict[str, Float[Array, "b ..."]]]:
        """Return float32 logits and named intermediates; arguments as in `MACNN`."""
        config, dtype = self.config, jnp.dtype(self.config.dtype)
        rows = []
        for name, part in zip(("u", "v"), streams(x), strict=True):
            y = part.astype(dtype)
            for i, width in enumerate(config.widths, start=1):
                y = Inception(width // 4, dtype, self.form, name=f"{name}{i}")(y)
            rows.append(flatten(y))
        x = Dense(1024, dtype, name="dense")(jnp.concatenate(rows, -1))
        return classify(config, self.classes, x, train=train, dropout=False)
