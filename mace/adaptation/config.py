"""What is tried when the windows of motion images are looked for."""

from dataclasses import dataclass

from mace.errors import ConfigError

type Window = tuple[float, float, float, float]
"""Left, top, right and bottom in shares of an image; beyond 0 and 1 its edge is repeated."""


@dataclass(frozen=True, kw_only=True)
class AdaptConfig:
    """Which windows and conventions of unlabelled motion images are tried.

    Attributes:
        shift: how far windows are moved up and down, in heights of the image.
        step: between two of these places.
        heights: of the windows, in heights of the image.
        widths: of the windows, in widths of the image; they stay in the middle.
        best: how many of the best windows predictions are averaged over; what is learnt from, or
            shown in a picture, is the best.
        conventions: whether channels may also be in another order, or signs turned.
        price: what a window must gain in information, nats an image, for being one whole height
            away, or twice as large or small; without one, noise moves windows that fit already.
        clips: with fewer clips the price is higher, as if that many had been shared.
    """

    shift: float = 0.25
    step: float = 0.05
    heights: tuple[float, ...] = (0.8, 0.9, 1.0, 1.12, 1.25)
    widths: tuple[float, ...] = (0.85, 1.0, 1.18)
    best: int = 8
    conventions: bool = True
    price: float = 0.03
    clips: float = 20.0

    def __post_init__(self) -> None:
        """Check what no type can say.

        Raises:
            ConfigError: for a value out of range, naming the setting.
        """
        for name, low, high in (("shift", 0, 0.5), ("step", 0.01, 0.5), ("price", 0, 10)):
            if not low <= getattr(self, name) <= high:
                raise ConfigError(
                    f"adapt.{name} is {getattr(self, name)}, expected {low:g} to {high:g}"
                )
        if self.best < 1:
            raise ConfigError(f"adapt.best is {self.best}, expected 1 or more windows")
        if not self.clips >= 0:
            raise ConfigError(f"adapt.clips is {self.clips}, expected 0 or more")
        for name in ("heights", "widths"):
            sizes = getattr(self, name)
            if 1.0 not in sizes or not all(0.5 <= size <= 2 for size in sizes):
                raise ConfigError(
                    f"adapt.{name} is {sizes}, expected sizes from 0.5 to 2, 1 among them"
                )
