"""The convolution every network here is made of."""

import functools
import math
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

type Form = Literal["native", "products"]
"""How a convolution is written: as XLA's own, or as a matrix product of shifted copies.

Products stay fast where XLA's convolution on a CPU is not: inside of a loop, whose gradients it
runs 7 to 30 times slower, and mapped over the weights of several networks, which makes a grouped
convolution of it; as a product it becomes one of a batch. They need nine times the memory of the
maps, and for large maps they are 3 to 4 times slower."""

he = nn.initializers.variance_scaling(2.0, "fan_in", "truncated_normal")
"""He et al. 2015, "Delving deep into rectifiers": the variance that survives a ReLU."""

TINY_MAP = 2 * 3
"""Largest output, in pixels, that is a product in either form: XLA has no fast convolution on a CPU
for maps that are smaller than the kernel, and is 40 to 200 times slower there."""

CACHED_BYTES, WIDE, MOST_BYTES = 5_000_000, 128, 1_000_000_000
"""On a CPU a weight gradient is taken from shifted copies where these fit the cache; or where they
have so many channels that the product gains more than the memory costs, up to a limit."""


def conv2d(
    x: Float[Array, "b h w i"],
    kernel: Float[Array, "kh kw i o"],
    *,
    stride: int = 1,
    dilation: int = 1,
    form: Form = "native",
) -> Float[Array, "b h2 w2 o"]:
    """Convolve `x` with an odd, possibly atrous kernel; stride 1 keeps the size.

    The zero padding is the same on both sides, `dilation * (k - 1) / 2`, so that a stride of 2
    samples the same pixels whatever the size (and as PyTorch does; JAX's "SAME" does not).
    The result has ceil(h / stride) rows. Only reverse-mode derivatives are defined.

    The value and the gradient are those of `lax.conv_general_dilated`; how they are computed is
    chosen by what is fast on a CPU (`benchmarks/convolutions.py`):

    - a 1x1 kernel is a matrix product, whose weight gradient is 1.4 to 3 times faster;
    - the weight gradient of a larger kernel is one product of shifted copies or XLA's, as
      `takes_copies` says; an accelerator takes its own;
    - a tiny map is a product in either form.
    """
    if kernel.shape[:2] == (1, 1) and stride == 1:
        return x @ kernel[0, 0]
    height, width = ((n - 1) // stride + 1 for n in x.shape[1:3])
    if form == "native" and height * width > TINY_MAP:
        return _conv(x, kernel, stride, dilation)
    product = _product if stride == 1 else _product_of_copies
    return product(x, kernel, stride, dilation)


def native_conv(
    x: Float[Array, "b h w i"],
    kernel: Float[Array, "kh kw j o"],
    *,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
) -> Float[Array, "b h2 w2 o"]:
    """Return the same as `conv2d` by XLA's convolution alone, in both directions.

    Each output channel sees the `j = i / groups` input channels of its group.
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


def _copies(
    x: Float[Array, "b h w c"], size: tuple[int, ...], stride: int, dilation: int
) -> Float[Array, "b h2 w2 t"]:
    """Return what each place's window sees, tap by tap, as one map with kh kw c channels."""
    rows, columns = size[:2]
    top, left = dilation * (rows - 1) // 2, dilation * (columns - 1) // 2
    height, width = ((n - 1) // stride + 1 for n in x.shape[1:3])

    def taps(count: int, length: int) -> list[tuple[int, int, int]]:
        starts = [i * dilation for i in range(count)]
        return [(start, start + stride * (length - 1) + 1, stride) for start in starts]

    # Columns first: a picture's 3 channels are a short piece to copy, 3 x 3 of them a longer one.
    x = jnp.pad(x, ((0, 0), (top, top), (left, left), (0, 0)))
    # Not by indexing, which becomes a gather where the size of the batch is not known yet.
    x = jnp.concatenate([lax.slice_in_dim(x, *part, axis=2) for part in taps(columns, width)], -1)
    return jnp.concatenate([lax.slice_in_dim(x, *part, axis=1) for part in taps(rows, height)], -1)


def _product_of_copies(x: Array, kernel: Array, stride: int, dilation: int) -> Array:
    copies = _copies(x, kernel.shape, stride, dilation)
    return copies @ kernel.reshape(-1, kernel.shape[-1])


_product = jax.custom_vjp(_product_of_copies, nondiff_argnums=(2, 3))


def _product_forward(
    x: Array, kernel: Array, stride: int, dilation: int
) -> tuple[Array, tuple[Array, Array]]:
    copies = _copies(x, kernel.shape, stride, dilation)
    y = copies @ kernel.reshape(-1, kernel.shape[-1])
    return y, (copies if _copies_input(kernel) else x, kernel)


def _product_backward(
    stride: int, dilation: int, saved: tuple[Array, Array], gradient: Array
) -> tuple[Array, Array]:
    """Return both gradients from shifted copies of the output's gradient, or of a narrow input."""
    x, kernel = saved
    rows, columns, inputs, outputs = kernel.shape
    copies = _copies(gradient, kernel.shape, stride, dilation)
    mirrored = kernel[::-1, ::-1]
    dx = copies @ mirrored.swapaxes(2, 3).reshape(-1, inputs)
    if _copies_input(kernel):
        product = jnp.einsum("bhwi,bhwo->io", x, gradient)
        return dx, product.reshape(kernel.shape)
    product = jnp.einsum("bhwi,bhwo->io", x, copies)
    product = product.reshape(inputs, rows, columns, outputs)[:, ::-1, ::-1]
    return dx, product.transpose(1, 2, 0, 3)


def _copies_input(kernel: Array) -> bool:
    # Less to copy, where a first layer needs no gradient of its input.
    return 2 * kernel.shape[2] <= kernel.shape[3]


_product.defvjp(_product_forward, _product_backward)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _conv(x: Array, kernel: Array, stride: int, dilation: int) -> Array:
    return native_conv(x, kernel, stride=stride, dilation=dilation)


def _forward(
    x: Array, kernel: Array, stride: int, dilation: int
) -> tuple[Array, tuple[Array, Array]]:
    return _conv(x, kernel, stride, dilation), (x, kernel)


def _backward(
    stride: int, dilation: int, saved: tuple[Array, Array], gradient: Array
) -> tuple[Array, Array]:
    x, kernel = saved
    # Else XLA fuses the mask of the ReLU before into each of the nine copies.
    gradient = lax.optimization_barrier(gradient)
    conv = functools.partial(native_conv, stride=stride, dilation=dilation)
    (dx,) = jax.vjp(lambda x: conv(x, kernel), x)[1](gradient)

    def native(x: Array, gradient: Array) -> Array:
        return jax.vjp(lambda kernel: conv(x, kernel), kernel)[1](gradient)[0]

    def shifted(x: Array, gradient: Array) -> Array:
        return shifted_gradient(x, gradient, kernel.shape[:2], stride=stride, dilation=dilation)

    if takes_copies(gradient.shape, kernel.shape, stride=stride, itemsize=x.dtype.itemsize):
        return dx, lax.platform_dependent(x, gradient, cpu=shifted, default=native)
    return dx, native(x, gradient)


_conv.defvjp(_forward, _backward)


def takes_copies(
    output: tuple[int, ...], kernel: tuple[int, ...], *, stride: int = 1, itemsize: int = 4
) -> bool:
    """Return whether a weight gradient on a CPU is a product of shifted copies, by shapes.

    Copied are the channels of the output's gradient, or, with a stride, those of the input.
    """
    rows, columns, inputs, outputs = kernel
    channels = outputs if stride == 1 else inputs
    size = math.prod(output[:3]) * rows * columns * channels * itemsize
    return size <= (MOST_BYTES if channels >= WIDE else CACHED_BYTES)


def shifted_gradient(
    x: Float[Array, "b h w i"],
    gradient: Float[Array, "b h2 w2 o"],
    size: tuple[int, ...],
    *,
    stride: int,
    dilation: int,
) -> Float[Array, "kh kw i o"]:
    """Return the weight gradient as one matrix product over all pixels of the batch.

    Tap (i, j) correlates the output's gradient with the input moved by the tap's offset. Without
    stride it is the gradient that is moved, since XLA's product reads the unmoved operand once
    for all taps; with a stride the input's samples are gathered instead.
    """
    rows, columns = size
    top, left = (dilation * (k - 1) // 2 for k in size)
    (height, width), channels = gradient.shape[1:3], x.shape[-1]
    taps = [(i, j) for i in range(rows) for j in range(columns)]
    if stride == 1:
        moved = jnp.pad(gradient, ((0, 0), (top, top), (left, left), (0, 0)))
        # The mirror image of the tap's offset, as the other operand is moved.
        starts = [((rows - 1 - i) * dilation, (columns - 1 - j) * dilation) for i, j in taps]
        parts = [moved[:, y : y + height, x0 : x0 + width] for y, x0 in starts]
        product = jnp.einsum("bhwi,bhwo->io", x, jnp.concatenate(parts, -1))
        return product.reshape(channels, rows, columns, -1).transpose(1, 2, 0, 3)
    moved = jnp.pad(x, ((0, 0), (top, top), (left, left), (0, 0)))
    starts = [(i * dilation, j * dilation) for i, j in taps]
    parts = [
        moved[:, y : y + stride * (height - 1) + 1 : stride][
            :, :, x0 : x0 + stride * (width - 1) + 1 : stride
        ]
        for y, x0 in starts
    ]
    product = jnp.einsum("bhwi,bhwo->io", jnp.concatenate(parts, -1), gradient)
    return product.reshape(rows, columns, channels, -1)


class Conv(nn.Module):
    """A convolution with float32 parameters `kernel` (HWIO) and, with `use_bias`, `bias`."""

    features: int
    size: int = 3
    stride: int = 1
    dilation: int = 1
    use_bias: bool = True
    dtype: jnp.dtype = jnp.dtype(jnp.float32)
    form: Form = "native"

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 o"]:
        """Return the convolution of `x` in `dtype`."""
        shape = (self.size, self.size, x.shape[-1], self.features)
        kernel = self.param("kernel", he, shape, jnp.float32)
        y = conv2d(
            x.astype(self.dtype),
            kernel.astype(self.dtype),
            stride=self.stride,
            dilation=self.dilation,
            form=self.form,
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
