"""STSTNet: three shallow streams side by side, for motion images of 28 px.

Liong, Gan, See, Khor and Huang 2019, "Shallow triple stream three-dimensional CNN (STSTNet) for
micro-expression recognition", FG 2019. Every stream sees all three channels (u, v, strain): one
3x3 convolution with 3, 5 or 8 filters, ReLU, maximum of 3x3 px with stride 3; the streams are
joined, averaged over 2x2 px, and classified by one dense layer on 5 x 5 x 16 = 400 numbers.

With three classes 448 weights in the streams and 1,203 in the dense layer make 1,651. Choices that
the paper leaves open or that deviate:

- The convolutions pad by 1 px and the maximum by 1 px, so that 28 px become 28, 10 and 5. Padding
  the convolutions by 2, as is also found in public code, gives 10 px as well and loses nothing.
- The average over 2x2 px is MACNN's grid of 5 x 5 cells: the same at 28 px, and 400 numbers at
  every other size.
- Dropout before the dense layer is a setting; there is no normalisation.
- The three convolutions of one input are computed as one with 16 filters: the same numbers.
"""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from mace.models.config import ModelConfig
from mace.models.conv import he
from mace.models.conv_max import conv_max3
from mace.models.head import make_head


class Streams(nn.Module):
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


class STSTNet(nn.Module):
    """The network; of its configuration it uses `widths`, `head_grid`, `dropout` and `dtype`.

    Works for any input of at least 1 px and any number of channels.
    """

    config: ModelConfig
    classes: int
    axis_name: str | None = None
    """As other networks have it; this one has no batch statistics to average."""

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w c"], *, train: bool
    ) -> tuple[Float[Array, "b k"], dict[str, Float[Array, "b ..."]]]:
        """Return float32 logits and named intermediates; arguments as in `MACNN`."""
        config = self.config
        x = Streams(config, name="stem")(x)
        head = make_head(config, self.classes, train=train, kind="grid")
        logits, pooled = head(x)
        return logits, {"stem": x, "features": x} | pooled | {"logits": logits}
