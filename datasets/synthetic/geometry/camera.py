"""The camera: where points of a turned head land in its picture."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Float64

# The head turns about a point between the ears; the camera looks at one a little above it.
PIVOT = np.array([0.0, 6.7, 0.2], np.float32)
LOOK_AT_Y = 0.38
AXIS = np.array([0, LOOK_AT_Y, 0], np.float32)
"""Where the camera's axis passes the turned head, from the pivot."""

DISTANCE = 11.0
"""Of the camera from the pivot in a clip, in decimetres."""


def rotation(pose: Float[np.ndarray, " 3"]) -> Float64[np.ndarray, "3 3"]:
    """Return the matrix of yaw, then pitch, then roll (positive: counter-clockwise as seen)."""
    (cy, cp, cr), (sy, sp, sr) = np.cos(pose), np.sin(pose)
    roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    return roll @ pitch @ yaw


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
        placed = (points.astype(np.float64) - PIVOT) @ self.turn.T - AXIS
        return placed[:, :2] * [1, -1] * (self.distance / (self.distance - placed[:, 2:]))

    def project(self, points: Float32[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 2"]:
        """Return positions in the picture in px."""
        return self.on_plane(points) @ self.linear.T + self.offset

    def then(self, linear: Float64[np.ndarray, "2 2"], offset: Float64[np.ndarray, " 2"]) -> "View":
        """Return the same camera with its picture moved."""
        return View(self.turn, self.distance, linear @ self.linear, linear @ self.offset + offset)


@dataclass(frozen=True)
class Pose:
    """One frame of a clip: angles in radians, shifts in px, scale in px per decimetre."""

    yaw: float
    pitch: float
    roll: float
    shift_x: float
    shift_y: float
    scale: float

    def view(self, width: int, height: int) -> View:
        """Return the camera that sees the head so in a frame of `width` x `height` px."""
        middle = np.array([width / 2 + self.shift_x, height / 2 + self.shift_y])
        turn = rotation(np.array([self.yaw, self.pitch, self.roll]))
        return View(turn, DISTANCE, np.eye(2) * self.scale, middle - 0.5)
