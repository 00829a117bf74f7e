"""TV-L1 optical flow in JAX: total variation against an L1 brightness term, coarse to fine.

The field's standard flow, which OpenCV 5 no longer has. Sources: C. Zach, T. Pock, H. Bischof,
"A duality based approach for realtime TV-L1 optical flow", DAGM 2007; A. Wedel, T. Pock, C. Zach,
H. Bischof, D. Cremers, "An improved algorithm for TV-L1 optical flow", 2009; the discretisation is
that of J. Sánchez Pérez, E. Meinhardt-Llopis, G. Facciolo, "TV-L1 optical flow estimation", IPOL
2013. Pyramid, warp and stopping rule follow scikit-image's `optical_flow_tvl1`, so that the two
agree to about 1e-5 px on the same parameters (tests/motion/test_tvl1.py).
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from mace.motion.config import TvL1Config
from mace.motion.resample import apply_matrices, pyramid_matrix
from mace.motion.stencils import backward_difference, derivative, forward_difference, median3x3

_SMALLEST = 16  # a level is halved while its shorter side is more than twice this
_TIME_STEP = 0.25  # of the dual ascent: 0.5 / number of dimensions
_DUAL_STEPS = 2


@functools.partial(jax.jit, static_argnames="config")
def tvl1_flow(
    reference: Float[Array, "b h w"],
    target: Float[Array, "b h w"],
    *,
    config: TvL1Config = TvL1Config(),  # noqa: B008 - frozen, so sharing it is safe
) -> Float[Array, "b h w 2"]:
    """Return the TV-L1 flow (u, v) from references to targets.

    `target[y + v, x + u]` looks like `reference[y, x]`.

    Args:
        reference: float32 gray images in [0, 1], the scale that `attachment` is made for.
        target: images of the same shape.
        config: parameters; a new configuration or shape compiles anew (about 2 s).

    Returns:
        (u, v) in px of these images, x to the right and y down. A clip's flow does not depend on
        the others in the batch: each stops by its own tolerance.
    """
    flow = jax.vmap(functools.partial(_coarse_to_fine, config=config))(reference, target)
    return jnp.moveaxis(flow, 1, -1)[..., ::-1]


# Below, a field is (v, u) with the components first, so that axis i belongs to component i.
type _Field = Float[Array, "2 h w"]


def _coarse_to_fine(
    reference: Float[Array, "h w"], target: Float[Array, "h w"], *, config: TvL1Config
) -> Float[Array, "2 h w"]:
    levels = [jnp.stack([reference, target])]
    while min(levels[-1].shape[1:]) > 2 * _SMALLEST and len(levels) < 10:
        height, width = levels[-1].shape[1:]
        levels.append(apply_matrices(levels[-1], pyramid_matrix(height), pyramid_matrix(width)))
    flow = jnp.zeros((2, *levels[-1].shape[1:]), reference.dtype)
    for pair in reversed(levels):
        flow = _solve(pair[0], pair[1], _enlarge(flow, pair.shape[1:]), config)
    return flow


def _enlarge(flow: Float[Array, "2 h w"], shape: tuple[int, ...]) -> Float[Array, "2 i j"]:
    """Bring a field to the next level by the nearest pixel, corners on corners, and scale it."""
    if flow.shape[1:] == shape:
        return flow
    scale = [new / old for old, new in zip(flow.shape[1:], shape, strict=True)]
    for axis, (old, new) in enumerate(zip(flow.shape[1:], shape, strict=True)):
        nearest = np.floor(np.arange(new) * ((old - 1) / (new - 1)) + 0.5).astype(np.int32)
        flow = jnp.take(flow, nearest, axis=axis + 1)
    return flow * jnp.array(scale, flow.dtype)[:, None, None]


def _warp(image: Float[Array, "h w"], flow: Float[Array, "2 h w"]) -> Float[Array, "h w"]:
    """Sample the image bilinearly where the flow points, the border pixels repeated outside."""
    height, width = image.shape
    y = jnp.clip(jnp.arange(height, dtype=flow.dtype)[:, None] + flow[0], 0, height - 1)
    x = jnp.clip(jnp.arange(width, dtype=flow.dtype)[None, :] + flow[1], 0, width - 1)
    top, left = jnp.minimum(jnp.floor(y), height - 2), jnp.minimum(jnp.floor(x), width - 2)
    index = (top * width + left).astype(jnp.int32)
    flat = image.reshape(-1)

    def pick(offset: int) -> Float[Array, "h w"]:
        return flat.at[index + offset].get(mode="promise_in_bounds")

    down, right = y - top, x - left
    above = pick(0) * (1 - right) + pick(1) * right
    below = pick(width) * (1 - right) + pick(width + 1) * right
    return above * (1 - down) + below * down


def _solve(
    reference: Float[Array, "h w"],
    target: Float[Array, "h w"],
    flow: Float[Array, "2 h w"],
    config: TvL1Config,
) -> Float[Array, "2 h w"]:
    """Refine the flow on one level of the pyramid."""
    limit = config.attachment * config.tightness
    tolerance = config.tol * reference.size

    def one_warp(state):
        count, flow, dual, _ = state
        start = median3x3(flow) if config.prefilter else flow
        warped = _warp(target, start)
        gradient = jnp.stack([derivative(warped, 0), derivative(warped, 1)])
        squared = jnp.sum(gradient * gradient, axis=0)
        inverse = 1 / jnp.where(squared == 0, 1, squared)
        residual = warped - reference - jnp.sum(gradient * start, axis=0)

        def towards_data(field: Float[Array, "2 h w"]) -> Float[Array, "2 h w"]:
            # The L1 data term in closed form: a step along the gradient, at most `limit` long.
            rho = residual + jnp.sum(gradient * field, axis=0)
            return field - jnp.clip(rho * inverse, -limit, limit) * gradient

        def iterate(_, fields):
            field, dual = fields
            return _denoise(towards_data(field), dual, config.tightness)

        end, dual = lax.fori_loop(0, config.num_iter, iterate, (start, dual))
        # scikit-image compares with the field after the warp's first data step (with `prefilter`,
        # before the filter); following it keeps the number of warps, and so the result, the same.
        moved = end - (flow if config.prefilter else towards_data(start))
        return count + 1, end, dual, jnp.sum(moved * moved) < tolerance

    def unfinished(state):
        count, _, _, converged = state
        return (count < config.num_warp) & ~converged

    dual = jnp.zeros_like(flow)
    start = (jnp.int32(0), flow, (dual, dual), jnp.bool_(False))
    return lax.while_loop(unfinished, one_warp, start)[1]


def _denoise(
    noisy: _Field, dual: tuple[_Field, _Field], tightness: float
) -> tuple[_Field, tuple[_Field, _Field]]:
    """Take two steps of Chambolle's projection; `dual` holds its y and x parts per component."""
    dual_y, dual_x = dual
    field = noisy
    for _ in range(_DUAL_STEPS):
        slope_y, slope_x = forward_difference(field, 1), forward_difference(field, 2)
        length = jnp.sqrt(slope_y * slope_y + slope_x * slope_x)
        shrink = 1 / (1 + _TIME_STEP / tightness * length)
        dual_y = (dual_y - _TIME_STEP * slope_y) * shrink
        dual_x = (dual_x - _TIME_STEP * slope_x) * shrink
        field = noisy - backward_difference(dual_y, 1) - backward_difference(dual_x, 2)
    return field, (dual_y, dual_x)
