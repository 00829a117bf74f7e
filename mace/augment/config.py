"""Ranges of the random changes."""

from dataclasses import dataclass

from mace.config import number, switched_on
from mace.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """Ranges of the random changes; each is drawn uniformly from [-range, +range] for each image.

    Attributes:
        temporal: draw the (reference, target) pair from the set's variants.
        flip: mirror every second image left to right.
        shift: of the image's width and height.
        rotation: in degrees.
        scale: of the face's size, 0.05 meaning 0.95 to 1.05.
        magnitude: of the strength of the motion, 0.2 meaning 0.8 to 1.2; no geometry changes.
        noise: standard deviation of Gaussian noise, of each channel's own standard deviation.
    """

    temporal: bool = True
    flip: bool = True
    shift: float = number(0.03, off=0.0)
    rotation: float = number(5.0, off=0.0)
    scale: float = number(0.05, off=0.0)
    magnitude: float = number(0.0, off=0.0)
    noise: float = number(0.0, off=0.0)

    def __post_init__(self) -> None:
        limits = {"shift": 0.5, "rotation": 180.0, "scale": 0.9, "magnitude": 1.0, "noise": 10.0}
        for name, limit in limits.items():
            value = getattr(self, name)
            if not 0 <= value <= limit:
                raise ConfigError(f"augment.{name} is {value}, expected 0 to {limit:g}")

    @property
    def warps(self) -> bool:
        """Whether any setting needs the image resampled."""
        return any(map(switched_on, (self.shift, self.rotation, self.scale)))


NO_AUGMENT = AugmentConfig(
    temporal=False, flip=False, shift=0.0, rotation=0.0, scale=0.0, magnitude=0.0, noise=0.0
)
