"""A 3x3 convolution and the maximum of 3x3 px behind it, in one: the first layer of STSTNet.

Windows of 3x3 px that do not overlap, behind a kernel of 3x3: of each window's nine places, every
one is a *phase*, and what the kernel sees at a phase of all windows are again blocks that do not
overlap. So each phase is one transposition of the input and one matrix product, the maximum and
its gradient are elementwise over the phases, and all of it stays fast inside of a loop, mapped
over the weights of several networks, and in the cache (benchmarks/README.md).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

PHASES = tuple((i, j) for i in range(3) for j in range(3))


@jax.custom_vjp
def conv_max3(
    x: Float[Array, "b h w i"], kernel: Float[Array, "3 3 i o"]
) -> Float[Array, "b h2 w2 o"]:
    """Convolve with a padding of 1, and take maxima of 3x3 px with stride 3 and a padding of 1.

    There are floor((h - 1) / 3) + 1 rows. The gradient goes to the first of equal values. Only
    reverse-mode derivatives are defined.
    """
    return _forward(x, kernel)[0]


def _rows(size: int) -> int:
    return (size - 1) // 3 + 1


def _blocks(x: Array) -> list[Float[Array, "n t"]]:
    """Return for each phase what the kernel sees in every window, tap by tap."""
    batch, height, width, channels = x.shape
    rows, columns, wide = _rows(height), _rows(width), 3 * channels
    x = jnp.pad(x, ((0, 0), (2, 3 * rows - height), (2, 3 * columns - width), (0, 0)))
    x = x.reshape(batch, 3 * rows + 2, -1)
    blocks = []
    for i, j in PHASES:
        seen = x[:, i : i + 3 * rows, j * channels : j * channels + columns * wide]
        seen = seen.reshape(batch, rows, 3, columns, wide).swapaxes(2, 3)
        blocks.append(seen.reshape(-1, 9 * channels))
    return blocks


def _inside(phase: tuple[int, int], shape: tuple[int, ...]) -> np.ndarray:
    """Return which windows have the phase inside of the map, (h2, w2, 1)."""
    rows, columns = (
        (place := 3 * np.arange(_rows(size)) + offset - 1, (place >= 0) & (place < size))[1]
        for offset, size in zip(phase, shape, strict=True)
    )
    return (rows[:, None] & columns)[:, :, None]


def _forward(x: Array, kernel: Array) -> tuple[Array, tuple[list[Array], Array, Array, Array]]:
    blocks = _blocks(x)
    shape = (x.shape[0], *map(_rows, x.shape[1:3]), kernel.shape[-1])
    lowest = jnp.finfo(x.dtype).min
    best = jnp.full(shape, lowest, x.dtype)
    # One byte: the choice is read nine times on the way back.
    chosen = jnp.zeros(shape, jnp.int8)
    for number, (phase, seen) in enumerate(zip(PHASES, blocks, strict=True)):
        value = (seen @ kernel.reshape(-1, shape[-1])).reshape(shape)
        inside = _inside(phase, x.shape[1:3])
        if not inside.all():
            value = jnp.where(inside, value, lowest)
        chosen = jnp.where(value > best, jnp.int8(number), chosen)
        best = jnp.maximum(value, best)
    # An array without elements, to remember the size by.
    return best, (blocks, chosen, kernel, jnp.zeros((0, *x.shape[1:]), x.dtype))


def _backward(
    saved: tuple[list[Array], Array, Array, Array], gradient: Array
) -> tuple[Array, Array]:
    blocks, chosen, kernel, like = saved
    filters = kernel.shape[-1]
    # As rows of filters the gradient is the left factor, and no block needs to be transposed.
    rows = (gradient.reshape(-1, filters).T, chosen.reshape(-1, filters).T)
    gradient, chosen = lax.optimization_barrier(rows)
    total = jnp.zeros((filters, blocks[0].shape[-1]), jnp.float32)
    seen_gradients = []
    for number, seen in enumerate(blocks):
        part = jnp.where(chosen == number, gradient, jnp.zeros((), gradient.dtype))
        total += jnp.matmul(part, seen, preferred_element_type=jnp.float32)
        seen_gradients.append(part.T @ kernel.reshape(-1, filters).T)
    windows = _rows(like.shape[1]) * _rows(like.shape[2])
    images = jax.ShapeDtypeStruct((gradient.shape[1] // windows, *like.shape[1:]), like.dtype)
    (dx,) = jax.linear_transpose(_blocks, images)(seen_gradients)
    return dx, total.T.reshape(kernel.shape).astype(kernel.dtype)


conv_max3.defvjp(_forward, _backward)
