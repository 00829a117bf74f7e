"""OF-FD: peaks of the optical flow of regions, by rules alone.

Source: Y. He, "Research on micro-expression spotting method based on optical flow features", ACM MM
2021, and the rules in the authors' public code of MEGC 2024. What is of that: regions less the tip
of the nose, windows of 200 frames against their first, a low-pass filter, two thresholds (above the
least of the window, and of the surroundings), peaks widened to their feet and parted at deep
valleys, overlapping intervals of all regions united, kinds by duration. What is not: signals are
the mean motion of MACE's regions of registered faces, where the source averages the strongest
vectors of 14 regions of its own crops, so that thresholds are chosen anew; there is no empirical
mode decomposition.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mace.errors import ConfigError
from mace.spotting.baseline import regular, spotted
from mace.spotting.config import SpottingConfig
from mace.spotting.events import Event
from mace.spotting.signal import EYES, REGIONS
from mace.spotting.spotter import Sample

# Blinks move the lids, which the source has no region on.
_WATCHED = [k for k, name in enumerate(REGIONS) if name not in (*EYES, "nose")]
_NOSE = REGIONS.index("nose")


@dataclass(frozen=True)
class OpticalFlowConfig:
    """Settings; px are those of the 128-px crop, whose eyes are 51 px apart.

    The two thresholds and the shortest interval were chosen together on rendered videos of the
    seeds 7 and 8 (docs/spotting.md), as those of the other methods; the rest is the source's.

    Attributes:
        fps: points of the signal a second, the source's 30.
        window: points that are compared with their first; half of them are in the next as well.
        cut_hz: of the low-pass filter.
        low_px: above the least of the window: where something may be.
        high_px: above the least of the surroundings: where something is.
        around: points on either side that are the surroundings.
        foot: share of a peak's height at which it begins and ends.
        overlap: of two intervals, as a share of the shorter, from which on they are one.
        least_s: shortest interval, s.
        longest_s: longest.
    """

    fps: float = 30.0
    window: int = 200
    cut_hz: float = 5.0
    low_px: float = 0.1
    high_px: float = 0.25
    around: int = 30
    foot: float = 0.33
    overlap: float = 0.1
    least_s: float = 0.1
    longest_s: float = 6.7

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigError: for what is not positive, or a window of less than four points.
        """
        for name in ("fps", "cut_hz", "low_px", "high_px", "around", "least_s", "longest_s"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"of_fd.{name} is {getattr(self, name)}, expected more than 0")
        if self.window < 4:
            raise ConfigError(f"of_fd.window is {self.window}, expected at least 4")


type Span = tuple[int, int]
"""First and last point of an interval."""


def spot_by_flow_peaks(
    samples: Sequence[Sample],
    *,
    config: OpticalFlowConfig = OpticalFlowConfig(),
) -> list[Event]:
    """Return the intervals in which a region's flow peaks; micro up to 0.5 s, macro beyond.

    Args:
        samples: a whole recording, regions against one reference or one that goes on.
        config: settings.
    """
    line = regular(samples, config.fps)
    if line is None:
        return []
    relative = line.signal - line.signal[:, [_NOSE]]
    spans: list[Span] = []
    step = max(config.window // 2, 1)
    for start in range(0, max(len(relative) - step, 1), step):
        part = relative[start : start + config.window]
        away = np.linalg.norm(part - part[:1], axis=-1)
        peaks = [
            span
            for region in _WATCHED
            for span in _peaks(_low_pass(away[:, region], config), config)
        ]
        spans += [(start + first, start + last) for first, last in united(peaks, config.overlap)]
    least, longest = config.least_s * config.fps, config.longest_s * config.fps
    split = SpottingConfig().micro_s[1]
    events = []
    for first, last in united(spans, config.overlap):
        if not least <= last - first + 1 <= longest:
            continue
        course = np.linalg.norm(relative[first : last + 1] - relative[first], axis=-1)
        high = course[:, _WATCHED].max(axis=1)
        apex = first + int(high.argmax())
        kind = "micro" if (last - first + 1) / config.fps <= split else "macro"
        seconds = [line.grid[k] for k in (first, apex, last)]
        events.append(spotted(line, seconds, kind=kind, strength_px=float(high.max())))
    return events


def _low_pass(
    values: Float[np.ndarray, " n"], config: OpticalFlowConfig
) -> Float[np.ndarray, " n"]:
    """Leave out what is faster than `cut_hz`; the signal goes on mirrored, so that ends meet."""
    mirrored = np.concatenate([values, values[::-1]])
    spectrum = np.fft.rfft(mirrored)
    spectrum[np.fft.rfftfreq(len(mirrored), 1 / config.fps) > config.cut_hz] = 0
    return np.fft.irfft(spectrum, len(mirrored))[: len(values)]


def _peaks(height: Float[np.ndarray, " n"], config: OpticalFlowConfig) -> list[Span]:
    height = height - height.min()
    possible = height >= config.low_px
    around = np.lib.stride_tricks.sliding_window_view(
        np.pad(height, config.around, mode="edge"), 2 * config.around + 1
    )
    least = around.min(axis=1)
    sure = possible & (height - least > config.high_px)
    spans = []
    for first, last in _runs(sure):
        top = height[first : last + 1].max()
        foot = least[first : last + 1].min()
        level = foot + config.foot * (top - foot)
        spans += _parted(height, _widened(height, first, last, level), config)
    return spans


def _runs(mask: np.ndarray, gap: int = 3) -> list[Span]:
    """Return the stretches of a mask, those less than `gap` apart as one."""
    spans: list[Span] = []
    for at in np.flatnonzero(mask).tolist():
        if spans and at - spans[-1][1] < gap:
            spans[-1] = spans[-1][0], at
        else:
            spans.append((at, at))
    return spans


def _widened(height: Float[np.ndarray, " n"], first: int, last: int, level: float) -> Span:
    """Go down on both sides to `level`, or to where it rises again."""
    while first > 0 and height[first] > level and height[first - 1] <= height[first]:
        first -= 1
    while last < len(height) - 1 and height[last] > level and height[last + 1] <= height[last]:
        last += 1
    return first, last


def _parted(height: Float[np.ndarray, " n"], span: Span, config: OpticalFlowConfig) -> list[Span]:
    """Two peaks with a valley of a third of their height between them are two."""
    first, last = span
    edge = round(0.27 * config.fps)
    if last - first < 0.67 * config.fps or last - first <= 2 * edge:
        return [span]
    valley = first + edge + int(height[first + edge : last - edge + 1].argmin())
    tops = height[first:valley].max(), height[valley : last + 1].max()
    if all(top - height[valley] > max(config.high_px / 3, top / 3) for top in tops):
        return [(first, valley - 1), (valley + 1, last)]
    return [span]


def united(spans: Sequence[Span], overlap: float) -> list[Span]:
    """Return intervals of which those that share more than `overlap` of the shorter are one.

    Examples:
        >>> united([(0, 9), (5, 20), (20, 29)], 0.1)
        [(0, 20), (20, 29)]
    """
    merged: list[Span] = []
    for first, last in sorted(spans):
        if merged:
            begin, end = merged[-1]
            shared = min(end, last) - first
            if shared > overlap * max(min(end - begin, last - first), 1):
                merged[-1] = begin, max(end, last)
                continue
        merged.append((first, last))
    return merged
