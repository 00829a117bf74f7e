"""Pictures of events, cut from a session's video for a page."""

import base64
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import UInt8

from mace.errors import DataError
from mace.face.clip import correct_clip
from mace.face.tracked import Status
from mace.live.recorder import PLAIN_VIDEO
from mace.pictures.jpeg import encode_jpeg
from mace.recordings.event_card import CARDED, event_card
from mace.recordings.session import Session
from mace.spotting.events import Event, EventFaces
from mace.video.reader import VideoReader

# Around an event, in s: what the face looked like before and after.
_BEFORE_S = _AFTER_S = 0.15
# A video's times are rounded to its units.
_SAME_S = 0.0005
_CLIP_FRAMES, _LEAST_FRAMES = 48, 12
_CLIP_WIDTH = 480
_CLIP_QUALITY = 78
# A clip that may have less has no use; and what a picture usually takes.
_LEAST_BYTES = 300_000
_USUAL_BYTES = 25_000
# Of an event card, at most.
_CARD_BYTES, _CARD_QUALITY = 100_000, 85


@dataclass
class Clip:
    """The pictures of one event.

    Attributes:
        times: of the pictures, s.
        images: JPEG in data URLs.
        shown: index of the picture that is nearest to the apex.
        card: its event card, likewise; "" where there is none.
    """

    times: list[float] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    shown: int = 0
    card: str = ""


def cut_clips(session: Session, *, max_bytes: int) -> dict[int, Clip]:
    """Return the pictures of the events by their place in the list, `max_bytes` at most in all.

    The video is read once. A clip has 48 pictures at most, evenly chosen, and the apex.
    """
    if session.video is None:
        return {}
    # Micro-expressions first, the surest first of all.
    rank = [(event.kind != "micro", -event.confidence) for event in session.spotted]
    order = sorted(range(len(rank)), key=rank.__getitem__)
    each = max(max_bytes // max(len(order), 1), _LEAST_BYTES)
    chosen = order[: max_bytes // each]
    count = max(_LEAST_FRAMES, min(_CLIP_FRAMES, each // _USUAL_BYTES))
    choices = {index: _Choice(session.spotted[index], count) for index in chosen}
    clips = {index: Clip() for index in chosen}
    left = dict.fromkeys(chosen, each)
    # What is drawn into a picture would be taken for motion.
    own = session.video.name == PLAIN_VIDEO
    faces = {index: _Faces(session.spotted[index]) for index in chosen if own}
    for index in list(faces):
        if session.spotted[index].kind in CARDED:
            left[index] -= _CARD_BYTES
        else:
            del faces[index]
    # A video's own clock begins with its first picture.
    begun = session.lines[0].time if session.lines else 0.0
    for picture in VideoReader(session.video).pictures():
        time = begun + picture.time
        for index in [index for index in faces if choices[index].end < time]:
            clips[index].card = faces.pop(index).card()
        takers = [index for index, choice in choices.items() if choice.takes(time)]
        if not takers:
            continue
        jpeg = encode_jpeg(picture.image, _CLIP_QUALITY, widest=_CLIP_WIDTH)
        url = _url(jpeg)
        for index in takers:
            if index in faces:
                faces[index].see(time, picture.image)
            clip, apex = clips[index], session.spotted[index].apex
            if left[index] < len(url):
                continue
            left[index] -= len(url)
            clip.times.append(time)
            clip.images.append(url)
            if abs(time - apex) < abs(clip.times[clip.shown] - apex):
                clip.shown = len(clip.times) - 1
    for index, those in faces.items():
        clips[index].card = those.card()
    return {index: clip for index, clip in clips.items() if clip.images}


class _Choice:
    """Which pictures an event takes as they come by: `count` at most, and that of its apex."""

    def __init__(self, event: Event, count: int) -> None:
        self._apex = event.apex
        self._due = event.onset - _BEFORE_S
        self.end = event.offset + _AFTER_S
        self._step = (self.end - self._due) / count

    def takes(self, time: float) -> bool:
        if time > self.end:
            return False
        if time >= self._due:
            self._due += self._step * (1 + (time - self._due) // self._step)
            return True
        return abs(time - self._apex) < _SAME_S


class _Faces:
    """An event's frames nearest to its onset, apex and offset, for its card."""

    def __init__(self, event: Event) -> None:
        self._event = event
        self._nearest: dict[float, tuple[float, UInt8[np.ndarray, "h w 3"]]] = {}

    def see(self, time: float, image: UInt8[np.ndarray, "h w 3"]) -> None:
        for moment in (self._event.onset, self._event.apex, self._event.offset):
            far = abs(time - moment)
            if moment not in self._nearest or far < self._nearest[moment][0]:
                self._nearest[moment] = far, image

    def card(self) -> str:
        frames = [self._nearest[moment][1] for moment in sorted(self._nearest)]
        if len(frames) < len(EventFaces._fields):
            return ""
        try:
            clip = correct_clip(frames)
        except DataError:  # no face at the onset
            return ""
        if any(status is not Status.TRACKED for status in clip.status):
            return ""
        card = event_card(self._event, EventFaces(*clip.frames))
        url = _url(encode_jpeg(card, _CARD_QUALITY))
        return url if len(url) <= _CARD_BYTES else ""


def _url(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
