"""What moves in a pair, as typed ranges; every level can be set to 0, which turns it off."""

from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Self

from mace.datasets.synthetic.movement.action_units import Mixture, PairClasses
from mace.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class MovementConfig:
    """The micro-expression itself.

    Attributes:
        peak_px: range (log-uniform) of the peak skin displacement in px of the 128-px crop.
        intensity_sd: spread of an action unit's strength about the pair's, natural logarithm.
        asymmetry_sd: spread of the share by which one side leads, for each action unit.
        unilateral: probability that a movement shows on one side alone, whatever its prototype.
        extra: probability of one more action unit, of any kind and fainter.
        extra_strength: its range as a share of the peak.
        onset_error: probability that the annotated onset comes late, with up to `late` of the
            movement already made.
        late: see `onset_error`.
        apex_error: part of the movement that may lack at the annotated apex (0 to it, uniform).
        phase_sd: spread of the action units' phases about each other.
        drift_px: spread of the slow activity of all other muscles, in px.
    """

    peak_px: tuple[float, float] = (0.2, 2.2)
    intensity_sd: float = 0.35
    asymmetry_sd: float = 0.2
    unilateral: float = 0.12
    extra: float = 0.3
    extra_strength: tuple[float, float] = (0.1, 0.5)
    onset_error: float = 0.4
    late: float = 0.3
    apex_error: float = 0.4
    phase_sd: float = 0.08
    drift_px: float = 0.05


@dataclass(frozen=True, kw_only=True)
class HeadConfig:
    """Motion of the head between the two frames, and how much of it the crop keeps.

    Attributes:
        turn_deg: standard deviation of yaw, pitch and roll.
        shift: of the head's place, in eye distances.
        scale: of the logarithm of its size.
        spread: heavy tail: the pair's deviations are these times exp(normal(0, spread)).
        uncorrected: share of pairs whose crops stay where the onset's was, as in many public sets.
    """

    turn_deg: float = 0.35
    shift: float = 0.008
    scale: float = 0.002
    spread: float = 0.7
    uncorrected: float = 0.35


@dataclass(frozen=True, kw_only=True)
class CropConfig:
    """Errors of the crop; standard deviations.

    Attributes:
        residual_px: place of the target's crop against the reference's.
        residual_deg: its turn.
        residual_scale: logarithm of its size.
        framing_px: place of both crops against the face.
        framing_deg: their turn.
        framing_scale: logarithm of their size.
    """

    residual_px: float = 0.06
    residual_deg: float = 0.05
    residual_scale: float = 0.0008
    framing_px: float = 1.5
    framing_deg: float = 1.5
    framing_scale: float = 0.03


@dataclass(frozen=True, kw_only=True)
class DistractorConfig:
    """Movements that say nothing about the class; probabilities.

    Attributes:
        blink: of the lids in one of the frames.
        opening: share of the blinks that are in the reference, so that the lids open: few, since
            the onset is annotated on a quiet face, and an opening lid looks like AU5.
        gaze: of another direction of gaze in the target.
        speech: of a speech-like movement of jaw and lips.
        speech_px: its range in px.
    """

    blink: float = 0.12
    opening: float = 0.2
    gaze: float = 0.3
    speech: float = 0.08
    speech_px: tuple[float, float] = (0.1, 0.8)


@dataclass(frozen=True, kw_only=True)
class PairConfig:
    """Everything that decides what happens in a pair, for both routes.

    Attributes:
        classes: the set of classes.
        mixture: how often each prototype of a class comes.
        movement: the micro-expression itself.
        head: motion of the head.
        crop: errors of the crop.
        distractors: movements that say nothing about the class.
    """

    classes: PairClasses = "3"
    mixture: Mixture = "listed"
    movement: MovementConfig = field(default_factory=MovementConfig)
    head: HeadConfig = field(default_factory=HeadConfig)
    crop: CropConfig = field(default_factory=CropConfig)
    distractors: DistractorConfig = field(default_factory=DistractorConfig)

    def __post_init__(self) -> None:
        """Check what no type can say.

        Raises:
            ConfigError: for a value out of range, naming the setting.
        """
        for part in (self.movement, self.head, self.crop, self.distractors):
            for entry in fields(part):
                _check(f"{type(part).__name__}.{entry.name}", getattr(part, entry.name))
        if self.movement.peak_px[0] <= 0:
            raise ConfigError(f"movement.peak_px is {self.movement.peak_px}, expected more than 0")

    @classmethod
    def quiet(cls, **changes: Any) -> Self:
        """A movement and nothing else; `changes` replace whole parts."""
        silent = cls(
            movement=MovementConfig(
                intensity_sd=0, asymmetry_sd=0, unilateral=0, extra=0, onset_error=0, apex_error=0,
                phase_sd=0, drift_px=0,
            ),
            head=HeadConfig(turn_deg=0, shift=0, scale=0, uncorrected=0),
            crop=CropConfig(
                residual_px=0, residual_deg=0, residual_scale=0, framing_px=0, framing_deg=0,
                framing_scale=0,
            ),
            distractors=DistractorConfig(blink=0, gaze=0, speech=0),
        )  # fmt: skip
        return replace(silent, **changes)


def _check(name: str, value: object) -> None:
    assert not is_dataclass(value)
    if isinstance(value, tuple):
        low, high = value
        if not 0 <= low <= high:
            raise ConfigError(f"pair setting {name} is {value}, expected 0 <= low <= high")
    elif isinstance(value, float | int) and not value >= 0:
        raise ConfigError(f"pair setting {name} is {value}, expected 0 or more")
