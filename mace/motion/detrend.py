"""Taking the head's own motion out of a flow field of the face."""

from typing import Literal

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from mace.motion.median import median_of_positive
from mace.motion.resample import area_matrix, resize

_SCALE_FLOOR = 0.02  # px; below this a residual is noise of the flow, not motion


def remove_head_motion(
    flow: Float[Array, "b h w 2"],
    *,
    method: Literal["none", "median", "affine"],
    grid: int = 32,
    rounds: int = 8,
) -> Float[Array, "b h w 2"]:
    """Return the flow without the motion of the head that registration left over.

    `median` takes out the median of each component; `affine` a field a + Bx fitted robustly, so
    that what moves locally, such as a brow, is neither removed nor smeared over the face.

    Args:
        flow: (u, v) in px.
        method: what to remove; `none` returns the flow as it is.
        grid: most cells a side that the fit sees.
        rounds: of reweighting.

    Source: P. J. Huber, "Robust Statistics", 1981 (iteratively reweighted least squares, scale by
    the median absolute residual), with the weights of S. Geman and D. E. McClure, 1987.
    """
    if method == "none":
        return flow
    # The fit sees cell means on a grid: six numbers need no more.
    grid = min(grid, *flow.shape[1:3])
    cells = jnp.moveaxis(resize(jnp.moveaxis(flow, -1, 1), grid), 1, -1).reshape(-1, grid**2, 2)
    if method == "median":
        return flow - jnp.median(cells, axis=1)[:, None, None, :]
    return flow - _affine_field(cells, grid, (flow.shape[1], flow.shape[2]), rounds).reshape(
        flow.shape
    )


def _affine_field(
    cells: Float[Array, "b n 2"], grid: int, shape: tuple[int, int], rounds: int
) -> Float[Array, "b p 2"]:
    height, width = shape
    basis = _basis(shape)
    # Averaged as the flow was, so that an affine field has an exact fit at any size of crop.
    coarse = np.einsum("ih,hwk,jw->ijk", area_matrix(height, grid), basis, area_matrix(width, grid))
    columns = jnp.asarray(coarse.reshape(-1, 3), cells.dtype)

    def improve(_, coefficients: Float[Array, "b 3 2"]) -> Float[Array, "b 3 2"]:
        squared = jnp.sum((cells - _combine(columns, coefficients)) ** 2, axis=-1)
        scale = jnp.maximum(median_of_positive(squared)[..., None], _SCALE_FLOOR**2)
        return _weighted_fit(columns, cells, 1 / (1 + squared / scale) ** 2)

    start = _weighted_fit(columns, cells, jnp.ones(cells.shape[:2], cells.dtype))
    coefficients = lax.fori_loop(0, rounds, improve, start)
    return _combine(jnp.asarray(basis.reshape(-1, 3), cells.dtype), coefficients)


def _basis(shape: tuple[int, int]) -> Float[np.ndarray, "h w 3"]:
    """Return 1, x and y at the pixel centres, x and y from -1 to 1 over the image."""
    height, width = shape
    y, x = np.meshgrid(
        (2 * np.arange(height) + 1) / height - 1,
        (2 * np.arange(width) + 1) / width - 1,
        indexing="ij",
    )
    return np.stack([np.ones_like(x), x, y], axis=-1)


def _combine(
    basis: Float[Array, "n 3"], coefficients: Float[Array, "b 3 2"]
) -> Float[Array, "b n 2"]:
    return jnp.einsum("ni,bic->bnc", basis, coefficients, precision="highest")


def _weighted_fit(
    basis: Float[Array, "n 3"], values: Float[Array, "b n 2"], weights: Float[Array, "b n"]
) -> Float[Array, "b 3 2"]:
    weighted = basis[None] * weights[..., None]
    normal = jnp.einsum("bni,nj->bij", weighted, basis, precision="highest")
    right = jnp.einsum("bni,bnc->bic", weighted, values, precision="highest")
    return jnp.linalg.solve(normal, right)
