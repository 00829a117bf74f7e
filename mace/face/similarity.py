"""Similarity transforms of the plane: fitted, fitted robustly, composed, inverted, applied.

A transform is the float64 matrix (2, 3) that OpenCV takes, mapping (x, y) px to (x, y) px.
"""

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

    Weighted least squares in closed form: a point is a complex number, a similarity z ↦ az + b.

    Raises:
        DataError: if all source points with weight coincide, for which there is no answer.
    """
    z, w = source[:, 0] + 1j * source[:, 1], target[:, 0] + 1j * target[:, 1]
    share = np.full(len(z), 1 / len(z)) if weights is None else weights / weights.sum()
    z_mean, w_mean = share @ z, share @ w
    spread = share @ np.abs(z - z_mean) ** 2
    if not spread > 0:
        raise DataError("cannot fit a similarity to points that all lie in one place")
    a = (share * np.conj(z - z_mean)) @ (w - w_mean) / spread
    b = w_mean - a * z_mean
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def fit_robust(
    source: Points, target: Points, *, floor: float = 0.05, rounds: int = 4
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
    transform = cv2.estimateAffinePartial2D(source, target, method=cv2.LMEDS)[0]
    if transform is None:
        transform = fit_similarity(source, target)
    weights = np.ones(len(source))
    for _ in range(rounds):
        residual = np.hypot(*(apply(transform, source) - target).T)
        limit = 4.685 * max(1.4826 * float(np.median(residual)), floor)
        weights = np.clip(1 - (residual / limit) ** 2, 0, None) ** 2
        transform = fit_similarity(source, target, weights)
    return transform, weights


def apply(transform: Transform, points: Points) -> Points:
    """Return where `transform` takes `points`."""
    return points @ transform[:, :2].T + transform[:, 2]


def compose(outer: Transform, inner: Transform) -> Transform:
    """Return the transform that applies `inner`, then `outer`."""
    result = outer[:, :2] @ inner
    result[:, 2] += outer[:, 2]
    return result


def invert(transform: Transform) -> Transform:
    """Return the inverse; of a frame-to-crop transform, the one that draws on the frame.

    Raises:
        DataError: if the transform flattens the plane.
    """
    linear = transform[:, :2]
    determinant = linear[0, 0] * linear[1, 1] - linear[0, 1] * linear[1, 0]
    if not abs(determinant) > 1e-12:
        raise DataError("cannot invert a transform that flattens the plane")
    a, b, c, d = linear.ravel()
    inverse = np.array([[d, -b], [-c, a]]) / determinant
    return np.column_stack([inverse, -inverse @ transform[:, 2]])


def scale(transform: Transform) -> float:
    """Return by how much `transform` enlarges."""
    return float(np.hypot(transform[0, 0], transform[1, 0]))
