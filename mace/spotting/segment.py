"""Movements in a piece of signal: where a pulse has its feet, and how high it is."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, eq=False)
class Pulse:
    """A movement that rose and fell, in samples of the signal it was found in.

    Attributes:
        onset: where it begins, between two samples.
        apex: the sample where it is highest.
        offset: where it ends, between two samples.
        heights: px above the rest, of every region.
        returned: share of the rise that was undone, 1 if the face is back where it was.
    """

    onset: float
    apex: int
    offset: float
    heights: Float[np.ndarray, " r"]
    returned: float


def bump(signal: Float[np.ndarray, "n r 2"], at: int, half: int) -> Float[np.ndarray, "r 2"]:
    """Return how far each region is from the middle between `half` samples before and after.

    Constant and linear parts cancel, a pulse shorter than 2·`half` samples keeps its height at the
    apex.
    """
    return signal[at] - (signal[at - half] + signal[at + half]) / 2


def course(
    signal: Float[np.ndarray, "n r 2"],
    pattern: Float[np.ndarray, "r 2"],
    weights: Float[np.ndarray, " r"],
) -> Float[np.ndarray, " n"]:
    """Return how much of `pattern` is in each sample, by weighted least squares; no unit."""
    weighted = pattern * weights[:, None]
    return np.einsum("nrc,rc->n", signal, weighted) / np.sum(weighted * pattern)


def delineate(
    signal: Float[np.ndarray, "n r 2"],
    apex: int,
    *,
    pattern: Float[np.ndarray, "r 2"],
    weights: Float[np.ndarray, " r"],
    before: int,
    after: int,
    edge: float,
) -> Pulse | None:
    """Return the pulse about `apex`, or None if the signal does not rise to it and fall.

    The regions are seen as one: what counts is how much of `pattern` the face shows. The rest on
    either side is the least of it within `before` and `after` samples; onset and offset lie where
    the share `edge` of the way up from there is crossed.

    Args:
        signal: displacements of the regions.
        apex: sample of the peak, roughly.
        pattern: displacements that make the movement.
        weights: of the regions, more where there is less noise.
        before: samples searched.
        after: likewise.
        edge: share of the height.
    """
    start, stop = max(apex - before, 0), min(apex + after + 1, len(signal))
    along = course(signal[start:stop], pattern, weights)
    here = apex - start
    # The peak of the whole pattern may lie a little beside that of the strongest region.
    reach = slice(max(here - 3, 0), here + 4)
    here = reach.start + int(along[reach].argmax())
    left = int(along[: here + 1].argmin())
    right = here + int(along[here:].argmin())
    peak, low, high = along[here], *sorted((along[left], along[right]))
    if not (left < here < right and peak > high):
        return None
    onset = _crossing(along, here, left, along[left] + edge * (peak - along[left]))
    offset = _crossing(along, here, right, along[right] + edge * (peak - along[right]))
    rest = (signal[start + left] + signal[start + right]) / 2
    heights = np.linalg.norm(signal[start + here] - rest, axis=-1)
    return Pulse(
        start + onset, start + here, start + offset, heights, float((peak - high) / (peak - low))
    )


def _crossing(along: np.ndarray, peak: int, foot: int, level: float) -> float:
    """Return where `along`, followed from the peak towards the foot, falls to `level`."""
    step = 1 if foot > peak else -1
    at = peak
    while at != foot and along[at + step] > level:
        at += step
    if at == foot:
        return float(foot)
    inner, outer = along[at], along[at + step]
    return at + step * float((inner - level) / max(inner - outer, 1e-12))


def travel(head: Float[np.ndarray, "n p 2"], onset: float, offset: float) -> float:
    """Return how far the head went between two samples, from where it was at the first."""
    piece = head[max(int(onset), 0) : int(offset) + 2]
    return float(np.linalg.norm(piece - piece[:1], axis=-1).max()) if len(piece) else 0.0
