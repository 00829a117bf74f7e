"""Similarity transforms of the plane: fitted, fitted robustly, composed, inverted, applied.

A transform is the float64 matrix (2, 3) that OpenCV takes, mapping (x, y) px to (x, y) px.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Complex128, Float

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
    weights = np.ones(len(source)) if weights is None else weights
    return _matrix(*_solve(_moments(_plane(source), _plane(target)), weights))


class RobustFit(NamedTuple):
    """A similarity that outliers do not move."""

    transform: Transform
    weights: Float[np.ndarray, " n"]
    """What each point had to say, from 0 to 1."""
    error: float
    """Weighted root mean square of the residuals, px."""


def fit_robust(
    source: Points, target: Points, *, floor: float = 0.05, rounds: int = 3
) -> RobustFit:
    """Return the similarity that most of the points agree on.

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
    here, there = _plane(source), _plane(target)
    moments = _moments(here, there)
    # OpenCV refines on request; the rounds below do it better, and five times faster.
    transform = cv2.estimateAffinePartial2D(source, target, method=cv2.LMEDS, refineIters=0)[0]
    weights, half = np.ones(len(source)), len(source) // 2
    if transform is None:
        turn, shift = _solve(moments, weights)
    else:
        (a, _, x), (b, _, y) = transform.tolist()
        turn, shift = complex(a, b), complex(x, y)
    residuals = _residuals(here, there, turn, shift)
    for _ in range(rounds):
        limit = 4.685 * max(1.4826 * float(np.partition(residuals, half)[half]), floor)
        residuals /= limit
        residuals *= residuals
        weights = np.maximum(1 - residuals, 0)
        weights *= weights
        turn, shift = _solve(moments, weights)
        residuals = _residuals(here, there, turn, shift)
    error = math.sqrt(weights @ (residuals * residuals) / weights.sum())
    return RobustFit(_matrix(turn, shift), weights, error)


# In the complex plane a similarity is a line, z -> turn · z + shift. For a few dozen points NumPy's
# calls cost more than what they compute: the fewer, the better.


def _plane(points: Points) -> Complex128[np.ndarray, " n"]:
    return np.ascontiguousarray(points, np.float64).view(np.complex128)[:, 0]


def _matrix(turn: complex, shift: complex) -> Transform:
    a, b = turn.real, turn.imag
    return np.array([[a, -b, shift.real], [b, a, shift.imag]])


def _residuals(
    here: Complex128[np.ndarray, " n"],
    there: Complex128[np.ndarray, " n"],
    turn: complex,
    shift: complex,
) -> Float[np.ndarray, " n"]:
    """Return how far from `there` the points end up."""
    offset = turn * here
    offset += shift
    offset -= there
    return np.abs(offset)


def _moments(
    here: Complex128[np.ndarray, " n"], there: Complex128[np.ndarray, " n"]
) -> Complex128[np.ndarray, "5 n"]:
    """Return what is summed over the points z that go to t: 1, z, t, |z|² and z̄·t."""
    moments = np.empty((5, len(here)), np.complex128)
    conjugate = here.conj()
    moments[0], moments[1], moments[2] = 1, here, there
    np.multiply(conjugate, here, out=moments[3])
    np.multiply(conjugate, there, out=moments[4])
    return moments


def _solve(
    moments: Complex128[np.ndarray, "5 n"], weights: Float[np.ndarray, " n"]
) -> tuple[complex, complex]:
    """Return the turn and the shift that leave the least weighted squares."""
    total, here, there, square, product = (moments @ weights).tolist()
    spread = (square * total - here.conjugate() * here).real
    if not spread > 1e-9 * total.real * square.real:
        raise DataError("cannot fit a similarity to points that all lie in one place")
    turn = (product * total - here.conjugate() * there) / spread
    return turn, (there - turn * here) / total


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
