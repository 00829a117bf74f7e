"""Several faces at once: who is followed, who is whom, and who is looked for.

Every person has a `FaceTracker` of their own, the same one that corrects stored clips. The crowd
tells the trackers what the lookout saw, so that no two of them follow one face, and gives the
people numbers that survive short losses.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from mace.errors import DataError
from mace.face import (
    Detection,
    FaceConfig,
    FaceDetector,
    FaceTracker,
    Landmarker,
    TrackedFace,
    canonical_transform,
    face_box,
    to_gray,
)
from mace.live.config import LiveConfig
from mace.live.lookout import Lookout

# Two boxes whose centres are closer than this, in widths, hold one face.
_SAME = 0.4
# A face that comes back within this distance, in widths, of where it was lost may look different.
_NEARBY = 1.5


@dataclass(frozen=True)
class Seen:
    """One person in one frame.

    Attributes:
        place: in the batch, below `LiveConfig.faces`.
        identity: number of the person in this session.
        face: what the tracker says.
    """

    place: int
    identity: int
    face: TrackedFace


@dataclass(frozen=True)
class _Box:
    x: float
    y: float
    width: float

    def near(self, other: "_Box", widths: float) -> bool:
        distance = np.hypot(self.x - other.x, self.y - other.y)
        return bool(distance < widths * max(self.width, other.width))


class _Place:
    """One person's tracker, and what it asks the crowd for."""

    def __init__(self, number: int, crowd: "Crowd") -> None:
        self.number, self._crowd = number, crowd
        self.identity = -1  # nobody yet
        self.start = 0  # frame that the tracker counts from
        self.box: _Box | None = None  # where the face is, or was
        self.seen_at = -np.inf  # when, in s
        self.present = False
        self.tracker = FaceTracker(crowd.face, finder=self)

    def detect(self, gray: UInt8[np.ndarray, "h w"]) -> list[Detection]:
        """Return the faces this tracker may take up, its own first."""
        return self._crowd.offer(self, gray)

    def near(
        self, gray: UInt8[np.ndarray, "h w"], centre: tuple[float, float], width: float
    ) -> Detection | None:
        """Return the face close by, unless it is another person's."""
        face = self._crowd.detector.near(gray, centre, width)
        return None if face is None or self._crowd.taken(face, self) else face

    def note(self, answers: list[TrackedFace], time: float) -> None:
        """Remember where the face is."""
        for answer in answers:
            self.present = answer.transform is not None
            if answer.transform is not None:
                (x, y), width = face_box(answer.transform, self._crowd.face)
                self.box, self.seen_at = _Box(x, y, width), time


@dataclass
class _Waiting:
    """A frame that not everybody has answered for."""

    index: int
    answers: dict[int, Seen | None]  # by place


class Crowd:
    """Follows up to `config.faces` people.

    Args:
        face: settings of the trackers.
        config: how many are followed, and for how long a lost face keeps its number.
        lookout: where faces are in whole frames.
        patient: answer for every frame, which may come some frames late while a new face's pose is
            averaged; otherwise answer at once, with such a face left out.
    """

    def __init__(
        self, face: FaceConfig, config: LiveConfig, *, lookout: Lookout, patient: bool
    ) -> None:
        self.face, self._config, self._lookout = face, config, lookout
        self._patient = patient
        self.detector = FaceDetector(face.detector)
        self._landmarker = Landmarker(face.landmarks, boxes=face.boxes)
        self._identities = 0
        self._index, self._time = -1, 0.0
        self._found: list[Detection] | None = None
        self._looked, self._look_at = -1, 0.0
        self._places = [_Place(0, self)]
        self._waiting: deque[_Waiting] = deque()

    def push(self, image: object, time: float) -> list[tuple[Seen, ...]]:
        """Take the next frame and return who is seen in every frame that is answered, in order."""
        self._index, self._time = self._index + 1, time
        self._waiting.append(_Waiting(self._index, {one.number: None for one in self._places}))
        try:
            gray = to_gray(image)
        except DataError:
            gray = None
        for place in self._places:
            self._take(place, place.tracker.push(gray))
        if gray is not None and self._config.faces > 1:
            self._part()
            self._welcome(gray)
        return list(self._answered())

    def finish(self) -> list[tuple[Seen, ...]]:
        """Return who is seen in the frames that still wait, at the end of a stream."""
        for place in self._places:
            self._take(place, place.tracker.finish())
        return list(self._answered())

    def renew(self) -> None:
        """Forget everybody's keyframe: the next frame with a face becomes the new reference."""
        for place in self._places:
            place.tracker.renew()

    def offer(self, place: _Place, gray: UInt8[np.ndarray, "h w"]) -> list[Detection]:
        """Return the faces of the frame that nobody follows, the one for `place` first."""
        found = [one for one in self._look(gray) or [] if not self.taken(one, place)]
        chosen = next((one for one in found if self._fits(place, one, gray)), None)
        if chosen is None:
            lost = [one for one in self._places if one is not place and not one.present]
            free = [one for one in found if not any(self._fits(who, one, gray) for who in lost)]
            if not free:
                return []
            chosen = free[0]
            if not self._same_person(place, chosen):
                place.identity, self._identities = self._identities, self._identities + 1
        place.box = _box(chosen)
        place.seen_at, place.present = self._time, True
        return [chosen, *(one for one in found if one is not chosen)]

    def taken(self, face: Detection, by: _Place | None) -> bool:
        """Return whether somebody else is followed there."""
        return any(
            other is not by
            and other.present
            and other.box is not None
            and other.box.near(_box(face), _SAME)
            for other in self._places
        )

    def _take(self, place: _Place, answers: list[TrackedFace]) -> None:
        place.note(answers, self._time)
        rows = {row.index: row for row in self._waiting}
        for answer in answers:
            row = rows.get(place.start + answer.index)
            if row is not None:  # an impatient crowd has given the others up
                row.answers[place.number] = Seen(place.number, place.identity, answer)

    def _answered(self) -> Iterator[tuple[Seen, ...]]:
        while self._waiting:
            answers = list(self._waiting[0].answers.values())
            if self._patient and None in answers:
                return
            self._waiting.popleft()
            yield tuple(answer for answer in answers if answer is not None)

    def _look(self, gray: UInt8[np.ndarray, "h w"]) -> list[Detection] | None:
        """Look at a frame once, whoever asks."""
        if self._looked != self._index:
            self._looked, self._found = self._index, self._lookout.look(gray)
        return self._found

    def _fits(self, place: _Place, face: Detection, gray: UInt8[np.ndarray, "h w"]) -> bool:
        """Return whether this is the face that the place's keyframe shows."""
        keyframe = place.tracker.keyframe
        if keyframe is None:
            return False
        guess = canonical_transform(self._landmarker.locate(gray, face), self.face.crop)
        return keyframe.register(gray, guess).ok

    def _same_person(self, place: _Place, face: Detection) -> bool:
        if place.identity < 0 or place.box is None:
            return False
        lost_for = self._time - place.seen_at
        return lost_for <= self._config.forget_s and place.box.near(_box(face), _NEARBY)

    def _part(self) -> None:
        """Of two trackers that have ended up on one face, let the one that joined last go."""
        for number, place in enumerate(self._places):
            for other in self._places[:number]:
                if place.box is None or other.box is None or not (place.present and other.present):
                    continue
                if place.box.near(other.box, _SAME):
                    place.tracker.renew()
                    place.present = False

    def _welcome(self, gray: UInt8[np.ndarray, "h w"]) -> None:
        """Take up a newcomer now and then, in the place of somebody long gone if there is one."""
        gone = self._time - self._config.forget_s
        kept = [one for one in self._places if one.present or one.seen_at >= gone]
        self._places = kept or self._places[:1]
        if self._time < self._look_at or len(self._places) == self._config.faces:
            return
        found = self._look(gray)
        if found is None:
            return
        self._look_at = self._time + self._config.look_s
        lost = [one for one in self._places if not one.present]
        if all(
            self.taken(face, None) or any(self._fits(one, face, gray) for one in lost)
            for face in found
        ):
            return
        free = set(range(self._config.faces)) - {one.number for one in self._places}
        place = _Place(min(free), self)
        place.start = self._index
        self._places.append(place)
        self._waiting[-1].answers[place.number] = None
        self._take(place, place.tracker.push(gray))


def _box(face: Detection) -> _Box:
    return _Box(*face.centre, face.width)
