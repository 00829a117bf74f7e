"""Finite differences and a 3×3 median as shifted arrays, without a single gather."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

# Paeth's exchange network: after these 19 compare-and-swaps the fifth of nine values is the median.
# A. W. Paeth, "Median finding on a 3×3 grid", Graphics Gems, 1990.
_MEDIAN_OF_NINE = (
    *((1, 2), (4, 5), (7, 8), (0, 1), (3, 4), (6, 7), (1, 2), (4, 5), (7, 8)),
    *((0, 3), (5, 8), (4, 7), (3, 6), (1, 4), (2, 5), (4, 7), (4, 2), (6, 4), (4, 2)),
)


def derivative(
    field: Float[Array, "*shape"], axis: int, start: int = 0, stop: int | None = None
) -> Float[Array, "*part"]:
    """Return the derivative along `axis` per pixel: central, one-sided at the border.

    Only from `start` to `stop` on that axis. Apart from the border that leaves two slices and their
    difference, which XLA fuses into what follows.
    """
    n = field.shape[axis]
    stop = n if stop is None else stop

    def at(begin: int, end: int) -> Float[Array, "*part"]:
        return lax.slice_in_dim(field, begin, end, axis=axis)

    # Continued by a line beyond the border, so that the central difference is the one-sided one.
    behind, ahead = at(max(start - 1, 0), stop - 1), at(start + 1, min(stop + 1, n))
    if start == 0:
        behind = jnp.concatenate([2 * at(0, 1) - at(1, 2), behind], axis)
    if stop == n:
        ahead = jnp.concatenate([ahead, 2 * at(n - 1, n) - at(n - 2, n - 1)], axis)
    return 0.5 * (ahead - behind)


def forward_difference(field: Float[Array, "*shape"], axis: int) -> Float[Array, "*shape"]:
    """Return `field[i + 1] - field[i]` along `axis`, zero for the last `i`."""
    n = field.shape[axis]
    ahead = jnp.concatenate(
        [lax.slice_in_dim(field, 1, n, axis=axis), lax.slice_in_dim(field, n - 1, n, axis=axis)],
        axis=axis,
    )
    return ahead - field


def backward_difference(field: Float[Array, "*shape"], axis: int) -> Float[Array, "*shape"]:
    """Return `field[i] - field[i - 1]` along `axis`, where `field[-1]` is zero.

    On fields whose last entry is zero this is minus the adjoint of `forward_difference`, which
    makes their combination a true divergence.
    """
    n = field.shape[axis]
    start = jnp.zeros_like(lax.slice_in_dim(field, 0, 1, axis=axis))
    behind = jnp.concatenate([start, lax.slice_in_dim(field, 0, n - 1, axis=axis)], axis=axis)
    return field - behind


def median3x3(field: Float[Array, "*b h w"]) -> Float[Array, "*b h w"]:
    """Return the median over every pixel's 3×3 neighbourhood; the border repeats its pixels."""
    height, width = field.shape[-2:]
    padding = [(0, 0)] * (field.ndim - 2) + [(1, 1), (1, 1)]
    padded = jnp.pad(field, padding, mode="edge")
    values = [
        padded[..., row : row + height, column : column + width]
        for row in range(3)
        for column in range(3)
    ]
    for low, high in _MEDIAN_OF_NINE:
        values[low], values[high] = (
            jnp.minimum(values[low], values[high]),
            jnp.maximum(values[low], values[high]),
        )
    return values[4]
