"""The canvas of a pair, its cells, and how heads come onto it.

The canvas is a square of 160 px at the scale of the face correction's 128-px crop (eye distance
51.2 px), which is its part `CROP`. It reaches from above the brows to below the chin. Positions are
in px with pixel centres at integers.

A point of a turned head is seen at (x, -y) / (D - z) from the distance D: the unit picture, y down.
A similarity, a matrix (2, 3), takes unit pictures to the canvas, or px of the canvas to others; all
functions of them take NumPy's arrays or JAX's.
"""

from typing import Any

import cv2
import numpy as np
from jaxtyping import Array, Float, Float16, Float32, Float64

from mace.datasets.synthetic.geometry.camera import LOOK_AT_Y, PIVOT, View, rotation
from mace.motion.config import EYE_DISTANCE
from mace.motion.conventions import CANVAS, EYE_HEIGHT

Some = Array | np.ndarray

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


def on_cells(motion: Float32[np.ndarray, "n h w 2"]) -> Float16[np.ndarray, "n r r 2"]:
    """Average fields over the cells of the canvas."""
    size = (CELLS, CELLS)
    cells = [cv2.resize(field, size, interpolation=cv2.INTER_AREA) for field in motion]
    return np.stack(cells).astype(np.float16)


def on_canvas(points: Float32[np.ndarray, "v 3"], view: View) -> Float32[np.ndarray, "v 3"]:
    """Canvas position (px) and depth of points in decimetres."""
    depth = (points - PIVOT) @ view.turn[2].astype(np.float32)
    return np.concatenate([view.project(points), depth[:, None]], 1).astype(np.float32)


def still_view(
    corners: Float32[np.ndarray, "4 3"], *, pose: Float64[np.ndarray, " 3"], distance: float
) -> View:
    """The camera that puts the eyes of a still face in their place on the canvas.

    Args:
        corners: of the eyes in dm, outer and inner of the subject's right one, then of the left.
        pose: yaw, pitch, roll in radians.
        distance: of the camera in dm.
    """
    turn = rotation(pose)
    return seen_by(turn, distance, lay(project(corners.astype(np.float64).T, turn, distance)))


def seen_by(
    turn: Float64[np.ndarray, "3 3"], distance: float, similarity: Float64[np.ndarray, "2 3"]
) -> View:
    """The camera that turns a head so and moves its unit picture by a similarity."""
    return View(turn, distance, similarity[:, :2] / distance, similarity[:, 2].copy())


def project(
    points: Float[Some, "3 n"], turn: Float[Some, "3 3"], distance: Float[Some, ""] | float
) -> Any:
    """Unit picture (2, n) of points (3, n) in decimetres.

    In sums: a fast matrix product would cost the digits that small displacements are made of.
    """
    x, y, z = (points[k] - float(PIVOT[k]) for k in range(3))
    across, up, towards = (turn[k, 0] * x + turn[k, 1] * y + turn[k, 2] * z for k in range(3))
    scale = 1 / (distance - towards)
    return points.__array_namespace__().asarray([across * scale, (LOOK_AT_Y - up) * scale])


def apply(similarity: Float[Some, "2 3"], points: Float[Some, "2 n"]) -> Any:
    """Move points (2, n) by a similarity (2, 3)."""
    x, y = points
    moved = [row[0] * x + row[1] * y + row[2] for row in similarity]
    return points.__array_namespace__().asarray(moved)


def lay(points: Float[Some, "2 n"]) -> Any:
    """The similarity that takes the middles of the eyes, whose corners come first, to `EYES`."""
    eyes = points[:, :4].reshape(2, 2, 2).mean(2)
    return fit(eyes, points.__array_namespace__().asarray(EYES, float).T)


def fit(here: Float[Some, "2 n"], there: Float[Some, "2 n"]) -> Any:
    """The similarity that takes points nearest to others, by least squares."""
    xp = here.__array_namespace__()
    middle, goal = here.mean(1), there.mean(1)
    (x, y), (u, v) = here - middle[:, None], there - goal[:, None]
    size = xp.sum(x * x + y * y)
    a, b = xp.sum(x * u + y * v) / size, xp.sum(x * v - y * u) / size
    return _matrix(a, b, goal - _turned(a, b, middle))


def about(shift: Float[Some, "2"], turn: Any, size: Any) -> Any:
    """The similarity that turns and scales about the middle of the crop and then shifts."""
    xp = shift.__array_namespace__()
    centre = xp.asarray(CENTRE, float)
    a, b = xp.exp(size) * xp.cos(turn), xp.exp(size) * xp.sin(turn)
    return _matrix(a, b, centre + shift - _turned(a, b, centre))


def _turned(a: Any, b: Any, point: Float[Some, "2"]) -> Any:
    x, y = point
    return point.__array_namespace__().asarray([a * x - b * y, b * x + a * y])


def _matrix(a: Any, b: Any, shift: Float[Some, "2"]) -> Any:
    return shift.__array_namespace__().asarray([[a, -b, shift[0]], [b, a, shift[1]]])


def compose(after: Float[Some, "2 3"], before: Float[Some, "2 3"]) -> Any:
    """The similarity that moves by one and then by another."""
    (a, b), shift = before[:, 0], before[:, 2]
    turned = _turned(after[0, 0], after[1, 0], after.__array_namespace__().asarray([a, b]))
    shift = _turned(after[0, 0], after[1, 0], shift) + after[:, 2]
    return _matrix(turned[0], turned[1], shift)
