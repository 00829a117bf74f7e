"""Resizing and smoothing as two small matrix products with constant matrices.

Every linear, separable resampling of an `n` × `m` image is `A @ image @ B.T`. The matrices are made
once with NumPy in float64, so that a jitted caller sees constants: nothing to trace, no gather.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

type Framing = tuple[float, float, float, float]
"""Left, top, right and bottom, as shares of an image."""


@functools.lru_cache(maxsize=64)
def gaussian_matrix(n: int, sigma: float) -> Float[np.ndarray, "n n"]:
    """Return the float64 matrix of a Gaussian filter of `sigma` px, cut at 4σ.

    The border repeats by reflection about the edge of the outermost pixel.
    """
    radius = int(4 * sigma + 0.5)
    offsets = np.arange(-radius, radius + 1)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    kernel /= kernel.sum()
    matrix = np.zeros((n, n))
    rows = np.repeat(np.arange(n), offsets.size)
    columns = (rows + np.tile(offsets, n)) % (2 * n)
    columns = np.where(columns < n, columns, 2 * n - 1 - columns)
    np.add.at(matrix, (rows, columns), np.tile(kernel, n))
    return matrix


@functools.lru_cache(maxsize=64)
def linear_matrix(n: int, size: int) -> Float[np.ndarray, "size n"]:
    """Return the float64 matrix that interpolates `n` samples linearly at `size` pixel centres."""
    position = np.clip((np.arange(size) + 0.5) * n / size - 0.5, 0, n - 1)
    left = np.minimum(position.astype(int), max(n - 2, 0))
    fraction = position - left
    matrix = np.zeros((size, n))
    rows = np.arange(size)
    np.add.at(matrix, (rows, left), 1 - fraction)
    np.add.at(matrix, (rows, np.minimum(left + 1, n - 1)), fraction)
    return matrix


@functools.lru_cache(maxsize=64)
def area_matrix(n: int, size: int) -> Float[np.ndarray, "size n"]:
    """Return the float64 matrix that averages `n` samples over `size` equal stretches.

    An output pixel is the mean of what it covers, which is its own anti-aliasing filter. Making a
    signal longer (`size` > `n`) interpolates linearly instead.
    """
    if size > n:
        return linear_matrix(n, size)
    edges = np.arange(size + 1) * n / size
    low, high = edges[:-1, None], edges[1:, None]
    pixel = np.arange(n)[None, :]
    covered = np.minimum(high, pixel + 1) - np.maximum(low, pixel)
    return np.clip(covered, 0, None) * size / n


@functools.lru_cache(maxsize=64)
def pyramid_matrix(n: int) -> Float[np.ndarray, "half n"]:
    """Return the float64 matrix that smooths `n` samples (σ = 2/3 px) and keeps every second.

    The level has ⌈n/2⌉ samples, as scikit-image's `pyramid_reduce` makes it.
    """
    return linear_matrix(n, math.ceil(n / 2)) @ gaussian_matrix(n, 2 / 3)


def apply_matrices(
    image: Float[Array, "*b h w"], rows: Float[np.ndarray, "i h"], columns: Float[np.ndarray, "j w"]
) -> Float[Array, "*b i j"]:
    """Return `rows @ image @ columns.T` in the image's dtype, at full float32 precision.

    Precision is asked for by name: the default on a TPU or a recent GPU is coarser, and flow in
    hundredths of a pixel would feel it.
    """
    dtype = image.dtype
    return jnp.einsum(
        "ih,...hw,jw->...ij",
        rows.astype(dtype),
        image,
        columns.astype(dtype),
        precision=jax.lax.Precision.HIGHEST,
    )


def resize(image: Float[Array, "*b h w"], size: int) -> Float[Array, "*b size size"]:
    """Return the image at `size` × `size`: area average when it shrinks, linear when it grows.

    A side that is a multiple of `size` is averaged block by block, in a fifth of a product's time.
    """
    # Blocks first: they leave less for the product.
    for axis in sorted((-2, -1), key=lambda axis: image.shape[axis] % size):
        length = image.shape[axis]
        if length == size:
            continue
        if length % size == 0:
            before, after = image.shape[:axis], image.shape[image.ndim + axis + 1 :]
            image = image.reshape(*before, size, length // size, *after).mean(axis)
        else:
            matrix = area_matrix(length, size).astype(image.dtype)
            subscripts = "ih,...hw->...iw" if axis == -2 else "jw,...hw->...hj"
            image = jnp.einsum(subscripts, matrix, image, precision=jax.lax.Precision.HIGHEST)
    return image


def window(image: Float[Array, "*b h w"], framing: Framing) -> tuple[int, int, int, int]:
    """Return top, bottom, left and right of a framing, in whole pixels of the image."""
    height, width = image.shape[-2:]
    left, top, right, bottom = framing
    return round(top * height), round(bottom * height), round(left * width), round(right * width)


def cut(image: Float[Array, "*b h w"], framing: Framing) -> Float[Array, "*b i j"]:
    """Return what a framing shows of the image, in whole pixels."""
    top, bottom, left, right = window(image, framing)
    if (top, bottom, left, right) == (0, image.shape[-2], 0, image.shape[-1]):
        return image
    return image[..., top:bottom, left:right]


def cut_windows(
    images: Float[Array, "b h w c"], framings: Float[Array, "b 4"], *, size: int
) -> Float[Array, "b size size c"]:
    """Return a framing of each image at `size` x `size`; framings may be traced, and reach out.

    Each output pixel is a mean under a triangle as wide as the step between two of them; what lies
    outside of the image repeats its edge.
    """
    height, width = images.shape[1:3]
    left, top, right, bottom = jnp.moveaxis(framings, -1, 0)
    rows = _window_matrices(top * height, bottom * height, height, size)
    columns = _window_matrices(left * width, right * width, width, size)
    # An accelerator would round a flow to the eleven bits of TF32 here.
    return jnp.einsum("bih,bhwc,bjw->bijc", rows, images, columns, precision="highest")


def _window_matrices(
    start: Float[Array, " b"], stop: Float[Array, " b"], cells: int, size: int
) -> Float[Array, "b size cells"]:
    """Return matrices that sample [start, stop) (edges of cells at integers) at `size` places."""
    step = (stop - start)[:, None] / size
    places = start[:, None] + (jnp.arange(size, dtype=jnp.float32) + 0.5) * step - 0.5
    places = jnp.clip(places, 0.0, cells - 1.0)
    reach = jnp.maximum(step, 1.0)[..., None]
    distance = jnp.abs(places[..., None] - jnp.arange(cells, dtype=jnp.float32))
    weights = jnp.maximum(1 - distance / reach, 0.0)
    return weights / jnp.sum(weights, axis=-1, keepdims=True)


def smooth(image: Float[Array, "*b h w"], sigma: float) -> Float[Array, "*b h w"]:
    """Return the image under a Gaussian of `sigma` px; `sigma` = 0 returns it as it is."""
    if sigma == 0:
        return image
    height, width = image.shape[-2:]
    return apply_matrices(image, gaussian_matrix(height, sigma), gaussian_matrix(width, sigma))
