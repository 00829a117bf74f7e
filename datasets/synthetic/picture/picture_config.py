"""What only pictures need: camera, light and things worn, each of which 0 turns off."""

from dataclasses import dataclass, replace
from typing import Any, Self

from mace.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class PictureConfig:
    """How a pair is recorded. Shares are probabilities from 0 to 1.

    Attributes:
        resampled: share of pairs seen by a camera of another resolution than the canvas.
        native_px: range (log-uniform) of the eye distance in that camera's px.
        blur: largest deviation of the optical blur in camera px, uniform from 0.
        noise: median deviation of the sensor noise in grey levels.
        noise_spread: of its logarithm.
        gamma: deviation of the logarithm of the tone curve's exponent.
        contrast: deviation of the logarithm of the contrast.
        exposure: deviation of the logarithm of the exposure.
        compressed: share of pairs stored as JPEG by the camera.
        quality: range of its quality.
        light: level of the lamps' spread; 1 is a laboratory, 0 a lamp in front.
        hard: share of pairs with a hard lamp from the side.
        flicker: deviation of the brightness between the two frames, in per cent.
        mottling: deviation of the logarithm of the skin's mottling.
        glasses: share of people who wear glasses.
        backdrop: level of the texture behind the head.
    """

    resampled: float = 0.9
    native_px: tuple[float, float] = (30.0, 130.0)
    blur: float = 0.8
    noise: float = 1.2
    noise_spread: float = 0.6
    gamma: float = 0.12
    contrast: float = 0.12
    exposure: float = 0.15
    compressed: float = 0.6
    quality: tuple[float, float] = (60.0, 98.0)
    light: float = 1.3
    hard: float = 0.15
    flicker: float = 0.4
    mottling: float = 0.35
    glasses: float = 0.2
    backdrop: float = 1.0

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigError: for a value out of range, naming the setting.
        """
        for name in ("resampled", "compressed", "hard", "glasses"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(
                    f"picture setting {name} is {getattr(self, name)}, expected a share from 0 to 1"
                )
        names = ("blur", "noise", "noise_spread", "gamma", "contrast", "exposure", "light")
        for name in (*names, "flicker", "mottling", "backdrop"):
            # Written so that NaN fails as well.
            if not getattr(self, name) >= 0:
                raise ConfigError(
                    f"picture setting {name} is {getattr(self, name)}, expected 0 or more"
                )
        for name, low, high in (("native_px", 8, 160), ("quality", 1, 100)):
            first, last = getattr(self, name)
            if not low <= first <= last <= high:
                raise ConfigError(
                    f"picture setting {name} is {(first, last)}, expected a rising pair from "
                    f"{low} to {high}"
                )

    @classmethod
    def quiet(cls, **changes: Any) -> Self:
        """A perfect camera and one lamp in front; `changes` turn single settings on."""
        silent = cls(
            resampled=0, blur=0, noise=0, noise_spread=0, gamma=0, contrast=0, exposure=0,
            compressed=0, light=0, hard=0, flicker=0, mottling=0, glasses=0, backdrop=0,
        )  # fmt: skip
        return replace(silent, **changes)
