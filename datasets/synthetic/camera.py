"""Where the head is and how it lands on the image."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

# The head turns about a point between the ears; the image is centred a little above it.
PIVOT = np.array([0.0, 6.7, 0.2], np.float32)
LOOK_AT_Y = 0.38
DISTANCE = 11.0


@dataclass(frozen=True)
class Pose:
    """One frame's pose: angles in radians, shifts in px, scale in px per decimetre."""

    yaw: float
    pitch: float
    roll: float
    shift_x: float
    shift_y: float
    scale: float


def rotation(pose: Pose) -> Float64[np.ndarray, "3 3"]:
    """Rotation matrix: yaw first, then pitch, then roll (positive: counter-clockwise as seen)."""
    cy, sy = np.cos(pose.yaw), np.sin(pose.yaw)
    cp, sp = np.cos(pose.pitch), np.sin(pose.pitch)
    cr, sr = np.cos(pose.roll), np.sin(pose.roll)
    roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    return roll @ pitch @ yaw


def place(points: Float32[np.ndarray, "n 3"], pose: Pose) -> Float32[np.ndarray, "n 3"]:
    """Turn the points about the pivot."""
    return (points - PIVOT) @ rotation(pose).T.astype(np.float32)


def project(
    placed: Float32[np.ndarray, "n 3"], pose: Pose, *, width: int, height: int
) -> Float32[np.ndarray, "n 3"]:
    """Perspective image position in px (edges at integers, y down) and depth (nearer is larger)."""
    zoom = np.float32(pose.scale * DISTANCE) / (np.float32(DISTANCE) - placed[:, 2])
    screen = np.empty_like(placed)
    screen[:, 0] = np.float32(width / 2 + pose.shift_x) + placed[:, 0] * zoom
    screen[:, 1] = (
        np.float32(height / 2 + pose.shift_y) - (placed[:, 1] - np.float32(LOOK_AT_Y)) * zoom
    )
    screen[:, 2] = placed[:, 2]
    return screen
