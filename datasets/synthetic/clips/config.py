"""Settings of a rendered clip."""

import math
from dataclasses import dataclass, replace
from typing import Self

from mace.errors import ConfigError


@dataclass(frozen=True)
class ClipConfig:
    """How a clip is recorded. Every nuisance has a level of its own; 0 turns it off.

    Attributes:
        width: of the frame in px.
        height: of the frame in px.
        fps: frames per second.
        frames: length of the clip; the movement is fitted into it.
        eye_distance: distance of an average person's eye centres in frame px. Skin is painted for
            up to about 110 px; a frame that is more than 4.5 eye distances high may show where the
            bust ends.
        peak_px: range (log-uniform) of the peak skin displacement of an emotion, in px of the
            128-px aligned crop. Explicit action units give their own peak, in frame px.
        asymmetry: level of the left–right difference.
        head_motion: level of smooth head motion; 1 is about 0.2 degrees and 0.7 px at 2 Hz.
        drift: level of slow, faint movement of all facial muscles.
        flicker: level of the lamps' flicker, 0.4 % at 1.
        noise: level of sensor noise; 1 is 0.8 to 2 grey levels, by subject.
        noise_sigma: sensor noise in grey levels, in place of the subject's.
        blink: probability of a blink in the clip.
        gaze: probability of a gaze shift in the clip.
        pose_sd_deg: standard deviation of the clip's own still pose, in degrees.
        roll_deg: roll added to the head, in degrees, positive counter-clockwise in the image.
    """

    width: int = 640
    height: int = 480
    fps: float = 200.0
    frames: int = 64
    eye_distance: float = 105.0
    peak_px: tuple[float, float] = (0.4, 1.2)
    asymmetry: float = 1.0
    head_motion: float = 1.0
    drift: float = 1.0
    flicker: float = 1.0
    noise: float = 1.0
    noise_sigma: float | None = None
    blink: float = 0.2
    gaze: float = 0.25
    pose_sd_deg: float = 1.8
    roll_deg: float = 0.0

    def __post_init__(self) -> None:
        if min(self.width, self.height) < 32 or self.frames < 2:
            raise ConfigError(
                f"a clip of {self.frames} frames of {self.width} x {self.height} px cannot be "
                "rendered; use at least 2 frames of 32 x 32 px"
            )
        for name in ("fps", "eye_distance"):
            if not 0 < getattr(self, name) < math.inf:
                raise ConfigError(f"{name} is {getattr(self, name)}, expected more than 0")
        levels = ["asymmetry", "head_motion", "drift", "flicker", "noise", "pose_sd_deg"]
        if self.noise_sigma is not None:
            levels.append("noise_sigma")
        for name in levels:
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigError(f"{name} is {getattr(self, name)}, expected 0 or more")
        for name in ("blink", "gaze"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is {getattr(self, name)}, expected 0 to 1")
        if not math.isfinite(self.roll_deg):
            raise ConfigError(f"roll_deg is {self.roll_deg}, expected a number of degrees")
        if not 0 < self.peak_px[0] <= self.peak_px[1] < math.inf:
            raise ConfigError(f"peak_px is {self.peak_px}, expected a positive, rising pair")

    @classmethod
    def quiet(cls, **changes: object) -> Self:
        """A perfectly still, symmetric, noiseless recording; `changes` turn single settings on."""
        silent = cls(
            asymmetry=0, head_motion=0, drift=0, flicker=0, noise=0, blink=0, gaze=0, pose_sd_deg=0
        )  # fmt: skip
        return replace(silent, **changes)  # pyright: ignore[reportArgumentType]
