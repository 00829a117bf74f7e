"""The plan of a continuous video: micro- and macro-expressions, blinks, hands, and nothing."""

from dataclasses import dataclass, replace

import numpy as np

from mace.datasets.synthetic.clips.config import ClipConfig
from mace.datasets.synthetic.clips.expression import Movement, draw_peaks
from mace.datasets.synthetic.clips.hands import Hand, draw_hand
from mace.datasets.synthetic.clips.subject import Subject
from mace.datasets.synthetic.movement.prototypes import CLASSES
from mace.motion.config import EYE_DISTANCE

# A micro-expression lasts at most half a second; macro-expressions last longer and are stronger.
# Source: Yan, Wu, Liang, Chen and Fu, How fast are the leaked facial expressions: the duration of
# micro-expressions, J. Nonverbal Behavior 37(4), 2013.
_REST_S = 0.4
_MACRO_PX = (2.5, 5.0)
_BLINK_HALF_S = 0.09
# Blinks so close upon each other leave the lids shut.
_SHUT_S = 0.04


@dataclass(frozen=True)
class Event:
    """A true interval, in frames: `kind` is micro, macro, blink or hand."""

    kind: str
    emotion: str
    aus: tuple[str, ...]
    onset: int
    apex: int
    offset: int


@dataclass(frozen=True)
class VideoPlan:
    """What happens in a video; times in s, in which lids and hands do not follow the movements.

    Attributes:
        movements: of the face; one that began before the video is no event of it.
        blinks: when the lids are shut.
        closures: from when to when they stay shut, in a slow blink.
        hands: before the face.
    """

    movements: tuple[Movement, ...]
    blinks: tuple[float, ...]
    closures: tuple[tuple[float, float], ...] = ()
    hands: tuple[Hand, ...] = ()

    @property
    def lids(self) -> tuple[float, ...]:
        """Blinks to render: a slow one is a row of them."""
        shut = [np.arange(first, last + _SHUT_S, _SHUT_S) for first, last in self.closures]
        return tuple(sorted([*self.blinks, *(float(t) for row in shut for t in row)]))

    def events(self, fps: float, frames: int) -> tuple[Event, ...]:
        """All true intervals, by onset."""
        events = [
            Event(m.kind, m.emotion, tuple(m.peaks), *m.frames(fps, frames))
            for m in self.movements
            if m.start >= 0
        ]
        for first, last in (*((time, time) for time in self.blinks), *self.closures):
            blink = Movement(
                "", {}, first - _BLINK_HALF_S, _BLINK_HALF_S, last - first, _BLINK_HALF_S
            )
            events.append(Event("blink", "", ("45",), *blink.frames(fps, frames)))
        for hand in self.hands:
            way = Movement("", {}, hand.start, hand.slide, hand.stay, hand.slide)
            events.append(Event("hand", "", (), *way.frames(fps, frames)))
        return tuple(sorted(events, key=lambda event: event.onset))


def _movement(
    rng: np.random.Generator, subject: Subject, config: ClipConfig, start: float
) -> Movement:
    emotion = str(rng.choice(CLASSES))
    peaks = draw_peaks(rng, subject, emotion, config)
    if rng.random() < 0.3:
        strongest = max(peaks.values())
        strength = rng.uniform(*_MACRO_PX) * config.eye_distance / EYE_DISTANCE
        peaks = {au: peak * strength / strongest for au, peak in peaks.items()}
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


def plan_misleading_video(
    rng: np.random.Generator, subject: Subject, config: ClipConfig
) -> VideoPlan:
    """Draw what misleads a spotter, with a micro-expression after each.

    The face begins in an expression, or with a long micro-expression after a moment's rest; then
    come hands before the face and slow blinks, in any order.
    """
    duration = config.frames / config.fps
    first = _movement(rng, subject, config, 0.0)
    if rng.random() < 0.5:
        first = replace(
            first, start=-first.rise - 0.1, hold=0.1 + rng.uniform(0, 0.8), kind="macro"
        )
    else:
        begin = rng.uniform(0.15, 0.3)
        first = Movement(
            first.emotion, first.peaks, begin, 0.12, rng.uniform(0.12, 0.2), 0.16, first.kind
        )
    movements, closures, hands = [first], [], []
    start = first.start + first.rise + first.hold + first.fall
    while True:
        start += _REST_S + rng.exponential(0.3)
        if rng.random() < 0.5:
            begin = start + _BLINK_HALF_S
            closures.append((begin, begin + rng.uniform(0.27, 0.6)))
            start = closures[-1][1] + _BLINK_HALF_S
        else:
            hands.append(draw_hand(rng, start))
            start = hands[-1].end
        start += _REST_S + rng.exponential(0.3)
        movement = _movement(rng, subject, config, start)
        start += movement.rise + movement.hold + movement.fall
        if start > duration - _REST_S / 4:
            break
        movements.append(movement)
    # What comes after the last movement may not be over in time.
    end = duration - _REST_S / 4
    return VideoPlan(
        tuple(movements),
        (),
        tuple(closure for closure in closures if closure[1] + _BLINK_HALF_S < end),
        tuple(hand for hand in hands if hand.end < end),
    )
