"""Micro-expressions and what looks like them, found in the motion of one face as it comes."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from mace.spotting.config import SpottingConfig
from mace.spotting.course import POINTS, Course
from mace.spotting.events import Event
from mace.spotting.lasting import APART_S, Lasting, Movement
from mace.spotting.naming import Naming
from mace.spotting.series import Grid
from mace.spotting.signal import EYES, REGIONS, SPEAKING
from mace.spotting.window import RunningMedian

_COUNT = len(REGIONS)
_EYES = np.array([name in EYES for name in REGIONS])
_SPEAKING = np.array([name in SPEAKING for name in REGIONS])
# After a break so many points make the first rest: a single one has the noise of one frame.
_FIRST = 3


class Sample(NamedTuple):
    """What the spotter is told about one frame.

    Attributes:
        time: s on the source's clock.
        frame: index of the frame.
        regions: displacement of each of `REGIONS` against one reference, px of the 128-px crop.
        head: where the head is in the frame, in px of the crop (`head_position`).
        ok: whether the face was registered.
    """

    time: float
    frame: int
    regions: Float[np.ndarray, "r 2"]
    head: Float[np.ndarray, "p 2"]
    ok: bool = True


class Spotter:
    """Finds the movements of one face, causally and in bounded memory.

    Every point of the signal is judged once, `decide_s` after it. An apex is where the regions are
    farthest from the middle between `half_s` before and after, in units of their usual motion, a
    running median. The movement's course is the share of the apex's own pattern in the frames
    around, which is far less noisy than any one region; its feet give onset and offset. A
    deviation from neutral (the median of the last seconds at rest) that lasts longer than a
    micro-expression is a macro-expression once it is over. Lids are looked at by themselves:
    what they do while they blink is a blink, and what a blink smears over its surroundings is
    taken off those.
    """

    def __init__(self, config: SpottingConfig = SpottingConfig(), *, identity: int = 0) -> None:  # noqa: B008
        """Start with nothing known about a face."""
        self.config = config
        self._course = course = Course(config)
        self._noise = RunningMedian(
            config.samples(2 * config.neutral_s), (_COUNT,), every=course.apart
        )
        # Until more is known the face is taken to rest, or its first movement would be the usual.
        for _ in range(course.around):
            self._noise.push(np.zeros(_COUNT))
        self._grid = Grid(config.fps, config.macro_s[1] + config.neutral_s + 2)
        self._lasting = Lasting(config, points=POINTS)
        self._naming = Naming(config, identity=identity)
        self.reset()

    def reset(self) -> None:
        """Begin anew with the next sample, as after a new keyframe; it makes no event.

        What is usual for this face and camera stays known.
        """
        self._grid.clear()
        self._lasting.clear()
        self._course.clear()
        self._first: list[tuple[float, Float[np.ndarray, " d"]]] = []
        self._started = False
        self._unjudged = 0  # points of the first rest, which is made up, that are still to come
        self._begun = self._last = 0.0  # times of the first and of the newest point
        self._settled = self._blinked = -np.inf

    def due(self, time: float) -> bool:
        """Say whether a frame at `time` is needed: between two points of the grid none is."""
        return self._grid.due(time)

    def broken(self, time: float) -> bool:
        """Say whether a frame at `time` comes after a break: what happened in it is unknown."""
        return self._grid.broken(time)

    def push(self, sample: Sample) -> list[Event]:
        """Take the next frame's sample and return the events that have become certain, in order."""
        if not sample.ok:
            return []
        if self._grid.broken(sample.time):
            self.reset()
        values = np.concatenate([sample.regions, sample.head]).astype(np.float64).ravel()
        events: list[Event] = []
        for time, point in self._grid.push(sample.time, sample.frame, values):
            events += self._point(time, point)
        return events

    def finish(self) -> list[Event]:
        """Return the events that were waiting for more frames, at the end of a stream.

        One that was still going on then is none: nobody has seen the face come back.
        """
        events: list[Event] = []
        time = self._last
        if self._started:
            course = self._course
            last = course.newest()
            for extra in range(1, course.reach + course.lag + 2 * course.apart + 1):
                events += self._point(time + extra / self.config.fps, last)
        self.reset()
        return [event for event in events if event.offset <= time]

    def _point(self, time: float, values: Float[np.ndarray, " d"]) -> list[Event]:
        if self._started:
            return self._next(time, values)
        self._first.append((time, values))
        if len(self._first) < _FIRST:
            return []
        # Before the first frame the face is taken to have rested.
        self._started, self._begun = True, self._first[0][0]
        self._course.begin(np.median([v for _, v in self._first], axis=0))
        self._unjudged = self._course.lag + self._course.reach
        first, self._first = self._first, []
        return [event for one in first for event in self._next(*one)]

    def _next(self, time: float, values: Float[np.ndarray, " d"]) -> list[Event]:
        self._last = time
        row = self._course.push(values)
        now = time - self._course.reach / self.config.fps
        lasting = self._lasting.push(now, row)
        events = [] if lasting is None else [self._naming(lasting, "macro", self._grid)]
        self._unjudged -= 1
        if self._unjudged >= 0:
            return events
        return events + self._judge(now)

    def _judge(self, now: float) -> list[Event]:
        """Judge the point `lag` before the smoothed signal's end, which is at the time `now`."""
        near = self._course.near()
        if near is None:
            return []
        here = self._course.apart
        height = near[here]
        self._noise.push(height)
        events: list[Event] = []
        lids = near[:, _EYES].max(axis=1)
        lid = lids[here]
        if lid >= self.config.blink_px and lid == lids.max():
            events += self._blink(now, height)
        noise = np.maximum(self._noise.value(), self.config.noise_px)
        # Most points are nothing at all, before anything is taken off them.
        if height.max() < self.config.least_px or (height / noise).max() < self.config.least_noise:
            return events
        mask = self._apex(near, lids, noise)
        if mask is not None and now - self._course.lag / self.config.fps > self._settled:
            events += self._short(now, noise, mask)
        return events

    def _apex(
        self,
        near: Float[np.ndarray, "n r"],
        lids: Float[np.ndarray, " n"],
        noise: Float[np.ndarray, " r"],
    ) -> Bool[np.ndarray, " r"] | None:
        """Return the regions that move, if the middle of `near` is the apex of a movement."""
        here, config = self._course.apart, self.config
        # A blink's smear lasts as long as the blink, which may be a little beside the apex.
        shut = lids[self._course.beside].max(axis=1)
        leak = np.where(_SPEAKING, config.leak_mouth, config.leak)
        blinking = (shut >= config.blink_px)[:, None]
        own = np.where(blinking, near - leak * shut[:, None], near)
        own = np.where(blinking & _EYES, 0, own)
        score = (own / noise).max(axis=1)
        if score[here] < max(score.max(), config.least_noise) or own[here].max() < config.least_px:
            return None
        return (own[here] > 0) & ~(_EYES & blinking[here])

    def _short(
        self, now: float, noise: Float[np.ndarray, " r"], mask: Bool[np.ndarray, " r"]
    ) -> list[Event]:
        pulse = self._course.pulse(mask / noise**2)
        if pulse is None or pulse.returned < self.config.returns:
            return []
        heights = pulse.heights * mask
        if heights.max() < self.config.least_px:
            return []
        movement = self._course.timed(now, pulse, heights)
        low, high = self.config.micro_s
        if not low <= movement.offset - movement.onset <= high:
            return []
        # How it began has to be seen: right after a new keyframe the rest before is made up.
        if movement.onset < self._begun + self.config.seen_s:
            return []
        if self._lasting.covers(movement.onset, movement.apex):
            return []
        self._settled = movement.apex + APART_S
        if self._naming.only_lids(movement):
            return self._blinks(movement)
        return [self._naming(movement, "micro", self._grid)]

    def _blink(self, now: float, height: Float[np.ndarray, " r"]) -> list[Event]:
        eyes = height[_EYES]
        if eyes.min() < self.config.blink_evenness * eyes.max():
            return []
        pulse = self._course.pulse(_EYES.astype(float))
        if pulse is None or pulse.returned < self.config.returns:
            return []
        movement = self._course.timed(now, pulse, pulse.heights * _EYES)
        if movement.offset - movement.onset > self.config.blink_s:
            return []
        return self._blinks(movement)

    def _blinks(self, movement: Movement) -> list[Event]:
        # The lids take a while: another blink in the wake of one would be the same blink.
        if movement.apex < self._blinked + self.config.blink_apart_s:
            return []
        self._blinked = movement.apex
        return [self._naming(movement, "blink", self._grid)]


def spot(
    samples: Iterable[Sample],
    *,
    config: SpottingConfig = SpottingConfig(),  # noqa: B008 - frozen, so sharing it is safe
    identity: int = 0,
) -> list[Event]:
    """Return the events of a whole recording, by onset: what a `Spotter` gives for it live."""
    spotter = Spotter(config, identity=identity)
    events = [event for sample in samples for event in spotter.push(sample)]
    return sorted([*events, *spotter.finish()], key=lambda event: (event.onset, event.kind))
