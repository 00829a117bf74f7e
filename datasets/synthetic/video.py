"""The plan of a continuous video: micro- and macro-expressions, blinks, and nothing."""

from dataclasses import dataclass

import numpy as np

from mace.datasets.synthetic.action_units import CLASSES
from mace.datasets.synthetic.config import CROP_EYE_DISTANCE, ClipConfig
from mace.datasets.synthetic.expression import Movement, draw_peaks
from mace.datasets.synthetic.subject import Subject

# A micro-expression lasts at most half a second; macro-expressions last longer and are stronger.
# Source: Yan, Wu, Liang, Chen and Fu, How fast are the leaked facial expressions: the duration of
# micro-expressions, J. Nonverbal Behavior 37(4), 2013.
_REST_S = 0.4
_MACRO_PX = (2.5, 5.0)
_BLINK_HALF_S = 0.09


@dataclass(frozen=True)
class Event:
    """A true interval, in frames: `kind` is micro, macro or blink."""

    kind: str
    emotion: str
    aus: tuple[str, ...]
    onset: int
    apex: int
    offset: int


@dataclass(frozen=True)
class VideoPlan:
    """Movements and the times of the blinks (s), which do not follow from each other."""

    movements: tuple[Movement, ...]
    blinks: tuple[float, ...]

    def events(self, fps: float, frames: int) -> tuple[Event, ...]:
        """All true intervals, by onset."""
        found = [
            Event(m.kind, m.emotion, tuple(m.peaks), *m.frames(fps, frames)) for m in self.movements
        ]
        for middle in self.blinks:
            blink = Movement(
                "", {"45": 0.0}, middle - _BLINK_HALF_S, _BLINK_HALF_S, 0, _BLINK_HALF_S
            )
            found.append(Event("blink", "", ("45",), *blink.frames(fps, frames)))
        return tuple(sorted(found, key=lambda event: event.onset))


def _movement(
    rng: np.random.Generator, subject: Subject, config: ClipConfig, start: float
) -> Movement:
    emotion = str(rng.choice(CLASSES))
    peaks = draw_peaks(rng, subject, emotion, config)
    if rng.random() < 0.3:
        strongest = max(peaks.values())
        wanted = rng.uniform(*_MACRO_PX) * config.eye_distance / CROP_EYE_DISTANCE
        peaks = {au: peak * wanted / strongest for au, peak in peaks.items()}
        rise, hold, fall = rng.uniform(0.25, 0.5), rng.uniform(0.1, 0.6), rng.uniform(0.3, 0.6)
        return Movement(emotion, peaks, start, rise, hold, fall, "macro")
    rise, hold, fall = rng.uniform(0.07, 0.16), rng.uniform(0, 0.06), rng.uniform(0.09, 0.2)
    return Movement(emotion, peaks, start, rise, hold, fall)


def plan_video(rng: np.random.Generator, subject: Subject, config: ClipConfig) -> VideoPlan:
    """Draw movements that do not overlap, separated by rest, and blinks at any time.

    A third of the movements are macro-expressions; blinks come about every three seconds and may
    fall on a movement, as they do in life.
    """
    duration = config.frames / config.fps
    movements = []
    start = _REST_S * rng.uniform(0.5, 1.5)
    while True:
        movement = _movement(rng, subject, config, start)
        end = start + movement.rise + movement.hold + movement.fall
        if end > duration - _REST_S / 4:
            break
        movements.append(movement)
        start = end + _REST_S + rng.exponential(0.8)
    count = rng.poisson(duration / 3) if config.blink > 0 else 0
    times = np.sort(rng.uniform(_BLINK_HALF_S, duration - _BLINK_HALF_S, count))
    # The lids take a while: a blink in the wake of another would be the same blink.
    apart = times[np.diff(times, prepend=-1.0) > 4 * _BLINK_HALF_S]
    return VideoPlan(tuple(movements), tuple(float(t) for t in apart))
