"""The exact motion of a pair: what a perfect flow of its two crops would be, in JAX."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from mace.datasets.synthetic.pairs import canvas
from mace.datasets.synthetic.pairs.cast import Cast
from mace.datasets.synthetic.pairs.draw import Plans
from mace.datasets.synthetic.pairs.views import view

# Pairs a CPU works on at once, so that their vertices stay in its cache: twice as fast.
_TOGETHER = 8


def exact_fields(plans: Plans, cast: Cast) -> Float[Array, "b r r 2"]:
    """Displacement (u right, v down) in crop px from reference to target at the canvas's cells.

    A pure function of static shapes, to be jitted, alone or inside a training step. Vertices of
    both frames are projected and their displacement is interpolated within the triangle that each
    cell shows, as the renderer's truth does. Where a point lies is taken from the resting face: a
    reference that already moves by d px has its field displaced by d.

    Args:
        plans: what happens; leading axis b.
        cast: whom it happens to, on the device (`Cast.on_device`).

    Returns:
        float32 fields of `canvas.CELLS` cells of 2.5 px along each side; 0 beside the head.
    """
    if jax.default_backend() == "cpu":
        return jax.lax.map(lambda plan: exact_field(plan, cast), plans, batch_size=_TOGETHER)
    return jax.vmap(lambda plan: exact_field(plan, cast))(plans)


def exact_field(plan: Plans, cast: Cast) -> Float[Array, "r r 2"]:
    """The field of one pair."""
    person = jnp.asarray(cast.entries.person)[plan.entry]
    pair = view(plan, cast)
    rest = jnp.asarray(cast.average) + jnp.asarray(cast.offsets)[person].astype(jnp.float32)
    weights = jnp.stack([plan.reference, plan.target])
    deltas = jnp.asarray(cast.deltas)
    moved = jnp.einsum("fu,ucv->fcv", weights, deltas, precision=jax.lax.Precision.HIGHEST)
    posed = [
        _round_eyes(rest + moved[k], rest, jnp.asarray(cast.eye_centres)[person], cast.eyes)
        for k in (0, 1)
    ]
    places = [
        canvas.apply(pair.similarity[k], canvas.project(posed[k], pair.turn[k], pair.distance))
        for k in (0, 1)
    ]
    # Barriers: fused into the gathers, every value would be computed again for each use.
    shift = jax.lax.optimization_barrier(places[1] - places[0])
    field = jax.lax.optimization_barrier(_at_cells(shift, plan, cast))
    return _framed(field, plan.framing)


def _round_eyes(
    points: Float[Array, "3 v"],
    rest: Float[Array, "3 v"],
    centres: Float[Array, "2 3"],
    eyes: tuple[int, int],
) -> Float[Array, "3 v"]:
    """Keep the vertices of the eyeballs, which come last, at their distance from the centre."""
    parts, end = [points[:, : points.shape[1] - sum(eyes)]], points.shape[1] - sum(eyes)
    for count, centre in zip(eyes, centres, strict=True):
        ball, still = (p[:, end : end + count] - centre[:, None] for p in (points, rest))
        radius = jnp.sqrt(jnp.sum(still * still, 0) / jnp.sum(ball * ball, 0))
        parts.append(centre[:, None] + ball * radius)
        end += count
    return jnp.concatenate(parts, 1)


def _at_cells(values: Float[Array, "2 v"], plan: Plans, cast: Cast) -> Float[Array, "r r 2"]:
    """Interpolate a value per vertex within the triangle that each cell shows; 0 without one."""
    triangle = jnp.asarray(cast.entries.triangle)[plan.entry].astype(jnp.int32)
    weights = jnp.asarray(cast.entries.weights)[plan.entry].astype(jnp.float32)
    corners = jnp.asarray(cast.faces)[jnp.maximum(triangle, 0)].astype(jnp.int32)
    at = values.T[corners]
    second, third = weights[..., :1], weights[..., 1:]
    field = at[:, :, 0] * (1 - second - third) + at[:, :, 1] * second + at[:, :, 2] * third
    return jnp.where(triangle[..., None] >= 0, field, 0.0)


def _framed(field: Float[Array, "r r 2"], framing: Float[Array, "4"]) -> Float[Array, "r r 2"]:
    """Take the field, whose vectors are right already, from where the framing puts each cell."""
    side = field.shape[0]
    middle = (jnp.asarray(canvas.CENTRE, jnp.float32) + 0.5) / canvas.CELL - 0.5
    shift = framing[:2] / canvas.CELL
    index = jnp.arange(side, dtype=jnp.float32)
    x = index[None, :] - middle[0] - shift[0]
    y = index[:, None] - middle[1] - shift[1]
    size, cosine, sine = jnp.exp(-framing[3]), jnp.cos(framing[2]), jnp.sin(framing[2])
    column = middle[0] + size * (cosine * x + sine * y)
    row = middle[1] + size * (cosine * y - sine * x)
    return sample(field, row, column)


def sample(
    field: Float[Array, "h w c"], row: Float[Array, "y x"], column: Float[Array, "y x"]
) -> Float[Array, "y x c"]:
    """Interpolate a field linearly at positions in its cells; 0 outside."""
    top, left = jnp.floor(row), jnp.floor(column)
    down, right = row - top, column - left
    total = jnp.zeros((*row.shape, field.shape[-1]), field.dtype)
    height, width = field.shape[:2]
    for dy, wy in ((0, 1 - down), (1, down)):
        for dx, wx in ((0, 1 - right), (1, right)):
            y, x = top.astype(jnp.int32) + dy, left.astype(jnp.int32) + dx
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            value = field[jnp.clip(y, 0, height - 1), jnp.clip(x, 0, width - 1)]
            total = total + value * jnp.where(inside, wy * wx, 0.0)[..., None]
    return total
