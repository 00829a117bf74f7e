"""How camera and face correction show the frames of a pair: the one geometry of both routes.

A point of the head in decimetres lands on the canvas in three steps: it is turned about the pivot,
seen in perspective, and moved by a similarity, which holds the still face's place, the motion of
the head in the image, what the correction takes out of it, and the errors of both crops.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from mace.datasets.synthetic.geometry.camera import LOOK_AT_Y, PIVOT
from mace.datasets.synthetic.pairs import canvas
from mace.datasets.synthetic.pairs.cast import Cast
from mace.datasets.synthetic.pairs.draw import Plans


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Views:
    """What to do with points of the head; the axis of 2 is reference and target.

    Attributes:
        turn: rotation about `PIVOT`.
        distance: of the camera in decimetres.
        similarity: from the unit picture (y down) to canvas px, pixel centres at integers.
    """

    turn: Float[Array, "*b 2 3 3"]
    distance: Float[Array, "*b"]
    similarity: Float[Array, "*b 2 2 3"]


def views(plans: Plans, cast: Cast) -> Views:
    """How each planned pair is seen; to be jitted.

    The correction of `corrected` pairs is the similarity that best takes the rigid points (eye
    corners, bridge and base of the nose) of the moved head back to where they were; it is not
    misled by the expression, whatever an estimated one is.
    """
    return jax.vmap(lambda plan: view(plan, cast))(plans)


def view(plan: Plans, cast: Cast) -> Views:
    """How one planned pair is seen."""
    entry = plan.entry
    anchors = jnp.asarray(cast.anchors)[jnp.asarray(cast.person)[entry]]
    pose, distance = jnp.asarray(cast.pose)[entry], jnp.asarray(cast.distance)[entry]
    turn = jnp.stack([_rotation(pose), _rotation(pose + plan.head[:3])])
    components = jnp.moveaxis(anchors, -1, 0)
    before, after = (project(components, turn[k], distance) for k in (0, 1))
    eyes = before[:, :4].reshape(2, 2, 2).mean(2)
    there = jnp.asarray(canvas.EYES, jnp.float32).T
    still = _fit(eyes, there)
    centre = jnp.asarray(canvas.CENTRE, jnp.float32)
    shift = plan.head[3:5] * canvas.EYE_DISTANCE
    moved = _compose(_about(centre, shift, jnp.zeros(()), plan.head[5]), still)
    corrected = _compose(_fit(apply(moved, after), apply(still, before)), moved)
    target = jnp.where(plan.corrected, corrected, moved)
    registration, framing = (
        _about(centre, error[:2], error[2], error[3]) for error in (plan.registration, plan.framing)
    )
    target = _compose(framing, _compose(registration, target))
    return Views(turn, distance, jnp.stack([_compose(framing, still), target]))


def project(
    points: Float[Array, "3 n"], turn: Float[Array, "3 3"], distance: Float[Array, ""]
) -> Float[Array, "2 n"]:
    """Unit picture of points in decimetres, y down.

    In sums: a fast matrix product would cost the digits that small displacements are made of.
    """
    x, y, z = (points[k] - float(PIVOT[k]) for k in range(3))
    across, up, towards = (turn[k, 0] * x + turn[k, 1] * y + turn[k, 2] * z for k in range(3))
    scale = 1 / (distance - towards)
    return jnp.stack([across * scale, (LOOK_AT_Y - up) * scale])


def apply(similarity: Float[Array, "2 3"], points: Float[Array, "2 n"]) -> Float[Array, "2 n"]:
    """Move points by a similarity."""
    x, y = points
    return jnp.stack([row[0] * x + row[1] * y + row[2] for row in similarity])


def _rotation(pose: Float[Array, "3"]) -> Float[Array, "3 3"]:
    (cy, cp, cr), (sy, sp, sr) = jnp.cos(pose), jnp.sin(pose)
    return jnp.stack(
        [
            jnp.stack([cr * cy - sr * sp * sy, -sr * cp, cr * sy + sr * sp * cy]),
            jnp.stack([sr * cy + cr * sp * sy, cr * cp, sr * sy - cr * sp * cy]),
            jnp.stack([-cp * sy, sp, cp * cy]),
        ]
    )


def _fit(here: Float[Array, "2 n"], there: Float[Array, "2 n"]) -> Float[Array, "2 3"]:
    """The similarity that takes points nearest to others, by least squares."""
    middle, goal = here.mean(1), there.mean(1)
    (x, y), (u, v) = here - middle[:, None], there - goal[:, None]
    size = jnp.sum(x * x + y * y)
    a, b = jnp.sum(x * u + y * v) / size, jnp.sum(x * v - y * u) / size
    return _matrix(a, b, goal - _turned(a, b, middle))


def _about(
    centre: Float[Array, "2"],
    shift: Float[Array, "2"],
    turn: Float[Array, ""],
    size: Float[Array, ""],
) -> Float[Array, "2 3"]:
    """The similarity that turns and scales about a point and then shifts."""
    a, b = jnp.exp(size) * jnp.cos(turn), jnp.exp(size) * jnp.sin(turn)
    return _matrix(a, b, centre + shift - _turned(a, b, centre))


def _turned(
    a: Float[Array, ""], b: Float[Array, ""], point: Float[Array, "2"]
) -> Float[Array, "2"]:
    return jnp.stack([a * point[0] - b * point[1], b * point[0] + a * point[1]])


def _matrix(
    a: Float[Array, ""], b: Float[Array, ""], shift: Float[Array, "2"]
) -> Float[Array, "2 3"]:
    return jnp.stack([jnp.stack([a, -b, shift[0]]), jnp.stack([b, a, shift[1]])])


def _compose(after: Float[Array, "2 3"], before: Float[Array, "2 3"]) -> Float[Array, "2 3"]:
    (a, b), shift = before[:, 0], before[:, 2]
    turned = _turned(after[0, 0], after[1, 0], jnp.stack([a, b]))
    return _matrix(turned[0], turned[1], _turned(after[0, 0], after[1, 0], shift) + after[:, 2])
