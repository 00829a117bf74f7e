"""Expressions: which muscles move, how far, and when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from mace.datasets.synthetic.clips.config import ClipConfig
from mace.datasets.synthetic.clips.nuisance import draw_drift
from mace.datasets.synthetic.clips.subject import Subject
from mace.datasets.synthetic.head.assets import UNIT_NAMES
from mace.datasets.synthetic.movement.action_units import AU_NAMES
from mace.datasets.synthetic.movement.dynamics import envelope
from mace.datasets.synthetic.movement.prototypes import EMOTIONS
from mace.datasets.synthetic.person.anatomy import SIDED, SIDES
from mace.errors import ConfigError
from mace.motion.config import EYE_DISTANCE


@dataclass(frozen=True)
class Movement:
    """One facial movement: seconds from the clip's beginning, peaks in frame px per action unit."""

    emotion: str
    peaks: dict[str, float]
    start: float
    rise: float
    hold: float
    fall: float
    kind: str = "micro"

    def frames(self, fps: float, count: int) -> tuple[int, int, int]:
        """Onset (last resting frame), apex and offset (first resting frame) as frame indices."""
        last = count - 1
        onset = int(np.clip(np.floor(self.start * fps), 0, max(last - 2, 0)))
        apex = round((self.start + self.rise + self.hold / 2) * fps)
        offset = int(np.ceil((self.start + self.rise + self.hold + self.fall) * fps))
        apex = int(np.clip(apex, onset + 1, max(last - 1, onset + 1)))
        return onset, apex, int(np.clip(offset, min(apex + 1, last), last))


def _seconds(rng: np.random.Generator, config: ClipConfig) -> tuple[float, ...]:
    """Rest, rise, hold, fall, rest of a micro-expression, fitted to the clip's length."""
    parts = np.array(
        [
            rng.uniform(0.02, 0.06),
            rng.uniform(0.05, 0.15),
            rng.uniform(0, 0.06),
            rng.uniform(0.08, 0.2),
            rng.uniform(0.02, 0.05),
        ]
    )
    return tuple(float(v) for v in parts * ((config.frames - 1) / config.fps / parts.sum()))


def draw_peaks(
    rng: np.random.Generator, subject: Subject, emotion: str, config: ClipConfig
) -> dict[str, float]:
    """Draw the action units of an emotion, and the peak of each in frame px."""
    prototypes = EMOTIONS[emotion]
    aus = prototypes[rng.choice(len(prototypes), p=[p.share for p in prototypes])].aus
    gain, (low, high) = subject.habits.gain, np.log(config.peak_px)
    peak = np.exp(rng.uniform(low, high)) * config.eye_distance / EYE_DISTANCE
    return {au: float(peak * gain[AU_NAMES.index(au)] * np.exp(rng.normal(0, 0.3))) for au in aus}


def plan_movement(
    rng: np.random.Generator,
    subject: Subject,
    emotion: str | None,
    aus: Mapping[str, float] | None,
    config: ClipConfig,
) -> Movement:
    """Draw one micro-expression of an emotion, or of given action units with their peaks in px.

    Raises:
        ConfigError: for an unknown emotion or action unit.
    """
    before, rise, hold, fall, _ = _seconds(rng, config)
    if aus is not None:
        unknown = sorted(set(aus) - set(AU_NAMES))
        if unknown:
            raise ConfigError(f"unknown action units {unknown}; known: {', '.join(AU_NAMES)}")
        return Movement(emotion or "", dict(aus), before, rise, hold, fall)
    if emotion not in EMOTIONS:
        raise ConfigError(f"unknown emotion {emotion!r}; known: {', '.join(EMOTIONS)}")
    return Movement(emotion, draw_peaks(rng, subject, emotion, config), before, rise, hold, fall)


def movement_weights(
    rng: np.random.Generator,
    subject: Subject,
    movements: Sequence[Movement],
    config: ClipConfig,
    scale: float,
) -> tuple[Float32[np.ndarray, "t units"], Float32[np.ndarray, "t aus"]]:
    """Weights per frame of the face units, and of the action units they come from.

    The slow drift of the muscles is included. `scale` is in px per decimetre.
    """
    time = np.arange(config.frames) / config.fps
    units = np.zeros((config.frames, len(UNIT_NAMES)), np.float32)
    aus = np.zeros((config.frames, len(AU_NAMES)), np.float32)
    anatomy = subject.habits.anatomy
    for movement in movements:
        for au, peak in movement.peaks.items():
            row = AU_NAMES.index(au)
            lead = np.clip(rng.normal(subject.habits.asymmetry, 0.2), -0.8, 0.8)
            lead *= config.asymmetry
            delay = rng.uniform(0, 0.15) * movement.rise * (len(movement.peaks) > 1)
            course = envelope(
                time,
                start=movement.start + delay,
                rise=movement.rise - delay,
                hold=movement.hold,
                fall=movement.fall,
            )
            # The stronger side reaches the peak, so that the peak is what was asked for.
            full, strongest = peak / (subject.reach(au) * scale), 1 + abs(lead)
            shares = np.array([1, (1 + lead) / strongest, (1 - lead) / strongest])
            units += np.outer(course, full * (shares @ SIDES) * anatomy[row])
            # The mean of both sides, if the unit has any.
            aus[:, row] += full / (strongest if SIDED[row] else 1) * course
    for au, course in draw_drift(rng, subject, config, scale=scale).items():
        row = AU_NAMES.index(au)
        units += np.outer(course, anatomy[row])
        aus[:, row] += course
    return units, aus
