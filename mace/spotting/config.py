"""Settings of the spotter; no JAX here."""

from dataclasses import dataclass

from mace.errors import ConfigError


@dataclass(frozen=True)
class SpottingConfig:
    """What counts as a movement, and what kind it is; all times in seconds, whatever the camera.

    The defaults were chosen on the seeds 7 and 8 of `synthetic/long` (`docs/spotting.md`); the
    durations are the field's.
    """

    fps: float = 100.0
    """Frames analysed a second at most: the shortest movement, 40 ms, still has four."""
    smoothing_s: float = 0.025
    """Standard deviation of the Gaussian in time: a third of the shortest rise, so that peaks keep
    their height while the flow's noise, new in every frame, falls by half."""
    micro_s: tuple[float, float] = (0.04, 0.5)
    """Duration of a micro-expression, onset to offset: Yan et al., How fast are the leaked facial
    expressions, J. Nonverbal Behavior 37(4), 2013; below it lies the flow's noise."""
    macro_s: tuple[float, float] = (0.5, 4.0)
    """Duration of a macro-expression, as CAS(ME)^2 has it; what lasts longer is the new rest."""


