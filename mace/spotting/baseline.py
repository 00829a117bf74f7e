"""The usual plain way to spot: how far a face is from how it was and will be, and a threshold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mace.errors import ConfigError
from mace.spotting.events import Event
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
    """

    fps: float = 50.0
    apart_s: float = 0.25
    half_s: float = 0.14
    share: float = 0.15
    strongest: int = 4

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


def spot_plainly(
    samples: Sequence[Sample],
    *,
    config: BaselineConfig = BaselineConfig(),
) -> list[Event]:
    """Return what stands out of a whole recording's motion, all of it as micro-expressions.

    The signal is the magnitude of the motion from the mean of the faces `apart_s` before and after,
    averaged over the regions that moved most, less what it is at those two times; peaks above
    mean + share · (maximum - mean) are spotted. That threshold takes the whole recording, so this
    cannot be done live, and every recording has a peak.

    Source: A. Moilanen, G. Zhao, M. Pietikäinen, "Spotting rapid facial movements from videos using
    appearance-based feature difference analysis", ICPR 2014. It compares histograms of texture
    in blocks; here, as in the Grand Challenge's baselines, optical flow takes their place.
    """
    good = [one for one in samples if one.ok]
    if len(good) < 2:
        return []
    times = np.array([one.time for one in good])
    frames = np.array([one.frame for one in good])
    grid = np.arange(times[0], times[-1], 1 / config.fps)
    raw = np.stack([one.regions.ravel() for one in good]).astype(np.float64)
    signal = np.stack([np.interp(grid, times, column) for column in raw.T], axis=1)
    apart = max(round(config.apart_s * config.fps), 1)
    size = _contrast(signal.reshape(len(grid), -1, 2), apart, config.strongest)
    if not size.any():
        return []
    threshold = size.mean() + config.share * (size.max() - size.mean())
    events = []
    for at in np.flatnonzero(size > threshold).tolist():
        if size[at] < size[max(at - apart, 0) : at + apart + 1].max():
            continue
        three = np.clip(
            [grid[at] + far for far in (-config.half_s, 0, config.half_s)], *times[[0, -1]]
        )
        onset, apex, offset = three.tolist()
        numbers = np.rint(np.interp(three, times, frames)).astype(int).tolist()
        events.append(
            Event(
                identity=0,
                kind="micro",
                onset=onset,
                apex=apex,
                offset=offset,
                onset_frame=numbers[0],
                apex_frame=numbers[1],
                offset_frame=numbers[2],
                strength_px=float(size[at]),
            )
        )
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
