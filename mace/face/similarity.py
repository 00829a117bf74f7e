"""Similarity transforms of the plane: fitted, fitted robustly, composed, inverted, applied.

A transform is the float64 matrix (2, 3) that OpenCV takes, mapping (x, y) px to (x, y) px.
"""

import math

import cv2
import numpy as np
from jaxtyping import Float

from mace.errors import DataError

type Transform = Float[np.ndarray, "2 3"]
type Points = Float[np.ndarray, "n 2"]

IDENTITY: Transform = np.eye(2, 3)


def fit_similarity(
    source: Points, target: Points, weights: Float[np.ndarray, " n"] | None = None
) -> Transform:
    """Return the rotation, scale and shift that bring `source` closest to `target`.

    Weighted least squares, in closed form.

    Raises:
        DataError: if all source points with weight coincide, for which there is no answer.
    """
    return _solve(_moments(source, target), np.ones(len(source)) if weights is None else weights)


def fit_robust(
    source: Points, target: Points, *, floor: float = 0.05, rounds: int = 3
) -> tuple[Transform, Float[np.ndarray, " n"]]:
    """Return a similarity that outliers do not move, and each point's weight from 0 to 1.

    Starts from the least median of squares, then reweights with Tukey's biweight, whose scale is
    the median absolute residual: gross outliers get no say, and points that a blink or a twitch
    shifts a little get less of it.

    Args:
        source: at least three points.
        target: where they went.
        floor: residuals below it are taken as noise, px.
        rounds: of reweighting.

    Raises:
        DataError: if the points are fewer than three or coincide.
    """
    if len(source) < 3:
        raise DataError(f"cannot fit a similarity robustly to {len(source)} points; 3 are needed")
    moments = _moments(source, target)
    # OpenCV refines on request; the rounds below do it better, and five times faster.
    transform = cv2.estimateAffinePartial2D(source, target, method=cv2.LMEDS, refineIters=0)[0]
    weights, half = np.ones(len(source)), len(source) // 2
    if transform is None:
        transform = _solve(moments, weights)
    for _ in range(rounds):
        squares = _squares(moments, transform)
        middle = math.sqrt(np.partition(squares, half)[half])
        limit = 4.685 * max(1.4826 * middle, floor)
        weights = np.maximum(1 - squares / limit**2, 0)
        weights *= weights
        transform = _solve(moments, weights)
    return transform, weights


def _moments(source: Points, target: Points) -> Float[np.ndarray, "8 n"]:
    """Return what is summed over the points: 1, x, y, u, v, |x|², x·u and x×u."""
    moments = np.empty((8, len(source)))
    moments[0], moments[1:3], moments[3:5] = 1, source.T, target.T
    _, x, y, u, v = moments[:5]
    moments[5:] = x * x + y * y, x * u + y * v, x * v - y * u
    return moments


def _squares(moments: Float[np.ndarray, "8 n"], transform: Transform) -> Float[np.ndarray, " n"]:
    """Return the squared distances of the transformed points (x, y) from (u, v)."""
    (a, b, x), (c, d, y) = transform.tolist()
    # One product for a few dozen points: NumPy's calls cost more than what they compute.
    offset = np.array([[x, a, b, -1.0, 0.0], [y, c, d, 0.0, -1.0]]) @ moments[:5]
    offset *= offset
    return offset[0] + offset[1]


def _solve(moments: Float[np.ndarray, "8 n"], weights: Float[np.ndarray, " n"]) -> Transform:
    """Minimise the weighted squares of a·(x, y) rotated and shifted less (u, v)."""
    total, x, y, u, v, square, dot, cross = (moments @ weights).tolist()
    spread = square * total - (x * x + y * y)
    if not spread > 1e-9 * total * square:
        raise DataError("cannot fit a similarity to points that all lie in one place")
    a = (dot * total - (x * u + y * v)) / spread
    b = (cross * total - (x * v - y * u)) / spread
    shift = (u - a * x + b * y) / total, (v - b * x - a * y) / total
    return np.array([[a, -b, shift[0]], [b, a, shift[1]]])


def apply(transform: Transform, points: Points) -> Points:
    """Return where `transform` takes `points`."""
    return points @ transform[:, :2].T + transform[:, 2]


def compose(outer: Transform, inner: Transform) -> Transform:
    """Return the transform that applies `inner`, then `outer`."""
    (a, b, x), (c, d, y) = outer.tolist()
    (e, f, u), (g, h, v) = inner.tolist()
    return np.array(
        [
            [a * e + b * g, a * f + b * h, a * u + b * v + x],
            [c * e + d * g, c * f + d * h, c * u + d * v + y],
        ]
    )


def invert(transform: Transform) -> Transform:
    """Return the inverse; of a frame-to-crop transform, the one that draws on the frame.

    Raises:
        DataError: if the transform flattens the plane.
    """
    # Six numbers: Python's own arithmetic is ten times faster than NumPy's.
    (a, b, x), (c, d, y) = transform.tolist()
    determinant = a * d - b * c
    if not abs(determinant) > 1e-12:
        raise DataError("cannot invert a transform that flattens the plane")
    a, b, c, d = d / determinant, -b / determinant, -c / determinant, a / determinant
    return np.array([[a, b, -(a * x + b * y)], [c, d, -(c * x + d * y)]])


def scale(transform: Transform) -> float:
    """Return by how much `transform` enlarges."""
    return math.hypot(transform[0, 0], transform[1, 0])
