"""Where the head lies in a pair: the canvas, its cells, and the camera that fills it.

The canvas is a square of 160 px at the scale of the face correction's 128-px crop (eye distance
51.2 px), which is its part `CROP`. It reaches from above the brows to below the chin. Positions are
in px with pixel centres at integers.
"""

import cv2
import numpy as np
from jaxtyping import Float, Float16, Float32, Float64

from mace.datasets.synthetic.camera import LOOK_AT_Y, PIVOT
from mace.motion.conventions import CANVAS, EYE_DISTANCE, EYE_HEIGHT

SIZE = CANVAS
CELLS = 64
CELL = SIZE / CELLS
_MIDDLE = (SIZE - 1) / 2
# Image left (the subject's right) first.
EYES = ((_MIDDLE - EYE_DISTANCE / 2, EYE_HEIGHT), (_MIDDLE + EYE_DISTANCE / 2, EYE_HEIGHT))
# The crop of the face correction: rows and columns of the canvas.
CROP = (slice(12, 140), slice(16, 144))
# Middle of that crop, about which errors of registration and framing turn and scale.
CENTRE = (79.5, 75.5)
# Where the camera's axis passes the turned head.
AXIS = np.array([0, LOOK_AT_Y, 0], np.float32)


def rotation(pose: Float[np.ndarray, " 3"]) -> Float64[np.ndarray, "3 3"]:
    """Rotation matrix of yaw, pitch, roll (radians), as `camera.rotation`."""
    (cy, cp, cr), (sy, sp, sr) = np.cos(pose), np.sin(pose)
    roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    return roll @ pitch @ yaw


def place(
    points: Float32[np.ndarray, "n 3"], pose: Float[np.ndarray, " 3"]
) -> Float32[np.ndarray, "n 3"]:
    """Turn points (decimetres) about the pivot; y is then measured from the camera's axis."""
    return (points - PIVOT) @ rotation(pose).T.astype(np.float32) - AXIS


def picture(placed: Float32[np.ndarray, "n 3"], distance: float) -> Float32[np.ndarray, "n 2"]:
    """Perspective picture of placed points at unit focal length, y down.

    `distance` is that of the camera from the pivot, in decimetres.
    """
    depth = np.float32(distance) - placed[:, 2]
    return np.stack([placed[:, 0] / depth, -placed[:, 1] / depth], 1)


def eye_similarity(eyes: Float[np.ndarray, "2 2"]) -> Float64[np.ndarray, "2 3"]:
    """The similarity that puts two eye centres of a picture in their place on the canvas."""
    here = np.asarray(eyes, np.float64) @ [1, 1j]
    there = np.asarray(EYES) @ [1, 1j]
    turn = (there[1] - there[0]) / (here[1] - here[0])
    shift = there[0] - turn * here[0]
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def on_cells(motion: Float32[np.ndarray, "n h w 2"]) -> Float16[np.ndarray, "n r r 2"]:
    """Average fields over the cells of the canvas."""
    size = (CELLS, CELLS)
    cells = [cv2.resize(field, size, interpolation=cv2.INTER_AREA) for field in motion]
    return np.stack(cells).astype(np.float16)
