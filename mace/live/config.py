"""Settings of the live loop."""

from dataclasses import dataclass
from typing import Literal

from mace.errors import ConfigError
from mace.spotting.config import SpottingConfig

MOST_FACES = 8
"""Each costs some milliseconds a frame."""


@dataclass(frozen=True)
class LiveConfig:
    """How frames are compared and answers smoothed."""

    reference: Literal["neutral", "recent"] = "neutral"
    """What motion is measured against: the person's neutral keyframe, or a recent frame."""
    recent_s: float = 0.2
    """How far back a recent reference lies, in s; an ME rises to its apex in less than that."""
    smoothing_s: float = 0.05
    """Time constant of the exponential smoothing of probabilities, in s; 0 for none."""
    adapt_s: float = 0.0
    """How long the face is neutral at the start, in s: that time gets no label, its mean motion is
    taken out of what follows, and motions no stronger than its own count as still; 0 for none."""
    faces: int = 1
    """How many people are followed at most, the largest first."""
    look_s: float = 0.5
    """With room for more people: time between two looks at the whole frame for newcomers, in s."""
    forget_s: float = 5.0
    """A face that was lost for longer than this, in s, and looks different is somebody else."""
    floor_px: float = 0.0
    """Motion (px of the 128-px crop) below which a face counts as still, however short the neutral
    time; 0 for none."""
    spotting: SpottingConfig = SpottingConfig()  # noqa: RUF009 - frozen, so sharing it is safe
    """What counts as a movement; needs a network that reads flow, and the neutral reference."""

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigError: for a negative time, a recent reference of no age, or too many faces.
        """
        if self.recent_s <= 0:
            raise ConfigError(f"live.recent_s is {self.recent_s} s, expected more than 0")
        if not 1 <= self.faces <= MOST_FACES:
            raise ConfigError(f"live.faces is {self.faces}, expected 1 to {MOST_FACES}")
        times = ("smoothing_s", "adapt_s", "look_s", "forget_s")
        for name, unit in (*((name, "s") for name in times), ("floor_px", "px")):
            value = getattr(self, name)
            if not value >= 0:
                raise ConfigError(f"live.{name} is {value} {unit}, expected 0 or more")
