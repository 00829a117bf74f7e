"""HTNet: transformer layers over blocks of patches, which are merged level by level.

Wang, Zhang, Luo and Sankaranarayana 2024, "HTNet for micro-expression recognition", Neurocomputing
602, with the settings of the authors' training on three databases. Images of 28 px: u, v, strain.

| layer | output at 28 px |
|---|---|
| 4 x 4 patches of 7 px, each one dense layer | 4 x 4 x 256 |
| 2 layers of 3 heads in 4 x 4 blocks; merge | 2 x 2 x 512 |
| 2 layers of 6 heads in 2 x 2 blocks; merge | 1 x 1 x 1,024 |
| 10 layers of 12 heads | 1 x 1 x 1,024 |
| layer norm over channels, mean over places, dense | 3 |

A layer: y = x + attention(norm(x)), y + dense(GELU(dense(norm(y)))), four times as wide inside; a
block's places share one learnt number each for their position. Merging: 3x3 convolution, layer
norm, maximum of 3x3 px with stride 2. With 4 x 4 patches in as many blocks *each block holds one
patch*, so that a softmax over one place is all the attention does: what mixes places is the merging
alone.

Choices: heads do not divide the width (256 / 3), so a head has floor(width / heads) numbers, and
behind the heads a dense layer widens them again, as the authors' code has it. Positions begin at 0,
not at random. The authors put the image together from four crops of 14 px, around the eyes and the
corners of the mouth of a detected face; here it is the corrected face itself, whose parts are where
they are on every face. Other sizes, a multiple of 4 px, change the patch.

Known answer: 139,582,982 weights with three classes, and the logits of a PyTorch model of the same
layers (benchmarks/zoo_torch.py); the authors give no number.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from mace.errors import ConfigError
from mace.models.classifier import Classifier
from mace.models.conv import Conv, he
from mace.models.layers import channel_norm, classify, max_pool
from mace.models.stem import space_to_depth

PATCHES = 4
"""A side; halved by each merging."""
HEADS = 3
"""Of the first level; doubled by each merging."""


class LayerNorm(nn.Module):
    """Over the channels of each place."""

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """Return the normalised `x` in its type."""
        shape = (x.shape[-1],)
        scale = self.param("scale", nn.initializers.ones_init(), shape, jnp.float32)
        bias = self.param("bias", nn.initializers.zeros_init(), shape, jnp.float32)
        return channel_norm(x, scale, bias)


class Layer(nn.Module):
    """Attention among the places of a block, then a dense network at each place."""

    heads: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """Return what a block becomes."""
        batch, height, width, channels = x.shape
        size = channels // self.heads
        y = LayerNorm(name="norm1")(x).reshape(batch, height * width, channels)
        inside = self.heads * size
        all_of = nn.Dense(
            3 * inside, use_bias=False, kernel_init=he, dtype=self.dtype, name="attend"
        )(y)
        query, key, value = (
            part.reshape(batch, height * width, self.heads, size)
            for part in jnp.split(all_of, 3, axis=-1)
        )
        score = jnp.einsum("bihd,bjhd->bhij", query, key) * size**-0.5
        weight = jax.nn.softmax(score.astype(jnp.float32)).astype(self.dtype)
        y = jnp.einsum("bhij,bjhd->bihd", weight, value).reshape(batch, height, width, inside)
        x = x + nn.Dense(channels, kernel_init=he, dtype=self.dtype, name="join")(y)
        y = LayerNorm(name="norm2")(x)
        y = nn.Dense(4 * channels, kernel_init=he, dtype=self.dtype, name="widen")(y)
        y = nn.gelu(y, approximate=False)
        return x + nn.Dense(channels, kernel_init=he, dtype=self.dtype, name="narrow")(y)


class Level(nn.Module):
    """Layers within blocks of places."""

    depth: int
    heads: int
    blocks: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """Return the map; its places are dealt to `blocks` x `blocks` blocks."""
        batch, height, width, channels = x.shape
        rows, columns = height // self.blocks, width // self.blocks
        x = x.reshape(batch, self.blocks, rows, self.blocks, columns, channels).swapaxes(2, 3)
        x = x.reshape(batch * self.blocks**2, rows, columns, channels)
        zeros = nn.initializers.zeros_init()
        position = self.param("position_bias", zeros, (rows * columns,), jnp.float32)
        x = x + position.reshape(rows, columns, 1).astype(self.dtype)
        for i in range(1, self.depth + 1):
            x = Layer(self.heads, self.dtype, name=f"layer{i}")(x)
        x = x.reshape(batch, self.blocks, self.blocks, rows, columns, channels).swapaxes(2, 3)
        return x.reshape(batch, height, width, channels)


class HTNet(Classifier):
    """The network; of its configuration it uses `units` and `dtype`."""

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w c"], *, train: bool
    ) -> tuple[Float[Array, "b k"], dict[str, Float[Array, "b ..."]]]:
        """Return float32 logits and named intermediates; arguments as in `MACNN`.

        Raises:
            ConfigError: for images that 4 x 4 patches do not divide.
        """
        config, dtype = self.config, jnp.dtype(self.config.dtype)
        height, width = x.shape[1:3]
        if height != width or height % PATCHES:
            raise ConfigError(
                f"HTNet cuts images into {PATCHES} x {PATCHES} patches, but they are {height} x "
                f"{width} px; give it a side that {PATCHES} divides, such as 28"
            )
        x = space_to_depth(x.astype(dtype), block=height // PATCHES)
        x = Conv(config.widths[0], size=1, dtype=dtype, name="patches")(x)
        levels = len(config.widths)
        for i, depth in enumerate(config.depths):
            blocks = 2 ** (levels - 1 - i)
            x = Level(depth, HEADS * 2**i, blocks, dtype, name=f"level{i + 1}")(x)
            if i + 1 < levels:
                conv = Conv(config.widths[i + 1], dtype=dtype, form=self.form, name=f"merge{i + 1}")
                x = LayerNorm(name=f"merge{i + 1}_norm")(conv(x))
                x = max_pool(x, size=3, stride=2, padding=1)
        x = LayerNorm(name="norm")(x).mean((1, 2))
        return classify(config, self.classes, x, train=train, dropout=False)
