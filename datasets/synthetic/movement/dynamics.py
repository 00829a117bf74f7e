"""How a movement grows and fades, and smooth random motion."""

import numpy as np
from jaxtyping import Float, Float32


def minimum_jerk(phase: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Smooth step from 0 to 1 while `phase` goes from 0 to 1, with velocity and acceleration 0.

    Source: Flash and Hogan, The coordination of arm movements, J. Neuroscience 5(7), 1985.
    """
    x = np.clip(phase, 0, 1)
    return x * x * x * (10 - 15 * x + 6 * x * x)


def envelope(
    time: Float[np.ndarray, " n"], *, start: float, rise: float, hold: float, fall: float
) -> Float[np.ndarray, " n"]:
    """Onset, apex plateau and offset of one movement; all times in seconds, the peak is 1."""
    up = minimum_jerk((time - start) / rise)
    return up * (1 - minimum_jerk((time - start - rise - hold) / fall))


def smooth_noise(
    rng: np.random.Generator, *, channels: int, frames: int, fps: float, hertz: float
) -> Float32[np.ndarray, "channels frames"]:
    """Random motion of unit-variance knots, `hertz` of them a second, joined by cubic splines.

    The phase of the knots is random, so that even a clip shorter than one knot interval moves.
    Source: Catmull and Rom, A class of local interpolating splines, 1974.
    """
    position = 1 + rng.random() + np.arange(frames) / fps * hertz
    knots = rng.standard_normal((channels, int(position[-1]) + 3))
    index = position.astype(int)
    f = position - index
    before, here, after, later = (knots[:, index + k] for k in (-1, 0, 1, 2))
    cubic = (
        2 * here
        + (after - before) * f
        + (2 * before - 5 * here + 4 * after - later) * f**2
        + (3 * here - before - 3 * after + later) * f**3
    )
    return (cubic / 2).astype(np.float32)
