"""The usual plain way to spot: how far a face is from how it was and will be, and a threshold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from mace.errors import ConfigError
from mace.spotting.events import Event, Kind
from mace.spotting.spotter import Sample


@dataclass(frozen=True)
class BaselineConfig:
    """Settings, chosen together on the seeds 7 and 8 of `synthetic/long` for the best F1 there.

    Attributes:
        fps: points of the signal a second.
        apart_s: each frame is compared with those so long before and after.
        half_s: what is spotted begins so long before the peak, and ends so long after.
        share: the threshold's place between the mean (0) and the maximum (1) of the recording.
        strongest: of the regions so many count, those that moved most: about a third, as in the
            source.
        kind: of what is spotted.
    """

    fps: float = 50.0
    apart_s: float = 0.25
    half_s: float = 0.14
    share: float = 0.15
    strongest: int = 4
    kind: Kind = "micro"

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigError: for a share outside 0 to 1, or what else is not positive.
        """
        if not 0 < self.share < 1:
            raise ConfigError(f"baseline.share is {self.share}, expected 0 to 1")
        for name in ("fps", "apart_s", "half_s", "strongest"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"baseline.{name} is {getattr(self, name)}, expected more than 0")


MACRO = BaselineConfig(apart_s=0.65, half_s=0.5, share=0.5, kind="macro")
"""Macro-expressions: the distance is that of the Grand Challenge's baseline (39 of 30 frames a
second; Y. He et al., "Spotting macro- and micro-expression intervals in long video sequences", FG
2020), length and share were chosen on rendered videos of the seeds 7 and 8 (docs/spotting.md)."""


@dataclass(frozen=True, eq=False)
class Line:
    """A recording's regions at regular times.

    Attributes:
        grid: the times, s.
        signal: displacements of the regions, px of the 128-px crop.
        times: of the frames that were seen, s.
        frames: their indices.
    """

    grid: Float[np.ndarray, " n"]
    signal: Float[np.ndarray, "n r 2"]
    times: Float[np.ndarray, " t"]
    frames: Int[np.ndarray, " t"]


def regular(samples: Sequence[Sample], fps: float) -> Line | None:
    """Return samples of a whole recording at `fps` points a second; None for fewer than two."""
    good = [sample for sample in samples if sample.ok]
    if len(good) < 2:
        return None
    times = np.array([sample.time for sample in good])
    grid = np.arange(times[0], times[-1], 1 / fps)
    raw = np.stack([sample.regions.ravel() for sample in good]).astype(np.float64)
    signal = np.stack([np.interp(grid, times, column) for column in raw.T], axis=1)
    frames = np.array([sample.frame for sample in good])
    return Line(grid, signal.reshape(len(grid), -1, 2), times, frames)


def spotted(line: Line, seconds: Sequence[float], *, kind: Kind, strength_px: float) -> Event:
    """Return the event with onset, apex and offset at three times of a recording, s."""
    within = np.clip(seconds, *line.times[[0, -1]])
    onset, apex, offset = within.tolist()
    numbers = np.rint(np.interp(within, line.times, line.frames)).astype(int).tolist()
    return Event(
        identity=0,
        kind=kind,
        onset=onset,
        apex=apex,
        offset=offset,
        onset_frame=numbers[0],
        apex_frame=numbers[1],
        offset_frame=numbers[2],
        strength_px=strength_px,
    )


def spot_plainly(
    samples: Sequence[Sample],
    *,
    config: BaselineConfig = BaselineConfig(),
) -> list[Event]:
    """Return what stands out of a whole recording's motion, all of it as one kind of expression.

    The signal is the magnitude of the motion from the mean of the faces `apart_s` before and after,
    averaged over the regions that moved most, less what it is at those two times; peaks above
    mean + share · (maximum - mean) are spotted. That threshold takes the whole recording, so this
    cannot be done live, and every recording has a peak.

    Source: A. Moilanen, G. Zhao, M. Pietikäinen, "Spotting rapid facial movements from videos using
    appearance-based feature difference analysis", ICPR 2014. It compares histograms of texture
    in blocks; here, as in the Grand Challenge's baselines, optical flow takes their place, and
    macro-expressions are spotted by the same rule with a longer distance (`MACRO`).
    """
    line = regular(samples, config.fps)
    if line is None:
        return []
    apart = max(round(config.apart_s * config.fps), 1)
    size = _contrast(line.signal, apart, config.strongest)
    if not size.any():
        return []
    threshold = size.mean() + config.share * (size.max() - size.mean())
    events = []
    for at in np.flatnonzero(size > threshold).tolist():
        if size[at] < size[max(at - apart, 0) : at + apart + 1].max():
            continue
        seconds = [line.grid[at] + far for far in (-config.half_s, 0, config.half_s)]
        events.append(spotted(line, seconds, kind=config.kind, strength_px=float(size[at])))
    return events


def _contrast(signal: np.ndarray, apart: int, strongest: int) -> np.ndarray:
    size, contrast = np.zeros(len(signal)), np.zeros(len(signal))
    if len(signal) <= 2 * apart:
        return contrast
    inner = slice(apart, -apart)
    away = signal[inner] - (signal[: -2 * apart] + signal[2 * apart :]) / 2
    magnitude = np.sort(np.linalg.norm(away, axis=-1), axis=1)
    size[inner] = magnitude[:, -strongest:].mean(axis=1)
    beside = (size[: -2 * apart] + size[2 * apart :]) / 2
    contrast[inner] = np.maximum(size[inner] - beside, 0)
    return contrast
