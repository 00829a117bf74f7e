"""Pictures of events, cut from a session's video for a page."""

import base64
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from mace.live.recorded import Session
from mace.spotting.events import Event

# Around an event, in s: what the face looked like before and after.
_BEFORE_S = _AFTER_S = 0.15
_CLIP_FRAMES, _LEAST_FRAMES = 48, 12
_CLIP_WIDTH = 480
_CLIP_QUALITY = 78
# A clip that may have less has no use; and what a picture usually takes.
_LEAST_BYTES = 300_000
_USUAL_BYTES = 25_000


@dataclass
class Clip:
    """The pictures of one event, as JPEG in data URLs."""

    times: list[float] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    shown: int = 0
    """Which picture is nearest to the apex."""


def cut_clips(session: Session, *, max_bytes: int) -> dict[int, Clip]:
    """Return the pictures of the events by their place in the list, `max_bytes` at most in all.

    The video is read once. A clip has 48 pictures at most, evenly chosen, the apex among them.
    """
    if session.video is None:
        return {}
    # Micro-expressions first, the surest first of all.
    rank = [(event.kind != "micro", -event.confidence) for event in session.events]
    order = sorted(range(len(rank)), key=rank.__getitem__)
    each = max(max_bytes // max(len(order), 1), _LEAST_BYTES)
    chosen = order[: max_bytes // each]
    count = max(_LEAST_FRAMES, min(_CLIP_FRAMES, each // _USUAL_BYTES))
    # The video has one picture a frame, whatever the source's numbers and however many people.
    numbers = dict.fromkeys(line.frame for line in session.lines)
    place_of = {number: place for place, number in enumerate(numbers)}
    time_of = {place_of[line.frame]: line.time for line in session.lines}
    wanted: dict[int, list[int]] = {}
    for index in chosen:
        for place in _places(session.events[index], session.fps, place_of, count=count):
            wanted.setdefault(place, []).append(index)
    clips = {index: Clip() for index in chosen}
    left = dict.fromkeys(chosen, each)
    for place, image in _frames_at(session.video, sorted(wanted)):
        url = "data:image/jpeg;base64," + base64.b64encode(_jpeg(image)).decode()
        time = time_of.get(place, place / session.fps)
        for index in wanted[place]:
            clip, apex = clips[index], session.events[index].apex
            if left[index] < len(url):
                continue
            left[index] -= len(url)
            clip.times.append(time)
            clip.images.append(url)
            if abs(time - apex) < abs(clip.times[clip.shown] - apex):
                clip.shown = len(clip.times) - 1
    return {index: clip for index, clip in clips.items() if clip.images}


def _places(event: Event, fps: float, place_of: Mapping[int, int], *, count: int) -> list[int]:
    first = event.onset_frame - round(_BEFORE_S * fps)
    last = event.offset_frame + round(_AFTER_S * fps)
    step = max(1, math.ceil((last - first + 1) / count))
    # Counted from the apex, so that it is one of them.
    start = event.apex_frame - (event.apex_frame - first) // step * step
    numbers = range(start, last + 1, step)
    if not place_of:
        return [number for number in numbers if number >= 0]
    return [place_of[number] for number in numbers if number in place_of]


def _frames_at(
    video: Path, places: Sequence[int]
) -> Iterator[tuple[int, UInt8[np.ndarray, "h w 3"]]]:
    capture = cv2.VideoCapture(str(video))
    try:
        here = 0
        for place in places:
            # Seeking in MPEG-4 is off by frames in some files; grabbing is exact, and fast.
            while here < place:
                if not capture.grab():
                    return
                here += 1
            good, image = capture.read()
            if not good:
                return
            here += 1
            yield place, np.asarray(image, np.uint8)
    finally:
        capture.release()


def _jpeg(image: UInt8[np.ndarray, "h w 3"]) -> bytes:
    height, width = image.shape[:2]
    if width > _CLIP_WIDTH:
        size = (_CLIP_WIDTH, max(1, round(height * _CLIP_WIDTH / width)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _CLIP_QUALITY])[1].tobytes()
