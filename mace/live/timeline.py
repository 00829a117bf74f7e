"""The last seconds as a picture: a lane of events, and each class's probability below it."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from mace.live.results import Result
from mace.spotting.events import Event

SECONDS = 10.0
_BACK = (28, 26, 24)
_LINE = (62, 58, 54)
_TEXT = (225, 225, 225)
_DIM = (165, 165, 165)
_BAR = (217, 179, 127)
_MICRO = (76, 138, 239)
_OTHER = (140, 140, 140)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_GUTTER, _LANE, _AXIS = 96, 26, 20
# A longer pause between two samples is a gap in the curve, in s.
_GAP_S = 0.5


@dataclass
class History:
    """The last samples and events of one person.

    Attributes:
        seconds: how long they are kept, s.
        identity: number of the person in the session.
        now: time of the last result, s on the source's clock.
        samples: time in s and smoothed probabilities of each frame, None where there are none.
        events: those that are not too old, as they came.
    """

    seconds: float = SECONDS
    identity: int = 0
    now: float = 0.0
    samples: deque[tuple[float, Float[np.ndarray, " k"] | None]] = field(default_factory=deque)
    events: deque[Event] = field(default_factory=deque)

    def add(self, result: Result) -> None:
        """Take what `result` adds, and forget what is too old.

        A clock that runs backwards, as where a file starts over, begins a new history. Where the
        person is gone, the first of those who are there takes the place.
        """
        time = result.frame.time
        if time < self.now:
            self.samples.clear()
            self.events.clear()
        self.now = time
        faces = {face.identity: face for face in result.faces}
        if faces and self.identity not in faces:
            self.identity = min(faces)
            self.samples.clear()
        face = faces.get(self.identity)
        self.samples.append((time, None if face is None else face.smoothed))
        self.add_events(result.events)
        while self.samples and self.samples[0][0] < time - self.seconds:
            self.samples.popleft()
        while self.events and self.events[0].offset < time - self.seconds:
            self.events.popleft()

    def add_events(self, events: Iterable[Event]) -> None:
        """Take events alone, such as those of frames that are not shown."""
        self.events.extend(events)


def draw_timeline(
    history: History, *, classes: Sequence[str], size: tuple[int, int]
) -> UInt8[np.ndarray, "h w 3"]:
    """Return the timeline as a picture of `size` (width, height) px; now is at the right edge."""
    width, height = size
    image = np.full((height, width, 3), _BACK, np.uint8)
    row = (height - _LANE - _AXIS) / max(len(classes), 1)
    if width <= 2 * _GUTTER or row < 4:
        return image

    def x(time: float) -> float:
        part = 1 + (time - history.now) / history.seconds
        return _GUTTER + (width - _GUTTER - 2) * part

    _axis(image, history, x_of=x)
    _put(image, "events", (6, _LANE - 9), _DIM)
    for index, name in enumerate(classes):
        base = round(_LANE + (index + 1) * row) - 2
        _put(image, name[:11], (6, round(base - row / 2) + 5), _DIM)
        cv2.line(image, (_GUTTER, base), (width, base), _LINE, 1)
        points = [(x(t), None if p is None else float(p[index])) for t, p in history.samples]
        gap = _GAP_S * (width - _GUTTER) / history.seconds
        _area(image, points, base=base, reach=row - 5, gap=gap)
    for event in history.events:
        _mark(image, event, left=x(event.onset), right=x(event.offset))
    _name(image, history.events, x_of=x)
    return image


def _axis(image: np.ndarray, history: History, *, x_of: Callable[[float], float]) -> None:
    height = image.shape[0]
    for second in range(max(0, int(history.now - history.seconds)), int(history.now) + 1):
        at = round(x_of(second))
        if at < _GUTTER:
            continue
        cv2.line(image, (at, 0), (at, height - _AXIS), _LINE, 1)
        if second % 2 == 0 and at < image.shape[1] - 30:
            _put(image, f"{second} s", (at - 8, height - 6), _DIM)


def _area(
    image: np.ndarray,
    points: Sequence[tuple[float, float | None]],
    *,
    base: int,
    reach: float,
    gap: float,
) -> None:
    for (left, value), (right, _) in pairwise(points):
        if value is None or not np.isfinite(value) or right - left > gap:
            continue
        top = round(base - value * reach)
        first, last = max(round(left), _GUTTER), max(round(right), round(left) + 1)
        image[min(top, base - 1) : base, first:last] = _BAR


def _mark(image: np.ndarray, event: Event, *, left: float, right: float) -> None:
    height, width = image.shape[:2]
    first, last = max(round(left), _GUTTER), min(max(round(right), round(left) + 3), width)
    if last <= first:
        return
    colour = _MICRO if event.kind == "micro" else _OTHER
    area = image[_LANE : height - _AXIS, first:last]
    area[:] = (0.75 * area + 0.25 * np.array(colour)).astype(np.uint8)
    image[_LANE - 7 : _LANE - 1, first:last] = colour


def _name(image: np.ndarray, events: Iterable[Event], *, x_of: Callable[[float], float]) -> None:
    """Write the events' names; of those that would lie on each other the first, MEs before all."""
    width, taken = image.shape[1], list[tuple[int, int]]()
    for event in sorted(events, key=lambda one: one.kind != "micro"):
        left, right = round(x_of(event.onset)), round(x_of(event.offset))
        micro = event.kind == "micro"
        text = event.label if micro and event.label else event.kind
        (wide, _), _ = cv2.getTextSize(text, _FONT, 0.4, 1)
        first = min(max(left, _GUTTER), width - wide - 2)
        hidden = right < _GUTTER or left >= width
        if hidden or any(first < end + 4 and begin < first + wide + 4 for begin, end in taken):
            continue
        taken.append((first, first + wide))
        _put(image, text, (first, 14), _MICRO if micro else _DIM)


def _put(image: np.ndarray, text: str, at: tuple[int, int], colour: tuple[int, int, int]) -> None:
    cv2.putText(image, text, at, _FONT, 0.4, colour, 1, cv2.LINE_AA)
