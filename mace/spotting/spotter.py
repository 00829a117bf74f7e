"""Micro-expressions and what looks like them, found in the motion of one face as it comes."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from mace.spotting.config import SpottingConfig
from mace.spotting.events import Event, Kind
from mace.spotting.segment import Pulse, delineate, pulse_field
from mace.spotting.series import Grid
from mace.spotting.signal import EYES, REGIONS, SPEAKING

_EYES = np.array([name in EYES for name in REGIONS])
_SPEAKING = np.array([name in SPEAKING for name in REGIONS])
_LOW = _SPEAKING
# Two apexes closer than this are one; a macro-expression may waver below its threshold so long.
_APART_S = 0.1
# After a break so many points make the first rest: a single one has the noise of one frame.
_FIRST = 3
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
    """

    def __init__(self, config: SpottingConfig = SpottingConfig(), *, identity: int = 0) -> None:  # noqa: B008
        """Start with nothing known about a face."""
        self.config, self.identity = config, identity

        def samples(seconds: float) -> int:
            return max(round(seconds * config.fps), 1)

        self._half, self._decide = samples(config.half_s), samples(config.decide_s)
        self._apart, self._around = samples(_APART_S), samples(config.micro_s[1] * 0.8)
        kept = config.macro_s[1] + config.neutral_s
        self._length = samples(kept)
        reach = samples(3 * config.smoothing_s)
        kernel = np.exp(
            -0.5 * (np.arange(-reach, reach + 1) / (config.fps * config.smoothing_s)) ** 2
        )
        self._kernel = kernel / kernel.sum()
        self._grid = Grid(config.fps, kept + 2)
        self._noise: deque[np.ndarray] = deque(maxlen=samples(config.neutral_s * 2))
        self._spoken: deque[float] = deque(maxlen=32)
        self.reset()

    def reset(self) -> None:
        """Begin anew with the next sample, as after a new keyframe; it makes no event.

        What is usual for this face and camera stays known.
        """
        self._grid.clear()
        self._first: list[tuple[float, np.ndarray]] = []
        self._raw: deque[np.ndarray] = deque(maxlen=self._length)
        self._times: deque[float] = deque(maxlen=self._length)
        self._rest: deque[np.ndarray] = deque(maxlen=round(self.config.neutral_s * self.config.fps))
        self._run: list[tuple[float, np.ndarray]] = []  # of a deviation from neutral, in progress
        self._quiet = 0  # points since it was last beyond the threshold
        self._macro: list[tuple[float, float]] = []  # what is taken by macro-expressions
        self._settled = -np.inf

    def due(self, time: float) -> bool:
        """Say whether a frame at `time` is needed: between two points of the grid none is."""
        return self._grid.due(time)

    def push(self, sample: Sample) -> list[Event]:
        """Take the next frame's sample and return the events that have become certain, in order."""
        if not sample.ok:
            return []
        if self._grid.broken(sample.time):
            self.reset()
        values = np.concatenate([sample.regions, sample.head]).astype(np.float64)
        events: list[Event] = []
        for time, point in self._grid.push(sample.time, sample.frame, values):
            events += self._point(time, point)
        return events

    def finish(self) -> list[Event]:
        """Return the events that were waiting for more frames, at the end of a stream."""
        events: list[Event] = []
        if self._times:
            last, time = self._raw[-1], self._times[-1]
            for extra in range(1, self._decide + self._around):
                events += self._point(time + extra / self.config.fps, last)
        self.reset()
        return events

    def _point(self, time: float, values: np.ndarray) -> list[Event]:
        if self._first is not None and not self._raw:
            self._first.append((time, values))
            if len(self._first) < _FIRST:
                return []
            # Before the first frame the face is taken to have rested, or nothing that begins at
            # once could be seen.
            rest = np.median([v for _, v in self._first], axis=0)
            begin, _ = self._first[0]
            for back in range(self._around, 0, -1):
                self._raw.append(rest)
                self._times.append(begin - back / self.config.fps)
            events: list[Event] = []
            for at, value in self._first:
                events += self._judge_next(at, value)
            self._first = []
            return events
        return self._judge_next(time, values)

    def _judge_next(self, time: float, values: np.ndarray) -> list[Event]:
        self._raw.append(values)
        self._times.append(time)
        wanted = self._decide + self._around + self._apart + self._half + len(self._kernel)
        # Only the end of the signal is needed, unless a macro-expression is to be delineated.
        recent = np.array([self._raw[k] for k in range(-min(wanted, len(self._raw)), 0)])
        signal = _smooth(recent, self._kernel)
        events = self._macros(time, signal)
        return events + self._pulses(signal)

    # Short movements.

    def _pulses(self, signal: np.ndarray) -> list[Event]:
        at = len(signal) - 1 - self._decide
        if at < self._apart + self._half:
            return []
        regions = signal[:, : len(REGIONS)]
        height = np.linalg.norm(pulse_field(regions, self._half), axis=-1)
        self._noise.append(height[at])
        noise = np.maximum(np.median(self._noise, axis=0), self.config.noise_px)
        time = self._times[-1 - self._decide]
        events = []
        lids = np.where(_EYES, height, 0).max(axis=1)
        near = slice(at - self._apart, at + self._apart + 1)
        if lids[at] == lids[near].max() and lids[at] >= self.config.blink_px:
            events += self._blink(signal, at, height[at])
        # A blink's smear lasts as long as the blink, which may be a little beside the apex.
        shut = np.array([lids[max(k - 3, 0) : k + 4].max() for k in range(near.start, near.stop)])
        leak = np.where(_LOW, self.config.leak_mouth, self.config.leak)
        blinking = (shut >= self.config.blink_px)[:, None]
        own = np.where(blinking, height[near] - leak * shut[:, None], height[near])
        own = np.where(blinking & _EYES, 0, own)
        score = (own / noise).max(axis=1)
        here = self._apart
        strongest = own[here].max()
        if (
            score[here] == score.max()
            and score[here] >= self.config.least_noise
            and strongest >= self.config.least_px
            and time > self._settled
        ):
            mask = (own[here] > 0) & ~(_EYES & blinking[here])
            events += self._movement(signal, at, noise, mask)
        return events

    def _delineate(
        self, signal: np.ndarray, at: int, noise: np.ndarray, mask: np.ndarray
    ) -> Pulse | None:
        regions = signal[:, : len(REGIONS)]
        pattern = pulse_field(regions, self._half)[at]
        return delineate(
            regions,
            at,
            pattern=pattern,
            weights=mask / noise**2,
            before=self._around,
            after=min(self._around, self._decide),
            edge=self.config.edge,
        )

    def _movement(
        self, signal: np.ndarray, at: int, noise: np.ndarray, mask: np.ndarray
    ) -> list[Event]:
        pulse = self._delineate(signal, at, noise, mask)
        if pulse is None or pulse.returned < self.config.returns:
            return []
        heights = pulse.heights * mask
        if heights.max() < self.config.least_px:
            return []
        seconds = (pulse.offset - pulse.onset) / self.config.fps
        if not self.config.micro_s[0] <= seconds <= self.config.micro_s[1]:
            return []
        event = self._event(signal, pulse.onset, pulse.apex, pulse.offset, heights, "micro")
        if self._taken(event):
            return []
        self._settled = event.apex + _APART_S
        return [event]

    def _blink(self, signal: np.ndarray, at: int, height: np.ndarray) -> list[Event]:
        eyes = height[_EYES]
        if eyes.min() < self.config.blink_evenness * eyes.max():
            return []
        pulse = self._delineate(signal, at, np.ones(len(REGIONS)), _EYES)
        if pulse is None or pulse.returned < self.config.returns:
            return []
        if (pulse.offset - pulse.onset) / self.config.fps > self.config.blink_s:
            return []
        heights = pulse.heights * _EYES
        return [self._event(signal, pulse.onset, pulse.apex, pulse.offset, heights, "blink")]

    # Long movements.

    def _macros(self, time: float, signal: np.ndarray) -> list[Event]:
        """Follow the deviation from neutral, one smoothing kernel behind."""
        behind = len(self._kernel) // 2
        if len(signal) <= behind:
            return []
        at, here = self._times[-1 - behind], signal[-1 - behind]
        if not self._rest:
            self._rest.append(here)
            return []
        regions = len(REGIONS)
        away = np.linalg.norm((here - np.median(self._rest, axis=0))[:regions], axis=-1)
        beyond = bool(np.where(_EYES, 0, away).max() > self.config.macro_px)
        if not self._run and not beyond:
            self._rest.append(here)
            return []
        self._run.append((at, here))
        self._quiet = 0 if beyond else self._quiet + 1
        if at - self._run[0][0] > self.config.macro_s[1]:
            # So long a change is how the face now is.
            self._rest.clear()
            self._rest.extend(one for _, one in self._run[-self._apart :])
            self._run = []
            return []
        if self._quiet < 2 * self._apart:
            return []
        return self._close_run()

    def _close_run(self) -> list[Event]:
        run, self._run, self._quiet = self._run, [], 0
        rest = list(self._rest)[-self._around :]
        neutral = np.median(self._rest, axis=0)
        signal = np.array([*rest, *(one for _, one in run)])
        first = run[0][0]
        regions = (signal - neutral)[:, : len(REGIONS)]
        size = np.linalg.norm(np.where(_EYES[None, :, None], 0, regions), axis=-1).max(axis=1)
        apex = int(size.argmax())
        pulse = delineate(
            regions,
            apex,
            pattern=regions[apex],
            weights=np.where(_EYES, 0.0, 1.0),
            before=len(signal),
            after=len(signal),
            edge=self.config.edge,
        )
        self._rest.extend(one for _, one in run[-self._quiet or len(run) - self._apart :])
        if pulse is None:
            return []
        seconds = (pulse.offset - pulse.onset) / self.config.fps
        if not self.config.macro_s[0] < seconds <= self.config.macro_s[1]:
            return []
        shift = first - len(rest) / self.config.fps  # time of the signal's first sample
        heights = np.where(_EYES, 0, pulse.heights)
        times = [
            shift + place / self.config.fps for place in (pulse.onset, pulse.apex, pulse.offset)
        ]
        head = signal[:, len(REGIONS) :]
        event = self._name(times, heights, "macro", _travel(head, pulse.onset, pulse.offset))
        self._macro = [*self._macro[-3:], (event.onset, event.offset)]
        return [event]

    def _taken(self, event: Event) -> bool:
        """Say whether the movement is a part of a longer one."""
        if self._run and self._run[0][0] < event.onset - _APART_S:
            return True
        middle = event.apex
        return any(begin <= middle <= end for begin, end in self._macro)

    # Naming.

    def _event(
        self,
        signal: np.ndarray,
        onset: float,
        apex: int,
        offset: float,
        heights: np.ndarray,
        kind: Kind,
    ) -> Event:
        zero = self._times[-1] - (len(signal) - 1) / self.config.fps
        times = [zero + place / self.config.fps for place in (onset, apex, offset)]
        return self._name(times, heights, kind, _travel(signal[:, len(REGIONS) :], onset, offset))

    def _name(self, times: list[float], heights: np.ndarray, kind: Kind, travel: float) -> Event:
        onset, apex, offset = times
        order = np.argsort(-heights)
        strength = float(heights[order[0]])
        if kind != "blink":
            if travel > self.config.head_px:
                kind = "head"
            elif _SPEAKING[order[0]]:
                while self._spoken and self._spoken[0] < apex - self.config.speech_s:
                    self._spoken.popleft()
                if len(self._spoken) >= self.config.speech_count:
                    kind = "speech"
                self._spoken.append(apex)
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


def _smooth(signal: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    reach = len(kernel) // 2
    padded = np.pad(signal, ((reach, reach), (0, 0), (0, 0)), mode="edge")
    return np.einsum(
        "nrck,k->nrc", np.lib.stride_tricks.sliding_window_view(padded, len(kernel), axis=0), kernel
    )


def _travel(head: np.ndarray, onset: float, offset: float) -> float:
    """Return how far the head went between onset and offset, px of the crop."""
    piece = head[max(int(onset), 0) : int(offset) + 2]
    return float(np.linalg.norm(piece - piece[:1], axis=-1).max()) if len(piece) else 0.0
