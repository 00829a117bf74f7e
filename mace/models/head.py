"""From the last feature map to one logit a class, and to three numbers an action unit."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from mace.config import switched_on
from mace.models.config import HeadKind, ModelConfig
from mace.models.conv import he


class Head(nn.Module):
    """Pool the map, drop out, and classify with one dense layer; with `units` a second names these.

    - `grid`: the mean of each cell of a `grid` x `grid` partition, flattened. The cells keep the
      place of a motion: the same upward flow is surprise at the brow and happiness at the mouth.
    - `average`, `max`: over the whole map (Lin et al. 2014, "Network in network", section 3.2).
    - `attention`: a mean weighted by a softmax over places, learnt by a 1x1 convolution.
    """

    classes: int
    units: int
    kind: HeadKind
    grid: int
    dropout: float
    train: bool

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w c"]
    ) -> tuple[Float[Array, "b k"], dict[str, Float[Array, "b ..."]]]:
        """Return the float32 logits, and the intermediates `pooled` (`attention`, `units`).

        `units` is (b, units, 3): logit of presence, logarithm of 1 + strength, and side before its
        hyperbolic tangent (`mace.losses.units`).
        """
        out = {}
        # A head has few numbers, and their sums should not be those of bfloat16.
        x = x.astype(jnp.float32)
        if self.kind == "grid":
            pooled = grid_pool(x, grid=self.grid)
            # Not `len(x)`: an exported program's batch has no size yet.
            pooled = pooled.reshape(x.shape[0], -1)
        elif self.kind == "average":
            pooled = x.mean((1, 2))
        elif self.kind == "max":
            pooled = x.max((1, 2))
        else:
            score = nn.Dense(1, kernel_init=he, name="attention")(x)
            weight = out["attention"] = jax.nn.softmax(score, axis=(1, 2))
            pooled = (x * weight).sum((1, 2))
        out["pooled"] = pooled
        pooled = Dropout(self.dropout, self.train)(pooled)
        if self.units:
            named = nn.Dense(3 * self.units, kernel_init=he, name="units")(pooled)
            out["units"] = named.reshape(x.shape[0], self.units, 3)
        return nn.Dense(self.classes, kernel_init=he, name="classes")(pooled), out


def make_head(
    config: ModelConfig, classes: int, *, train: bool, kind: HeadKind | None = None
) -> Head:
    """Return the head of a network; `kind` where the network has but one."""
    chosen = kind or config.head
    units = len(config.units)
    return Head(classes, units, chosen, config.head_grid, config.dropout, train, name="head")


class Dropout(nn.Module):
    """Flax's, whose rate may be an argument of a compiled program. Srivastava et al., JMLR 2014."""

    rate: float
    train: bool

    @nn.compact
    def __call__(self, x: Float[Array, "b ..."]) -> Float[Array, "b ..."]:
        """Return `x` without a share of its values, the others enlarged; all of it at inference."""
        if not self.train or not switched_on(self.rate):
            return x
        kept = jax.random.bernoulli(self.make_rng("dropout"), 1.0 - self.rate, x.shape)
        return jnp.where(kept, x / (1.0 - self.rate), 0.0)


def grid_pool(x: Float[Array, "b h w c"], *, grid: int) -> Float[Array, "b g g c"]:
    """Average `x` over a `grid` x `grid` partition whose cells may share a row if h % grid != 0.

    A cell i covers rows floor(i h / g) to ceil((i + 1) h / g), as PyTorch's adaptive pooling has
    it, so every input size gives the same number of features.
    """
    batch, height, width, channels = x.shape
    if height % grid == 0 and width % grid == 0:
        # Four times faster than the products, forth and back.
        cells = x.reshape(batch, grid, height // grid, grid, width // grid, channels)
        return cells.mean((2, 4))
    rows = jnp.asarray(pool_matrix(x.shape[1], grid), x.dtype)
    columns = jnp.asarray(pool_matrix(x.shape[2], grid), x.dtype)
    return jnp.einsum("gh,bhwc,kw->bgkc", rows, x, columns)


def pool_matrix(size: int, cells: int) -> Float[np.ndarray, "cells size"]:
    """Return the weights with which `grid_pool` averages along one side."""
    matrix = np.zeros((cells, size))
    for i in range(cells):
        start, stop = i * size // cells, -(-(i + 1) * size // cells)
        matrix[i, start:stop] = 1 / (stop - start)
    return matrix
