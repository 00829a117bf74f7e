"""The convolution every network here is made of."""

import flax.linen as nn
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

he = nn.initializers.variance_scaling(2.0, "fan_in", "truncated_normal")
"""He et al. 2015, "Delving deep into rectifiers": the variance that survives a ReLU."""


def conv2d(
    x: Float[Array, "b h w c"],
    kernel: Float[Array, "kh kw i o"],
    *,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
) -> Float[Array, "b h2 w2 o"]:
    """Convolve `x` with an odd, possibly atrous kernel; stride 1 keeps the size.

    The zero padding is the same on both sides, `dilation * (k - 1) / 2`, so that a stride of 2
    samples the same pixels whatever the size (and as PyTorch does; JAX's "SAME" does not).
    The result has ceil(h / stride) rows.
    """
    rows, columns = (dilation * (k - 1) // 2 for k in kernel.shape[:2])
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(stride, stride),
        padding=((rows, rows), (columns, columns)),
        rhs_dilation=(dilation, dilation),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )


class Conv(nn.Module):
    """A convolution with float32 parameters `kernel` (HWIO) and, with `use_bias`, `bias`."""

    features: int
    size: int = 3
    stride: int = 1
    dilation: int = 1
    groups: int = 1
    use_bias: bool = True
    dtype: jnp.dtype = jnp.dtype(jnp.float32)

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 o"]:
        """Return the convolution of `x` in `dtype`."""
        shape = (self.size, self.size, x.shape[-1] // self.groups, self.features)
        kernel = self.param("kernel", he, shape, jnp.float32)
        y = conv2d(
            x.astype(self.dtype),
            kernel.astype(self.dtype),
            stride=self.stride,
            dilation=self.dilation,
            groups=self.groups,
        )
        if self.use_bias:
            bias = self.param("bias", nn.initializers.zeros_init(), (self.features,), jnp.float32)
            y = y + bias.astype(self.dtype)
        return y


class SeparableConv(nn.Module):
    """A depthwise 3x3 atrous convolution, then a pointwise one (Chen et al. 2018, DeepLabv3+)."""

    features: int
    dilation: int = 1
    use_bias: bool = True
    dtype: jnp.dtype = jnp.dtype(jnp.float32)

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w o"]:
        """Return the convolution of `x` in `dtype`."""
        channels = x.shape[-1]
        # fan-in of one window, as there is one input channel a group
        kernel = self.param("depthwise", he, (3, 3, 1, channels), jnp.float32)
        x = depthwise(x.astype(self.dtype), kernel.astype(self.dtype), dilation=self.dilation)
        pointwise = Conv(
            self.features, size=1, use_bias=self.use_bias, dtype=self.dtype, name="pointwise"
        )
        return pointwise(x)


def depthwise(
    x: Float[Array, "b h w c"], kernel: Float[Array, "kh kw 1 c"], *, dilation: int
) -> Float[Array, "b h w c"]:
    """Convolve each channel with its own kernel, as a sum of shifted products.

    XLA's grouped convolution has no fast path on the CPU; nine shifted multiply-adds fuse.
    """
    rows, columns = kernel.shape[:2]
    top, left = dilation * (rows - 1) // 2, dilation * (columns - 1) // 2
    padded = jnp.pad(x, ((0, 0), (top, top), (left, left), (0, 0)))
    height, width = x.shape[1:3]
    y = jnp.zeros_like(x)
    for i in range(rows):
        for j in range(columns):
            window = padded[:, i * dilation :][:, :height, j * dilation :][:, :, :width]
            y = y + window * kernel[i, j]
    return y
