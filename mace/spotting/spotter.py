"""Micro-expressions and what looks like them, found in the motion of one face as it comes."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from mace.spotting.config import SpottingConfig
from mace.spotting.course import POINTS, Course
from mace.spotting.covered import Uncovered
from mace.spotting.events import Event, Kind
from mace.spotting.lasting import Lasting, Movement
from mace.spotting.naming import Naming
from mace.spotting.series import Grid
from mace.spotting.signal import EYES, REGIONS, SPEAKING
from mace.spotting.window import RunningMedian

_COUNT = len(REGIONS)
_EYES = np.array([name in EYES for name in REGIONS])
_SPEAKING = np.array([name in SPEAKING for name in REGIONS])
# After a break so many points make the first rest: a single one has the noise of one frame.
_FIRST = 3
# Movements that share so much of their time, at most, are two.
_SAME = 2 / 3
# Lids that have opened again so far have been shut for no longer than it looks.
_WHOLE = 0.8


class Sample(NamedTuple):
    """What the spotter is told about one frame.

    Attributes:
        time: s on the source's clock.
        frame: index of the frame.
        regions: displacement of each of `REGIONS` against one reference, px of the 128-px crop.
        head: where the head is in the frame, in px of the crop (`head_position`).
        ok: whether the face was registered.
        misfit: how badly each region's picture fits the reference (`mace.spotting.covered.Fit`);
            None where nobody has looked.
    """

    time: float
    frame: int
    regions: Float[np.ndarray, "r 2"]
    head: Float[np.ndarray, "p 2"]
    ok: bool = True
    misfit: Float[np.ndarray, " r"] | None = None


class Untold(NamedTuple):
    """Short movements that are no events, for nobody knows which of two states is the neutral one.

    Attributes:
        since: when the face left what had been its neutral, s.
        until: the end of what was seen of it, away from that neutral to the last, s.
        apexes: of the movements meanwhile, s.
    """

    since: float
    until: float
    apexes: tuple[float, ...]


class Spotter:
    """Finds the movements of one face, causally and in bounded memory.

    Every point of the signal is judged once, `decide_s` after it. An apex is where the regions are
    farthest from the middle between `half_s` before and after, in units of their usual motion, a
    running median. The movement's course is the share of the apex's own pattern in the frames
    around, which is far less noisy than any one region; its feet give onset and offset. A
    deviation from neutral (the median of the last seconds at rest) that lasts longer than a
    micro-expression is a macro-expression once it is over. Lids are looked at by themselves:
    what they do while they blink is a blink, and what a blink smears over its surroundings is
    taken off those. Regions that something is before are taken to rest where they were. Of what
    overlaps by two thirds, blinks aside, only the first is an event: it is one movement.

    Attributes:
        untold: what is no event although it may be one, so far.
    """

    def __init__(self, config: SpottingConfig = SpottingConfig(), *, identity: int = 0) -> None:  # noqa: B008
        """Start with nothing known about a face."""
        self.config = config
        self._course = course = Course(config)
        self._noise = RunningMedian(
            config.samples(2 * config.neutral_s), (_COUNT,), every=course.apart
        )
        # Until more is known the face is taken to rest, or its first movement would be the usual:
        # one as long as a micro-expression may be is felt for twice as long.
        for _ in range(config.samples(2 * config.micro_s[1])):
            self._noise.push(np.zeros(_COUNT))
        self._grid = Grid(config.fps, config.macro_s[1] + config.neutral_s + 2)
        self._lasting = Lasting(config, points=POINTS)
        self._naming = Naming(config, identity=identity)
        self._uncovered = Uncovered(config)
        self.untold: list[Untold] = []
        self.reset()

    def reset(self) -> None:
        """Begin anew with the next sample, as after a new keyframe; it makes no event.

        What is usual for this face and camera stays known.
        """
        self._grid.clear()
        self._lasting.clear()
        self._course.clear()
        self._uncovered.clear()
        self._first: list[tuple[float, Float[np.ndarray, " d"]]] = []
        self._started = False
        self._unjudged = 0  # points of the first rest, which is made up, that are still to come
        self._begun = self._last = 0.0  # times of the first and of the newest point
        self._newest = np.zeros(0)
        self._blinked = (-np.inf, -np.inf)  # apex and offset of the last blink, s
        self._told: deque[tuple[float, float]] = deque(maxlen=8)  # onset and offset of the others
        # Short movements within a lasting one: its parts, unless it turns out to be a new rest.
        self._parts: list[Movement] = []

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
        misfit = np.zeros(_COUNT) if sample.misfit is None else sample.misfit
        values = np.concatenate([sample.regions.ravel(), sample.head.ravel(), misfit]).astype(float)
        events: list[Event] = []
        for time, point in self._grid.push(sample.time, sample.frame, values):
            events += self._point(time, point)
        return events

    def finish(self) -> list[Event]:
        """Return the events that were waiting for more frames, at the end of a stream.

        One that was still going on then is none: nobody has seen the face come back.
        """
        events: list[Event] = []
        time, last = self._last, self._newest
        if self._started:
            course = self._course
            still = course.reach + course.lag + 2 * course.apart + self._uncovered.delay + 1
            for extra in range(1, still + 1):
                events += self._point(time + extra / self.config.fps, last)
            apexes = tuple(part.apex for part in self._parts if part.offset <= time)
            if self._lasting.going_on and apexes:
                self.untold.append(Untold(self._lasting.begun, time, apexes))
        self.reset()
        return [event for event in events if event.offset <= time]

    def _point(self, time: float, values: Float[np.ndarray, " d"]) -> list[Event]:
        self._last, self._newest = time, values
        point = self._uncovered.push(time, values[: 2 * POINTS], values[2 * POINTS :])
        if point is None:
            return []
        if self._started:
            return self._next(*point)
        self._first.append(point)
        if len(self._first) < _FIRST:
            return []
        # Before the first frame the face is taken to have rested.
        self._started, self._begun = True, self._first[0][0]
        self._course.begin(np.median([v for _, v in self._first], axis=0))
        self._unjudged = self._course.lag + self._course.reach
        first, self._first = self._first, []
        return [event for one in first for event in self._next(*one)]

    def _next(self, time: float, values: Float[np.ndarray, " d"]) -> list[Event]:
        row = self._course.push(values)
        now = time - self._course.reach / self.config.fps
        lasting = self._lasting.push(now, row)
        events: list[Event] = []
        if self._lasting.rested:
            # What it was not at rest for so long is rest now, so these were movements after all.
            events += [event for part in self._parts for event in self._report(part, "micro")]
        if not self._lasting.going_on:
            self._parts = []
        if lasting is not None:
            events += self._report(lasting, "macro")
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
        if mask is not None:
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
        # The lids' own course is not led astray by what little the rest of the face does.
        lift = np.linalg.norm(self._course.lift(), axis=1) * mask
        lids = self._lids(now) if _EYES[lift.argmax()] else None
        blink = lids is not None and self._naming.only_lids(lids)
        movement = lids if blink else self._brief(now, noise, mask)
        # How it began has to be seen: right after a new keyframe the rest before is made up.
        if movement is None or movement.onset < self._begun + self.config.seen_s:
            return []
        if self._lasting.covers(movement.onset, movement.apex):
            if not blink:
                self._parts.append(movement)
            return []
        if blink:
            return self._blinks(movement._replace(heights=movement.heights * _EYES))
        return self._report(movement, "micro")

    def _brief(
        self, now: float, noise: Float[np.ndarray, " r"], mask: Bool[np.ndarray, " r"]
    ) -> Movement | None:
        """Return the movement about the judged point if it takes as long as a micro-expression."""
        pulse = self._course.pulse(mask / noise**2)
        if pulse is None or pulse.returned < self.config.returns:
            return None
        heights = pulse.heights * mask
        if heights.max() < self.config.least_px:
            return None
        movement = self._course.timed(now, pulse, heights)
        low, high = self.config.micro_s
        return movement if low <= movement.offset - movement.onset <= high else None

    def _report(self, movement: Movement, kind: Kind) -> list[Event]:
        """Return a movement's event, unless it is, for the most part, one that is reported.

        A short one may have been a lasting one's beginning, so that one has to be as long.
        """
        onset, offset = movement.onset, movement.offset
        least = max if kind == "macro" else min
        for begin, end in self._told:
            shared = min(offset, end) - max(onset, begin)
            if shared > _SAME * least(offset - onset, end - begin):
                return []
        self._told.append((onset, offset))
        return [self._naming(movement, kind, self._grid)]

    def _blink(self, now: float, height: Float[np.ndarray, " r"]) -> list[Event]:
        eyes = height[_EYES]
        if eyes.min() < self.config.blink_evenness * eyes.max():
            return []
        movement = self._lids(now)
        if movement is None or movement.offset - movement.onset > self.config.blink_s:
            return []
        return self._blinks(movement._replace(heights=movement.heights * _EYES))

    def _lids(self, now: float) -> Movement | None:
        """Return what both lids do, which may take longer than a micro-expression."""
        pulses = [self._course.pulse(_EYES.astype(float))]
        if pulses[0] is None or pulses[0].returned < _WHOLE:
            # They may have been shut for long; and between two blinks they are open, not shut.
            down = self._course.lift()[_EYES, 1].mean() > 0
            pulses += [self._course.pulse(_EYES.astype(float), held=True)] if down else []
        pulse = max(
            (one for one in pulses if one is not None), key=lambda one: one.returned, default=None
        )
        if pulse is None or pulse.returned < self.config.returns:
            return None
        return self._course.timed(now, pulse, pulse.heights)

    def _blinks(self, movement: Movement) -> list[Event]:
        # The lids take a while: another blink in the wake of one would be the same blink.
        apex, offset = self._blinked
        if movement.apex < apex + self.config.blink_apart_s or movement.onset < offset:
            return []
        self._blinked = movement.apex, movement.offset
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
