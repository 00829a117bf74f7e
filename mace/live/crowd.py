"""Several faces at once: who is followed, who is whom, and who is looked for.

Every person has a `FaceTracker` of their own, the same one that corrects stored clips. The crowd
tells the trackers what the lookout saw, so that no two of them follow one face, and gives the
people numbers that survive short losses.
"""

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import UInt8

from mace.errors import DataError
from mace.face.config import FaceConfig
from mace.face.detector import Detection, FaceDetector
from mace.face.images import to_gray
from mace.face.landmarks import Landmarker
from mace.face.tracked import TrackedFace
from mace.live.config import LiveConfig
from mace.live.later import Later
from mace.live.lookout import Lookout
from mace.live.place import ALIKE, Box, Place

# Two boxes whose centres are closer than this, in widths, hold one face.
_SAME = 0.4
# Part of a frame by which the time of a frame may be off.
_ROUNDING = 0.15
# A face that comes back within this distance, in widths, of where it was lost may look different.
_NEARBY = 1.5


@dataclass(frozen=True)
class Seen:
    """One person in one frame.

    Attributes:
        place: in the batch, below `LiveConfig.faces`.
        identity: number of the person in this session; -1 before anybody was seen.
        face: what the tracker says.
    """

    place: int
    identity: int
    face: TrackedFace


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
        later: how tracks are confirmed; at once by default.
        rate: frames a second for which the intervals of `face` are meant; where frames come at
            another, or unevenly, their times count. Without one every frame counts as one.
        patient: answer for every frame, which may come some frames late while a new face's pose is
            averaged; otherwise answer at once, with such a face left out.
    """

    def __init__(
        self,
        face: FaceConfig,
        config: LiveConfig,
        *,
        lookout: Lookout,
        patient: bool,
        rate: float = 0.0,
        later: Later | None = None,
    ) -> None:
        self._face, self._config, self._lookout, self._later = face, config, lookout, later
        self._rate = rate
        self._patient, self._several = patient, config.faces > 1
        self._detector = FaceDetector(face.detector)
        self._landmarker = Landmarker(face.landmarks, boxes=face.boxes)
        self._identities = 0
        self._index, self._time = -1, 0.0
        self._shape: tuple[int, ...] | None = None
        self._looked: np.ndarray | None = None  # the frame that was looked at
        self._found: list[Detection] | None = None  # in it
        self._count, self._look_at = 0, 0.0
        self._places = [self._place(0)]
        self._waiting: deque[_Waiting] = deque()

    def push(self, image: object, time: float) -> list[tuple[Seen, ...]]:
        """Take the next frame and return who is seen in every frame that is answered, in order."""
        weight = self._weight(time)
        self._index, self._time = self._index + 1, time
        self._waiting.append(_Waiting(self._index, {one.number: None for one in self._places}))
        try:
            gray = to_gray(image)
        except DataError:
            gray = None
        if gray is not None:
            self._measure(gray)
        for place in self._places:
            self._take(place, place.tracker.push(gray, weight=weight))
        if gray is not None and self._several:
            self._part(gray)
            self._welcome(gray)
        self._looked = None
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

    def _weight(self, time: float) -> float:
        """For how many frames the one at `time` counts: those of the time since the last one."""
        if not self._rate or self._index < 0:
            return 1.0
        weight = max((time - self._time) * self._rate, 0.0)
        # Containers round their times, and a frame in time is one frame.
        whole = max(round(weight), 1)
        return float(whole) if abs(weight - whole) < _ROUNDING else weight

    def offer(self, place: Place, gray: UInt8[np.ndarray, "h w"]) -> list[Detection]:
        """Return the faces of the frame that nobody follows, the one for `place` first."""
        found = [one for one in self._look(gray) or [] if not self._taken(one, place)]
        chosen = self._choose(place, found, gray)
        if chosen is None:
            return []
        place.take(chosen, self._time)
        return [chosen, *(one for one in found if one is not chosen)]

    def confirm(
        self,
        place: Place,
        gray: UInt8[np.ndarray, "h w"],
        centre: tuple[float, float],
        width: float,
    ) -> Detection | None:
        """Return the face close by, unless it is another person's, followed or lost."""
        face = self._detector.near(gray, centre, width)
        if face is None or self._taken(face, place) or self._missed(face, place, gray):
            return None
        return face

    def _choose(
        self, place: Place, found: list[Detection], gray: UInt8[np.ndarray, "h w"]
    ) -> Detection | None:
        """Return the face of the person in `place`; of somebody new, if nobody is missed there."""
        # A person alone is whoever the tracker itself takes for the same.
        least = ALIKE if self._several else -1.0
        for face in found:
            if place.fits(face, gray, least=least):
                return face
        free = [face for face in found if not self._missed(face, place, gray)]
        near = [face for face in free if self._same_person(place, face)]
        if near:
            return min(near, key=lambda face: place.distance(Box.of(face)))
        if not free or (self._several and self._expected(place)):
            return None
        if self._several:  # some people's faces register to each other's
            place.tracker.renew()
        place.identity, self._identities = self._identities, self._identities + 1
        return free[0]

    def _place(self, number: int) -> Place:
        return Place(
            number,
            self,
            self._face,
            self._landmarker,
            start=max(self._index, 0),
            later=self._later,
        )

    def _measure(self, gray: UInt8[np.ndarray, "h w"]) -> None:
        if self._shape not in (None, gray.shape):
            for place in self._places:
                place.resize(gray.shape[1] / self._shape[1])
        self._shape = gray.shape

    def _take(self, place: Place, answers: list[TrackedFace]) -> None:
        place.note(answers, self._time)
        rows = {row.index: row for row in self._waiting}
        for answer in answers:
            row = rows.get(place.start + answer.index)
            if row is not None:  # an impatient crowd has given the others up
                # A tracker knows only of the faces that it was offered.
                face = replace(answer, faces=self._count) if self._several else answer
                row.answers[place.number] = Seen(place.number, place.identity, face)

    def _answered(self) -> Iterator[tuple[Seen, ...]]:
        while self._waiting:
            answers = list(self._waiting[0].answers.values())
            if self._patient and None in answers:
                return
            self._waiting.popleft()
            seen = [answer for answer in answers if answer is not None]
            yield tuple(sorted(seen, key=lambda one: one.identity))

    def _look(self, gray: UInt8[np.ndarray, "h w"]) -> list[Detection] | None:
        """Look at a frame once, whoever asks."""
        if self._looked is not gray:
            self._looked, self._found = gray, self._lookout.look(gray)
            self._count = self._count if self._found is None else len(self._found)
        return self._found

    def _taken(self, face: Detection, by: Place | None) -> bool:
        """Return whether somebody else is followed there."""
        return any(
            one is not by and one.present and one.distance(Box.of(face)) < _SAME
            for one in self._places
        )

    def _missed(self, face: Detection, by: Place | None, gray: UInt8[np.ndarray, "h w"]) -> bool:
        """Return whether this is the face of somebody else, who was lost."""
        return any(
            one is not by and not one.present and one.fits(face, gray, least=ALIKE)
            for one in self._places
        )

    def _expected(self, place: Place) -> bool:
        """Return whether the person in a place may still come back."""
        return place.identity >= 0 and self._time - place.seen_at <= self._config.forget_s

    def _same_person(self, place: Place, face: Detection) -> bool:
        return self._expected(place) and place.distance(Box.of(face)) < _NEARBY

    def _part(self, gray: UInt8[np.ndarray, "h w"]) -> None:
        """Of two trackers that have ended up on one face, let go the one it is less like."""
        for place, other in itertools.combinations(self._places, 2):
            if not (place.present and other.present) or other.box is None:
                continue
            if place.distance(other.box) < _SAME:
                loser = min(other, place, key=lambda one: one.likeness(gray))
                self._take(loser, loser.tracker.finish())
                answer = loser.lose()
                self._take(loser, [] if answer is None else [answer])

    def _welcome(self, gray: UInt8[np.ndarray, "h w"]) -> None:
        """Take up a newcomer now and then, in the place of somebody long gone if there is one."""
        gone = [one for one in self._places if not one.present and not self._expected(one)]
        if len(gone) == len(self._places):
            gone = gone[1:]  # somebody has to look out
        for place in gone:
            self._drop(place)
        if self._time < self._look_at or len(self._places) == self._config.faces:
            return
        found = self._look(gray)
        if found is None:
            return
        self._look_at = self._time + self._config.look_s
        lost = [one for one in self._places if not one.present]
        if all(
            self._taken(face, None)
            or any(self._same_person(one, face) for one in lost)
            or self._missed(face, None, gray)
            for face in found
        ):
            return
        for place in [one for one in lost if not self._expected(one)]:
            self._drop(place)
            self._waiting[-1].answers.pop(place.number, None)
        place = self._place(
            min(set(range(self._config.faces)) - {one.number for one in self._places})
        )
        self._places.append(place)
        self._waiting[-1].answers[place.number] = None
        self._take(place, place.tracker.push(gray))

    def _drop(self, place: Place) -> None:
        self._take(place, place.tracker.finish())  # nobody may wait for it
        self._places.remove(place)
