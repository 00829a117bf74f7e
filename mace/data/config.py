"""Settings of the frame pairs."""

from dataclasses import dataclass

from mace.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class VariantConfig:
    """Further choices of the frame pair, the temporal part of augmentation.

    Variant 0 is always the annotated onset and apex. The others move reference and target, the
    nearest pairs first, and repeat where a clip has fewer.

    Attributes:
        extra: number of variants beside the annotated pair.
        reference_frames: how far before the onset the reference may lie, frames of the clip.
        target_frames: how far from the apex the target may lie, either way, frames of the clip.
    """

    extra: int = 0
    reference_frames: int = 2
    target_frames: int = 2

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 0:
                raise ConfigError(f"variants.{name} is {value}, expected 0 or more")
