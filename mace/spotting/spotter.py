"""Micro-expressions and what looks like them, found in the motion of one face as it comes."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from mace.spotting.config import SpottingConfig
from mace.spotting.events import Event, Kind
from mace.spotting.lasting import APART_S, Lasting, Movement
from mace.spotting.segment import Pulse, bump, delineate, travel
from mace.spotting.series import Grid
from mace.spotting.signal import EYES, HEAD_POINTS, REGIONS, SPEAKING
from mace.spotting.window import RunningMedian, Window

_COUNT = len(REGIONS)
_POINTS = _COUNT + HEAD_POINTS
_EYES = np.array([name in EYES for name in REGIONS])
_SPEAKING = np.array([name in SPEAKING for name in REGIONS])
# After a break so many points make the first rest: a single one has the noise of one frame.
_FIRST = 3
# A blink's smear is looked for so many points beside its apex.
_BESIDE = 3
# Regions are named if they move at least half as much as the strongest.
_NAMED = 0.5


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

    Nothing is computed twice: each point is smoothed, and compared with those `half_s` away, once.
    """

    def __init__(self, config: SpottingConfig = SpottingConfig(), *, identity: int = 0) -> None:  # noqa: B008
        """Start with nothing known about a face."""
        self.config, self.identity = config, identity
        self._half, self._apart = config.samples(config.half_s), config.samples(APART_S)
        self._around = config.samples(config.micro_s[1] * 0.8)
        self._reach = config.samples(3 * config.smoothing_s)
        away = np.arange(-self._reach, self._reach + 1) / (config.fps * config.smoothing_s)
        kernel = np.exp(-0.5 * away**2)
        self._kernel = kernel / kernel.sum()
        # Judged so many points behind the last smooth one, which is `reach` behind the raw ones.
        self._lag = max(
            config.samples(config.decide_s) - self._reach, self._half + self._apart, self._around
        )
        near = np.arange(2 * self._apart + 1)[:, None] + np.arange(-_BESIDE, _BESIDE + 1)
        self._beside = np.clip(near, 0, 2 * self._apart)
        self._raw = Window(len(self._kernel), (_POINTS * 2,))
        self._smooth = Window(self._lag + self._around + self._half + 2, (_POINTS, 2))
        self._heights = Window(self._lag - self._half + 2 * self._apart, (_COUNT,))
        self._noise = RunningMedian(
            config.samples(2 * config.neutral_s), (_COUNT,), every=self._apart
        )
        # Until more is known the face is taken to rest, or its first movement would be the usual.
        for _ in range(self._around):
            self._noise.push(np.zeros(_COUNT))
        self._grid = Grid(config.fps, config.macro_s[1] + config.neutral_s + 2)
        self._lasting = Lasting(config, points=_POINTS)
        self._spoken: deque[float] = deque(maxlen=32)
        self.reset()

    def reset(self) -> None:
        """Begin anew with the next sample, as after a new keyframe; it makes no event.

        What is usual for this face and camera stays known.
        """
        self._grid.clear()
        self._lasting.clear()
        for window in (self._raw, self._smooth, self._heights):
            window.clear()
        self._first: list[tuple[float, Float[np.ndarray, " d"]]] = []
        self._started = False
        self._unjudged = 0  # points of the first rest, which is made up, that are still to come
        self._begun = self._last = 0.0  # times of the first and of the newest point
        self._settled = self._blinked = -np.inf

    def due(self, time: float) -> bool:
        """Say whether a frame at `time` is needed: between two points of the grid none is."""
        return self._grid.due(time)

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
            last = self._raw.last(1)[0].copy()
            for extra in range(1, self._reach + self._lag + 2 * self._apart + 1):
                events += self._point(time + extra / self.config.fps, last)
        self.reset()
        return [event for event in events if event.offset <= time]

    def _point(self, time: float, values: Float[np.ndarray, " d"]) -> list[Event]:
        if self._started:
            return self._next(time, values)
        self._first.append((time, values))
        if len(self._first) < _FIRST:
            return []
        # Before the first frame the face is taken to have rested, or nothing that begins at once
        # could be seen.
        self._started, self._begun = True, self._first[0][0]
        rest = np.median([v for _, v in self._first], axis=0)
        for _ in range(len(self._kernel)):
            self._raw.push(rest)
        for _ in range(self._around):
            self._smooth.push(rest.reshape(_POINTS, 2))
        for _ in range(self._around - self._half):
            self._heights.push(np.zeros(_COUNT))
        self._unjudged = self._lag + self._reach
        first, self._first = self._first, []
        return [event for one in first for event in self._next(*one)]

    def _next(self, time: float, values: Float[np.ndarray, " d"]) -> list[Event]:
        self._last = time
        self._raw.push(values)
        row = (self._kernel @ self._raw.last(len(self._kernel))).reshape(_POINTS, 2)
        self._smooth.push(row)
        signal = self._smooth.last(2 * self._half + 1)
        if len(signal) == 2 * self._half + 1:
            lift = bump(signal[:, :_COUNT], self._half, self._half)
            self._heights.push(np.sqrt((lift * lift).sum(axis=-1)))
        now = time - self._reach / self.config.fps
        lasting = self._lasting.push(now, row)
        events = [] if lasting is None else [self._name(lasting, "macro")]
        self._unjudged -= 1
        if self._unjudged >= 0:
            return events
        return events + self._judge(now)

    def _judge(self, now: float) -> list[Event]:
        """Judge the point `lag` before the smoothed signal's end, which is at the time `now`."""
        behind = self._lag - self._half  # of the heights' end
        near = self._heights.last(behind + self._apart + 1)[: 2 * self._apart + 1]
        if len(near) < 2 * self._apart + 1:
            return []
        height = near[self._apart]
        self._noise.push(height)
        events: list[Event] = []
        lids = near[:, _EYES].max(axis=1)
        lid = lids[self._apart]
        if lid >= self.config.blink_px and lid == lids.max():
            events += self._blink(now, height)
        noise = np.maximum(self._noise.value(), self.config.noise_px)
        # Most points are nothing at all, before anything is taken off them.
        if height.max() < self.config.least_px or (height / noise).max() < self.config.least_noise:
            return events
        mask = self._apex(near, lids, noise)
        if mask is not None and now - self._lag / self.config.fps > self._settled:
            events += self._short(now, noise, mask)
        return events

    def _apex(
        self,
        near: Float[np.ndarray, "n r"],
        lids: Float[np.ndarray, " n"],
        noise: Float[np.ndarray, " r"],
    ) -> Bool[np.ndarray, " r"] | None:
        """Return the regions that move, if the middle of `near` is the apex of a movement."""
        here, config = self._apart, self.config
        # A blink's smear lasts as long as the blink, which may be a little beside the apex.
        shut = lids[self._beside].max(axis=1)
        leak = np.where(_SPEAKING, config.leak_mouth, config.leak)
        blinking = (shut >= config.blink_px)[:, None]
        own = np.where(blinking, near - leak * shut[:, None], near)
        own = np.where(blinking & _EYES, 0, own)
        score = (own / noise).max(axis=1)
        if score[here] < max(score.max(), config.least_noise) or own[here].max() < config.least_px:
            return None
        return (own[here] > 0) & ~(_EYES & blinking[here])

    def _delineate(
        self, noise: Float[np.ndarray, " r"], mask: Bool[np.ndarray, " r"]
    ) -> Pulse | None:
        regions = self._smooth.last(len(self._smooth))[:, :_COUNT]
        at = len(regions) - 1 - self._lag
        return delineate(
            regions,
            at,
            pattern=bump(regions, at, self._half),
            weights=mask / noise**2,
            before=self._around,
            after=self._around,
            edge=self.config.edge,
        )

    def _short(
        self, now: float, noise: Float[np.ndarray, " r"], mask: Bool[np.ndarray, " r"]
    ) -> list[Event]:
        pulse = self._delineate(noise, mask)
        if pulse is None or pulse.returned < self.config.returns:
            return []
        heights = pulse.heights * mask
        if heights.max() < self.config.least_px:
            return []
        movement = self._timed(now, pulse, heights)
        low, high = self.config.micro_s
        if not low <= movement.offset - movement.onset <= high:
            return []
        # How it began has to be seen: right after a new keyframe the rest before is made up.
        if movement.onset < self._begun + self.config.seen_s:
            return []
        if self._lasting.covers(movement.onset, movement.apex):
            return []
        self._settled = movement.apex + APART_S
        if self._only_lids(movement):
            return self._blinks(movement)
        return [self._name(movement, "micro")]

    def _only_lids(self, movement: Movement) -> bool:
        """Say whether a movement is a blink, if a weak one: of both lids and nothing else."""
        lids, others = movement.heights[_EYES], movement.heights[~_EYES]
        return bool(
            movement.offset - movement.onset <= self.config.blink_s
            and lids.min() >= self.config.blink_evenness * lids.max()
            and others.max() < self.config.blink_alone * lids.max()
        )

    def _blink(self, now: float, height: Float[np.ndarray, " r"]) -> list[Event]:
        eyes = height[_EYES]
        if eyes.min() < self.config.blink_evenness * eyes.max():
            return []
        pulse = self._delineate(np.ones(_COUNT), _EYES)
        if pulse is None or pulse.returned < self.config.returns:
            return []
        movement = self._timed(now, pulse, pulse.heights * _EYES)
        if movement.offset - movement.onset > self.config.blink_s:
            return []
        return self._blinks(movement)

    def _blinks(self, movement: Movement) -> list[Event]:
        # The lids take a while: another blink in the wake of one would be the same blink.
        if movement.apex < self._blinked + self.config.blink_apart_s:
            return []
        self._blinked = movement.apex
        return [self._name(movement, "blink")]

    def _timed(self, now: float, pulse: Pulse, heights: Float[np.ndarray, " r"]) -> Movement:
        signal = self._smooth.last(len(self._smooth))
        zero = now - (len(signal) - 1) / self.config.fps
        onset, apex, offset = (
            zero + place / self.config.fps for place in (pulse.onset, pulse.apex, pulse.offset)
        )
        far = travel(signal[:, _COUNT:], pulse.onset, pulse.offset)
        return Movement(onset, apex, offset, heights, far)

    def _name(self, movement: Movement, kind: Kind) -> Event:
        onset, apex, offset, heights, far = movement
        order = np.argsort(-heights)
        strength = float(heights[order[0]])
        if kind != "blink":
            if far > self.config.head_px:
                kind = "head"
            elif _SPEAKING[order[0]] and self._speaks(apex):
                kind = "speech"
        return Event(
            identity=self.identity,
            kind=kind,
            onset=onset,
            apex=apex,
            offset=offset,
            onset_frame=self._grid.frame(onset),
            apex_frame=self._grid.frame(apex),
            offset_frame=self._grid.frame(offset),
            strength_px=strength,
            regions=tuple(REGIONS[k] for k in order if heights[k] >= _NAMED * strength),
        )

    def _speaks(self, apex: float) -> bool:
        """Say whether the mouth has moved often of late; count this movement among those."""
        while self._spoken and self._spoken[0] < apex - self.config.speech_s:
            self._spoken.popleft()
        again = len(self._spoken) >= self.config.speech_count
        self._spoken.append(apex)
        return again


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
