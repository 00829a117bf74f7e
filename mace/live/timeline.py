"""The last seconds as a picture: a lane of events for every person, and what moved below them."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import UInt8

from mace.annotation.action_units import unit_column
from mace.live.overlay import BACK, DIM, FONT, put_text
from mace.live.results import FaceResult, Result
from mace.spotting.events import Event

SECONDS = 10.0
NAMED_S = 3.0
"""How long after its offset an event is what a panel names, in s."""
_LINE = (62, 58, 54)
_BAR = (217, 179, 127)
_MICRO = (76, 138, 239)
_OTHER = (140, 140, 140)
_SIZE = 0.4  # of text
_GUTTER, _LANE, _LEAST_LANE, _AXIS = 96, 22, 13, 20
# A longer pause between two samples is a gap in the curve, in s.
_GAP_S = 0.5
# Motion of this many px of the 128-px crop fills its lane.
_FULL_PX = 1.0


class Sample(NamedTuple):
    """What one face did at one moment.

    Attributes:
        time: s on the source's clock.
        identity: number of the person in the session.
        px: how far each thing of `moved` moves, px of the 128-px crop.
        smoothed: probability of each class; None where there is none.
    """

    time: float
    identity: int
    px: Mapping[str, float]
    smoothed: Sequence[float] | None


@dataclass
class History:
    """The last samples and events of everybody.

    Attributes:
        seconds: how long they are kept, s.
        now: time of the last result, s on the source's clock.
        samples: of each frame and face.
        events: those that are not too old, as they came.
    """

    seconds: float = SECONDS
    now: float = 0.0
    samples: deque[Sample] = field(default_factory=deque)
    events: deque[Event] = field(default_factory=deque)

    def add(self, result: Result) -> None:
        """Take what `result` adds, and forget what is too old."""
        self.now = time = result.frame.time
        for face in result.faces:
            smoothed = None if face.smoothed is None else face.smoothed.tolist()
            self.samples.append(Sample(time, face.identity, moved(face), smoothed))
        self.events.extend(result.events)
        while self.samples and self.samples[0].time < time - self.seconds:
            self.samples.popleft()
        while self.events and self.events[0].offset < time - self.seconds:
            self.events.popleft()

    @property
    def people(self) -> tuple[int, ...]:
        """Everybody who was there in the last seconds."""
        there = {sample.identity for sample in self.samples if sample.identity >= 0}
        return tuple(sorted(there | {event.identity for event in self.events}))

    @property
    def named(self) -> tuple[Event, ...]:
        """The events that are still to be named, the newest last."""
        return tuple(event for event in self.events if event.offset > self.now - NAMED_S)


def moved(face: FaceResult) -> dict[str, float]:
    """Return how far each action unit moves a face now, px; of each region without any units."""
    if face.moving is None or not face.moving.regions:
        return {}
    if face.moving.read_units is None:
        return {region.name.replace("_", " "): region.px for region in face.moving.regions}
    return {unit_column(name): unit.px for name, unit in face.moving.units.items() if unit.called}


def draw_timeline(
    history: History,
    *,
    classes: Sequence[str],
    size: tuple[int, int],
    probabilities: bool = False,
) -> UInt8[np.ndarray, "h w 3"]:
    """Return the timeline as a picture of `size` (width, height) px; now is at the right edge.

    With `probabilities` those of the first person are shown in place of what moved.
    """
    width, height = size
    image = np.full((height, width, 3), BACK, np.uint8)
    people = history.people or (0,)
    top = _LANE * len(people)
    room = height - top - _AXIS
    if width <= 2 * _GUTTER or room < _LEAST_LANE:
        return image

    def x(time: float) -> float:
        part = 1 + (time - history.now) / history.seconds
        return _GUTTER + (width - _GUTTER - 2) * part

    _axis(image, history, x_of=x)
    first = [sample for sample in history.samples if sample.identity == people[0]]
    lanes = _probabilities(first, classes) if probabilities else _movements(first)
    lanes = dict(list(lanes.items())[: room // _LEAST_LANE])
    row = room / max(len(lanes), 1)
    gap = _GAP_S * (width - _GUTTER) / history.seconds
    across = [x(sample.time) for sample in first]
    for index, (name, values) in enumerate(lanes.items()):
        base = round(top + (index + 1) * row) - 2
        put_text(image, name[:11], (6, round(base - row / 2) + 5), size=_SIZE, colour=DIM)
        cv2.line(image, (_GUTTER, base), (width, base), _LINE, 1)
        points = list(zip(across, values, strict=True))
        _area(image, points, base=base, reach=min(row, 40) - 4, gap=gap)
    if not lanes:
        put_text(image, "nothing moves", (6, round(top + room / 2) + 4), size=_SIZE, colour=DIM)
    for lane, identity in enumerate(people):
        mine = [event for event in history.events if event.identity == identity]
        put_text(image, f"person {identity}", (6, lane * _LANE + 15), size=_SIZE, colour=DIM)
        below = image[top : height - _AXIS] if identity == people[0] else image[:0]
        _events(image, mine, below=below, base=(lane + 1) * _LANE, x_of=x)
    return image


def _movements(samples: Sequence[Sample]) -> dict[str, list[float | None]]:
    names = {name for sample in samples for name in sample.px}
    return {
        name: [sample.px.get(name, 0.0) / _FULL_PX for sample in samples] for name in sorted(names)
    }


def _probabilities(
    samples: Sequence[Sample], classes: Sequence[str]
) -> dict[str, list[float | None]]:
    return {
        name: [None if sample.smoothed is None else sample.smoothed[k] for sample in samples]
        for k, name in enumerate(classes)
    }


def _axis(image: np.ndarray, history: History, *, x_of: Callable[[float], float]) -> None:
    height = image.shape[0]
    for second in range(max(0, int(history.now - history.seconds)), int(history.now) + 1):
        at = round(x_of(second))
        if at < _GUTTER:
            continue
        cv2.line(image, (at, 0), (at, height - _AXIS), _LINE, 1)
        if second % 2 == 0 and at < image.shape[1] - 30:
            put_text(image, f"{second} s", (at - 8, height - 6), size=_SIZE, colour=DIM)


def _area(
    image: np.ndarray,
    points: Sequence[tuple[float, float | None]],
    *,
    base: int,
    reach: float,
    gap: float,
) -> None:
    for (left, value), (right, _) in pairwise(points):
        if value is None or not value > 0 or right - left > gap:
            continue
        top = round(base - min(value, 1) * reach)
        first, last = max(round(left), _GUTTER), max(round(right), round(left) + 1)
        image[min(top, base - 1) : base, first:last] = _BAR


def _events(
    image: np.ndarray,
    events: Sequence[Event],
    *,
    below: np.ndarray,
    base: int,
    x_of: Callable[[float], float],
) -> None:
    """Mark events in a lane, whose lower edge is `base`, and in the part of the image `below` it.

    Of names that would lie on each other the first stands, a micro-expression's before all others.
    """
    width, taken = image.shape[1], list[tuple[int, int]]()
    for event in sorted(events, key=lambda event: event.kind != "micro"):
        left, right = x_of(event.onset), x_of(event.offset)
        first, last = max(round(left), _GUTTER), min(max(round(right), round(left) + 3), width)
        if last <= first:
            continue
        micro = event.kind == "micro"
        colour = _MICRO if micro else _OTHER
        area = below[:, first:last]
        area[:] = (0.75 * area + 0.25 * np.array(colour)).astype(np.uint8)
        image[base - 5 : base - 1, first:last] = colour
        text = event.label if micro and event.label else event.kind
        (wide, _), _ = cv2.getTextSize(text, FONT, _SIZE, 1)
        begin = min(first, width - wide - 2)
        if all(begin >= end + 4 or start >= begin + wide + 4 for start, end in taken):
            taken.append((begin, begin + wide))
            put_text(image, text, (begin, base - 9), size=_SIZE, colour=_MICRO if micro else DIM)
