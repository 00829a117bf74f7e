"""How camera and face correction show the frames of a pair: the one geometry of both routes.

1. A vertex p (dm) is placed at R(pose) (p - PIVOT) - (0, LOOK_AT_Y, 0) and seen at
   (x, -y) / (D - z), D being the camera's distance: the unit picture, y down.
2. One similarity maps that picture onto the canvas, the same for both frames: it takes the eye
   centres (middle of the corners) of the resting face in its still pose to the canonical places.
3. The target's pose is the still pose plus head[:3]; its canvas position is then scaled by
   exp(head[5]) and shifted by head[3:5] eye distances.
4. Where `corrected`, the target is moved by the least-squares similarity that takes the rigid
   points (eye corners, bridge and base of the nose) of the resting face, as the target's camera
   sees them, to where the reference's does; it is not misled by the expression, whatever an
   estimated one is.
5. `registration` (dx, dy, rotation, log scale) is applied to the target, then `framing` to both.

Every rotation and scaling of 3 and 5 is about the middle of the crop, and a positive rotation turns
x (right) towards y (down). Positions have pixel centres at integers. Of NumPy arrays, views are
computed in float64, of JAX's in float32.
"""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Float64

from mace.datasets.synthetic.geometry.camera import View, rotation
from mace.datasets.synthetic.pairs.canvas import (
    Some,
    about,
    apply,
    compose,
    fit,
    lay,
    project,
    seen_by,
)
from mace.datasets.synthetic.pairs.cast import Cast
from mace.datasets.synthetic.pairs.draw import Plans
from mace.motion.config import EYE_DISTANCE


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Views:
    """What to do with points of the head; the axis of 2 is reference and target.

    Attributes:
        turn: rotation about `PIVOT`.
        distance: of the camera in decimetres.
        similarity: from the unit picture to canvas px.
        standing: the target's, were the crop left where it was.
    """

    turn: Float[Some, "*b 2 3 3"]
    distance: Float[Some, "*b"]
    similarity: Float[Some, "*b 2 2 3"]
    standing: Float[Some, "*b 2 3"]

    def cameras(self) -> tuple[View, View]:
        """The cameras of one pair's reference and target; of NumPy arrays."""
        (first, second), (reference, target) = map(np.asarray, (self.turn, self.similarity))
        distance = float(self.distance)
        return seen_by(first, distance, reference), seen_by(second, distance, target)

    def crop(self) -> tuple[Float64[np.ndarray, "2 2"], Float64[np.ndarray, " 2"]]:
        """What the correction does to one pair's target, as (linear, offset) on the canvas.

        From where a camera that stands still sees a point to where the crop shows it, beyond what
        the framing does to both.
        """
        target, standing = np.asarray(self.similarity[1]), np.asarray(self.standing)
        linear = target[:, :2] @ np.linalg.inv(standing[:, :2])
        return linear, target[:, 2] - linear @ standing[:, 2]


def view(plan: Plans, cast: Cast) -> Views:
    """How one planned pair is seen; the fields of the plan have no leading axis."""
    xp = plan.head.__array_namespace__()

    def exact(values: Any) -> Any:
        return xp.asarray(values, float)

    entry, entries = plan.entry, cast.entries
    anchors = exact(xp.asarray(cast.anchors)[xp.asarray(entries.person)[entry]])
    pose, distance = (exact(xp.asarray(v)[entry]) for v in (entries.pose, entries.distance))
    head, registration, framing = map(exact, (plan.head, plan.registration, plan.framing))
    turn = xp.asarray([rotation(pose), rotation(pose + head[:3])])
    components = xp.moveaxis(anchors, -1, 0)
    before, after = (project(components, turn[k], distance) for k in (0, 1))
    still = lay(before)
    moved = compose(about(head[3:5] * EYE_DISTANCE, exact(0), head[5]), still)
    corrected = compose(fit(apply(moved, after), apply(still, before)), moved)
    target = xp.where(plan.corrected, corrected, moved)
    shaken, framed = (about(error[:2], error[2], error[3]) for error in (registration, framing))
    target = compose(framed, compose(shaken, target))
    similarity = xp.asarray([compose(framed, still), target])
    return Views(turn, distance, similarity, compose(framed, moved))
