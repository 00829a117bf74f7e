"""The camera: where points of a turned head land in its picture."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64

# The head turns about a point between the ears; the camera looks at one a little above it.
PIVOT = np.array([0.0, 6.7, 0.2], np.float32)
LOOK_AT_Y = np.float32(0.38)

DISTANCE = 11.0
"""Of the camera from the pivot in a clip, in decimetres."""


def rotation(pose: Any) -> Any:
    """Return the matrix of yaw, then pitch, then roll (positive: counter-clockwise as seen).

    `pose` is an array of NumPy or JAX of these three, in radians.
    """
    xp = pose.__array_namespace__()
    (cy, cp, cr), (sy, sp, sr) = xp.cos(pose), xp.sin(pose)
    return xp.asarray(
        [
            [cr * cy - sr * sp * sy, -sr * cp, cr * sy + sr * sp * cy],
            [sr * cy + cr * sp * sy, cr * cp, sr * sy - cr * sp * cy],
            [-cp * sy, sp, cp * cy],
        ]
    )


@dataclass(frozen=True)
class View:
    """One frame's camera.

    Points are turned about the pivot, seen in perspective on the plane through it (dm, y down), and
    moved into the picture as linear @ point + offset, px with pixel centres at integers.

    Attributes:
        turn: rotation about `PIVOT`.
        distance: of the camera from it in decimetres.
        linear: px per decimetre.
        offset: px.
    """

    turn: Float64[np.ndarray, "3 3"]
    distance: float
    linear: Float64[np.ndarray, "2 2"]
    offset: Float64[np.ndarray, " 2"]

    def on_plane(self, points: Float32[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 2"]:
        """Return positions on the plane through the pivot in dm, y down."""
        placed = (points.astype(np.float64) - PIVOT) @ self.turn.T
        zoom = self.distance / (self.distance - placed[:, 2:])
        return (placed[:, :2] - [0, LOOK_AT_Y]) * [1, -1] * zoom

    def project(self, points: Float32[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 2"]:
        """Return positions in the picture in px."""
        return self.on_plane(points) @ self.linear.T + self.offset


def facing(
    pose: Float64[np.ndarray, " 3"], *, scale: float, middle: Float64[np.ndarray, " 2"]
) -> View:
    """Return the camera of a frame of a clip.

    Args:
        pose: yaw, pitch, roll of the head in radians.
        scale: px per decimetre.
        middle: where the camera's axis meets the frame, px from its corner.
    """
    return View(rotation(pose), DISTANCE, np.eye(2) * scale, middle - 0.5)
