"""Settings of the spotter; no JAX here."""

from dataclasses import dataclass

from mace.errors import ConfigError


@dataclass(frozen=True)
class SpottingConfig:
    """What counts as a movement, and what kind it is; times in seconds, whatever the camera.

    Displacements are in px of the 128-px crop, whose eyes are 51 px apart. Thresholds were chosen
    on the seeds 7 and 8 of `synthetic/long`; the durations are the field's.

    Attributes:
        fps: samples analysed a second: the usual micro-expression of 0.2 s has ten; twice as many
            double the cost of the flow.
        smoothing_s: standard deviation of the Gaussian in time: well below the shortest rise, so
            that peaks keep their height.
        micro_s: duration of a micro-expression, onset to offset: Yan et al., How fast are the
            leaked facial expressions, J. Nonverbal Behavior 37(4), 2013.
        macro_s: duration of a macro-expression, as CAS(ME)^2 has it; what lasts longer is the new
            rest.
        half_s: a micro-expression's apex is compared with the face this long before and after: half
            of the longest, so that both are at rest, and no more, so that slow drift cancels.
        decide_s: how long after an apex it is judged: by then the offset has come, about 0.3 s ago.
        seen_s: how long the face has been seen before a micro-expression begins.
        least_px: height above the rest, in the region that moves most, below which nothing is
            reported.
        least_noise: the same in units of the region's usual motion over the last seconds.
        noise_px: the least usual motion believed: what DIS makes of a still face's sensor noise.
        edge: share of the height at which a movement begins and ends.
        returns: share of the rise that must be undone by the offset: a lasting change of the face
            is no micro-expression.
        neutral_s: seconds at rest whose median is the neutral that macro-expressions deviate from.
        macro_px: deviation from neutral beyond which a macro-expression may be going on.
        blink_px: pulse of both lids that makes a blink; lids tightened in an expression stay below.
        blink_s: longest blink: Schiffman, Sensation and perception, 2000 gives 0.1 to 0.4 s, and a
            tired face takes twice as long.
        blink_apart_s: apexes of two blinks are at least so far apart.
        blink_evenness: least pulse of one eye in a blink as a share of the other's: a wink is no
            blink.
        blink_alone: a weaker pulse of both lids is a blink, too, if nothing else moves more than
            this share.
        leak: share of a blink that the flow smears over brows, cheeks and nose.
        leak_mouth: the same of mouth and chin.
        speech_s: speech moves the mouth again and again: so far back movements of the mouth are
            counted.
        speech_count: earlier movements of the mouth within `speech_s` that make the next one
            speech.
        max_misfit: what of a region the reference may leave unexplained (`mace.spotting.covered`),
            beyond what it usually does: where more is, something is before it, and its motion is
            not believed.
        head_px: travel of the head within a movement, px of the crop, that makes it the head's:
            turns leave motion behind that no registration in the plane removes.
    """

    fps: float = 50.0
    smoothing_s: float = 0.02
    micro_s: tuple[float, float] = (0.04, 0.5)
    macro_s: tuple[float, float] = (0.5, 4.0)
    half_s: float = 0.25
    decide_s: float = 0.46
    seen_s: float = 0.1
    least_px: float = 0.14
    least_noise: float = 3.5
    noise_px: float = 0.02
    edge: float = 0.12
    returns: float = 0.5
    neutral_s: float = 3.0
    macro_px: float = 0.35
    blink_px: float = 0.3
    blink_s: float = 0.8
    blink_apart_s: float = 0.25
    blink_evenness: float = 0.4
    blink_alone: float = 0.4
    leak: float = 0.2
    leak_mouth: float = 0.08
    speech_s: float = 2.0
    speech_count: int = 3
    max_misfit: float = 0.3
    head_px: float = 6.0

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigError: for durations or thresholds that contradict each other.
        """
        if not 20 <= self.fps <= 1000:
            raise ConfigError(f"spotting.fps is {self.fps}, expected 20 to 1000 samples a second")
        for name in ("micro_s", "macro_s"):
            low, high = getattr(self, name)
            if not 0 < low < high:
                raise ConfigError(f"spotting.{name} is {(low, high)} s, expected a rising pair")
        if self.decide_s < self.half_s:
            raise ConfigError(
                f"spotting.decide_s is {self.decide_s} s, expected at least half_s, {self.half_s} s"
            )
        for name in (
            "smoothing_s",
            "least_px",
            "least_noise",
            "noise_px",
            "macro_px",
            "blink_px",
            "max_misfit",
        ):
            if not getattr(self, name) > 0:
                raise ConfigError(f"spotting.{name} is {getattr(self, name)}, expected more than 0")
        for name in ("edge", "returns"):
            if not 0 < getattr(self, name) < 1:
                raise ConfigError(f"spotting.{name} is {getattr(self, name)}, expected 0 to 1")

    def samples(self, seconds: float) -> int:
        """Return how many points of the signal `seconds` are, at least 1."""
        return max(round(seconds * self.fps), 1)
