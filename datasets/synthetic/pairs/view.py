"""Where a head lands on the canvas: the camera that every route of the pairs shares.

In words, so that another implementation can agree to the last bit of geometry:

1. A vertex p (dm) is placed at R(pose) (p - PIVOT) - (0, LOOK_AT_Y, 0) and seen at
   D / (D - z) * (x, -y), D being the camera's distance: a plane in dm, y down.
2. One similarity maps that plane onto the canvas, the same for both frames: it takes the eye centres
   (middle of the corners) of the resting face in its still pose to the canonical places, and then
   applies `framing` = (dx, dy, rotation, log scale).
3. The target's pose is the still pose plus head[:3]; its canvas position is then scaled by
   exp(head[5]) and shifted by head[3:5] eye distances.
4. Where `corrected`, the least-squares similarity from the target's rigid points to the
   reference's, both with their expression, is applied to the target.
5. `registration` = (dx, dy, rotation, log scale) is applied to the target.

Every rotation and scaling of 2, 3 and 5 is about the middle of the crop, and a positive rotation
turns x (right) towards y (down). Positions have pixel centres at integers.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from mace.datasets.synthetic.camera import LOOK_AT_Y, PIVOT, Pose, rotation
from mace.datasets.synthetic.config import CROP_EYE_DISTANCE
from mace.datasets.synthetic.landmarks import EYE_CORNERS, LANDMARKS

CANVAS = 160
"""Side of the canvas in px; the 128-px crop is `canvas[12:140, 16:144]`."""

EYES: Float64[np.ndarray, "2 2"] = np.array(
    [
        [79.5 - CROP_EYE_DISTANCE / 2, 58.08],
        [79.5 + CROP_EYE_DISTANCE / 2, 58.08],
    ]
)
"""Canonical eye centres on the canvas, image left first."""

CENTRE: Float64[np.ndarray, " 2"] = np.array([79.5, 75.5])
"""Middle of the crop on the canvas."""

RIGID: tuple[int, ...] = EYE_CORNERS + LANDMARKS[27:36]
"""Fine vertices that the face correction holds on to: eye corners, bridge and base of the nose."""


@dataclass(frozen=True)
class View:
    """One frame's camera: canvas = linear @ seen + offset."""

    turn: Float64[np.ndarray, "3 3"]
    distance: float
    linear: Float64[np.ndarray, "2 2"]
    offset: Float64[np.ndarray, " 2"]

    def project(self, points: Float32[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 2"]:
        """Canvas positions of vertices in dm."""
        return self.seen(points) @ self.linear.T + self.offset

    def seen(self, points: Float32[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 2"]:
        """Positions on the plane of the camera in dm, y down."""
        return seen(points, self.turn, self.distance)

    def then(self, linear: Float64[np.ndarray, "2 2"], offset: Float64[np.ndarray, " 2"]) -> "View":
        """The same camera, its picture moved on the canvas."""
        return View(
            self.turn, self.distance, linear @ self.linear, linear @ self.offset + offset
        )


def turn_of(pose: Float64[np.ndarray, " 3"]) -> Float64[np.ndarray, "3 3"]:
    """Rotation matrix of (yaw, pitch, roll) in radians."""
    return rotation(Pose(float(pose[0]), float(pose[1]), float(pose[2]), 0.0, 0.0, 1.0))


def seen(
    points: Float32[np.ndarray, "n 3"], turn: Float64[np.ndarray, "3 3"], distance: float
) -> Float64[np.ndarray, "n 2"]:
    """Perspective positions on the plane through the pivot in dm, y down."""
    placed = (points.astype(np.float64) - PIVOT) @ turn.T - [0, LOOK_AT_Y, 0]
    return placed[:, :2] * [1, -1] * (distance / (distance - placed[:, 2:]))


def about_centre(
    motion: Float64[np.ndarray, " 4"],
) -> tuple[Float64[np.ndarray, "2 2"], Float64[np.ndarray, " 2"]]:
    """The similarity of (dx, dy, rotation, log scale) about the middle of the crop."""
    dx, dy, angle, log_scale = (float(v) for v in motion)
    c, s = np.cos(angle) * np.exp(log_scale), np.sin(angle) * np.exp(log_scale)
    linear = np.array([[c, -s], [s, c]])
    return linear, CENTRE - linear @ CENTRE + [dx, dy]


def fit_similarity(
    source: Float64[np.ndarray, "n 2"], target: Float64[np.ndarray, "n 2"]
) -> tuple[Float64[np.ndarray, "2 2"], Float64[np.ndarray, " 2"]]:
    """Least-squares similarity that takes `source` to `target`.

    Source: Umeyama, Least-squares estimation of transformation parameters between two point
    patterns, PAMI 13(4), 1991, in its closed form for two dimensions.
    """
    from_middle, to_middle = source.mean(0), target.mean(0)
    p, q = source - from_middle, target - to_middle
    power = float((p * p).sum())
    a = float((p * q).sum()) / power
    b = float((p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]).sum()) / power
    linear = np.array([[a, -b], [b, a]])
    return linear, to_middle - linear @ from_middle


def still_view(
    corners: Float32[np.ndarray, "4 3"],
    *,
    pose: Float64[np.ndarray, " 3"],
    distance: float,
    framing: Float64[np.ndarray, " 4"],
) -> View:
    """The camera of the reference frame; `corners` are the resting face's `EYE_CORNERS`."""
    turn = turn_of(pose)
    eyes = seen(corners, turn, distance).reshape(2, 2, 2).mean(1)
    # Two points on two points: the least-squares similarity is exact.
    linear, offset = fit_similarity(eyes, EYES)
    return View(turn, distance, linear, offset).then(*about_centre(framing))


def moved_view(
    still: View, *, pose: Float64[np.ndarray, " 3"], head: Float64[np.ndarray, " 6"]
) -> View:
    """The camera of the target frame before any correction."""
    motion = np.array([*(head[3:5] * CROP_EYE_DISTANCE), 0.0, head[5]])
    turned = View(turn_of(pose + head[:3]), still.distance, still.linear, still.offset)
    return turned.then(*about_centre(motion))


def corrected_view(
    moved: View,
    *,
    target: Float64[np.ndarray, "n 2"],
    reference: Float64[np.ndarray, "n 2"],
    corrected: bool,
    registration: Float64[np.ndarray, " 4"],
) -> View:
    """The target's crop: its similarity motion taken out where `corrected`, then what is left.

    `target` and `reference` are the rigid points on the canvas before any correction.
    """
    view = moved.then(*fit_similarity(target, reference)) if corrected else moved
    return view.then(*about_centre(registration))
