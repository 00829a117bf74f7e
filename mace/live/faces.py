"""The stage of the faces: who is followed, who is whom, who is new.

Data goes one way: every track follows its face into the frame; the faces of the whole frame are
detected where one was lost, or to see newcomers; detections are matched to people; tracks are
updated. Every person has a `FaceTracker` of their own, the same one that corrects stored clips, and
a number that survives short losses.
"""

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from jaxtyping import UInt8

from mace.config import from_dict
from mace.errors import DataError
from mace.face.config import FaceConfig
from mace.face.detector import Detection, FaceDetector
from mace.face.images import to_gray
from mace.face.landmarks import Landmarker
from mace.face.tracked import TrackedFace
from mace.inference import Model
from mace.live.config import LiveConfig
from mace.live.detection import BackgroundDetector
from mace.live.sources.frame import Frame
from mace.live.tracks import ALIKE, SAME_BOX, Box, Matcher, OtherTracks, Track

# Part of a frame by which the time of a frame may be off.
_ROUNDING = 0.15
# A face that comes back within this distance, in widths, of where it was lost may look different.
_NEARBY = 1.5
# Time between two confirmations that what is tracked is a face, in s.
_CHECK_S = 1.5
# Time between two searches of a file for a face that is lost, or in doubt, in s.
_SEARCH_S = 0.05
# How long a face may fail to register before its keyframe is renewed, in s: longer than a blink.
_DOUBT_S = 0.5
# Frames a second of a source that does not say.
_USUAL_FPS = 30.0


@dataclass(frozen=True)
class Observation:
    """One person in one frame.

    Attributes:
        slot: in the batch, below `LiveConfig.faces`.
        identity: number of the person in this session; -1 before anybody was seen.
        face: what the tracker says.
    """

    slot: int
    identity: int
    face: TrackedFace


type Observed = tuple[Frame, tuple[Observation, ...]]
"""A frame, and everybody in it by identity."""


@dataclass
class _Pending:
    """A frame that not every track has answered for."""

    frame: Frame
    index: int
    by_slot: dict[int, Observation | None]


class FaceStage:
    """Follows up to `config.faces` people.

    Args:
        face: settings of the trackers.
        config: how many are followed, and for how long a lost face keeps its number.
        detector: of faces in whole frames, at once or in the background; belongs to the stage.
        patient: answer for every frame, which may come some frames late while a new face's pose is
            averaged; otherwise answer at once, with such a face left out.
        rate: frames a second for which the intervals of `face` are meant; where frames come at
            another, or unevenly, their times count. Without one every frame counts as one.

    Attributes:
        face: settings of the trackers.
    """

    def __init__(
        self,
        face: FaceConfig,
        config: LiveConfig,
        *,
        detector: FaceDetector | BackgroundDetector,
        patient: bool,
        rate: float = 0.0,
    ) -> None:
        self.face = face
        self._config, self._detector, self._rate = config, detector, rate
        self._background = detector if isinstance(detector, BackgroundDetector) else None
        self._patient, self._several = patient, config.faces > 1
        self._matcher = Matcher(face, Landmarker(face.landmarks, boxes=face.boxes))
        self._identities = 0
        self._index, self._time = -1, 0.0
        self._shape: tuple[int, ...] | None = None
        self._detected: tuple[np.ndarray, list[Detection] | None] | None = None  # in which picture
        self._count, self._detect_at = 0, 0.0
        self._tracks = [self._track(0)]
        self._pending: deque[_Pending] = deque()

    @classmethod
    def of(cls, model: Model, config: LiveConfig, *, live: bool, fps: float = 0.0) -> Self:
        """Return the stage for a network, with `live` and `fps` as of `Pipeline`."""
        face = from_dict(FaceConfig, model.face, where="face.")
        detector = FaceDetector(face.detector)
        rate = fps or _USUAL_FPS
        interval = max(face.search_interval, round(_SEARCH_S * rate))
        face = replace(
            face,
            patience=max(round(_DOUBT_S * rate), 1),
            partial=True,
            search_interval=1 if live else interval,  # searching in the background costs nothing
            check_interval=max(face.check_interval, round(_CHECK_S * rate)),
        )
        way = BackgroundDetector(detector) if live else detector
        return cls(face, config, detector=way, patient=not live, rate=rate)

    def push(self, frame: Frame) -> list[Observed]:
        """Take the next frame and return the frames that are ready, with everybody in them."""
        weight = self._weight(frame.time)
        self._index, self._time = self._index + 1, frame.time
        slots: dict[int, Observation | None] = dict.fromkeys(track.slot for track in self._tracks)
        self._pending.append(_Pending(frame, self._index, slots))
        try:
            gray = to_gray(frame.image)
        except DataError:
            gray = None
        if gray is not None:
            self._measure(gray)
        for track in self._tracks:
            others = self._others(track) if self._several else None
            self._update(track, track.tracker.follow(gray, weight=weight, others=others))
        self._search()
        if gray is not None and self._several:
            self._part(gray)
            self._welcome(gray)
        self._detected = None
        return list(self._ready())

    def finish(self) -> list[Observed]:
        """Return the frames that still wait, at the end of a stream."""
        for track in self._tracks:
            self._conclude(track)
        return list(self._ready())

    def renew(self) -> None:
        """Forget everybody's keyframe: the next frame with a face becomes the new reference."""
        for track in self._tracks:
            track.tracker.renew()

    def close(self) -> None:
        """End the search for faces."""
        if self._background is not None:
            self._background.close()

    # Detect

    def _detect(self, gray: UInt8[np.ndarray, "h w"]) -> list[Detection] | None:
        """Return the faces of a picture, which is looked at once; None while they are not known."""
        if self._detected is None or self._detected[0] is not gray:
            faces = self._detector.detect(gray)
            self._detected = gray, faces
            self._count = self._count if faces is None else len(faces)
        return self._detected[1]

    # Match

    def _search(self) -> None:
        """Match the faces of the frame to those who were lost in it, and update their tracks."""
        for track in self._tracks:
            while (gray := track.tracker.searching) is not None:
                self._update(track, track.tracker.take(self._matched(track, gray)))

    def _matched(self, track: Track, gray: UInt8[np.ndarray, "h w"]) -> list[Detection]:
        """Return the faces that nobody follows, the one of the track first; none if it has none."""
        others = self._others(track)
        faces = [face for face in self._detect(gray) or [] if not others.followed(face)]
        chosen = self._choose(track, faces, gray, others)
        if chosen is None:
            return []
        track.match(chosen, self._time)
        return [chosen, *(face for face in faces if face is not chosen)]

    def _choose(
        self,
        track: Track,
        faces: Sequence[Detection],
        gray: UInt8[np.ndarray, "h w"],
        others: OtherTracks,
    ) -> Detection | None:
        """Return the face of the track's person; of somebody new, if nobody is missed there."""
        # A person alone is whoever the tracker itself takes for the same.
        least = ALIKE if self._several else -1.0
        for face in faces:
            if track.fits(face, gray, least=least):
                return face
        free = [face for face in faces if not others.missed(face, gray)]
        near = [face for face in free if self._same_person(track, face)]
        if near:
            return min(near, key=lambda face: track.distance(Box.of(face)))
        if not free or (self._several and self._expected(track)):
            return None
        if self._several:  # some people's faces register to each other's
            track.tracker.renew()
        track.identity, self._identities = self._identities, self._identities + 1
        return free[0]

    def _others(self, track: Track | None) -> OtherTracks:
        """Everybody but one, as they are known now."""
        others = [other for other in self._tracks if other is not track]
        lost = (other.tracker.keyframe for other in others if not other.present)
        return OtherTracks(
            tuple(other.box for other in others if other.present and other.box is not None),
            tuple(keyframe for keyframe in lost if keyframe is not None),
            self._matcher,
        )

    def _expected(self, track: Track) -> bool:
        """Return whether the person of a track may still come back."""
        return track.identity >= 0 and self._time - track.updated <= self._config.forget_s

    def _same_person(self, track: Track, face: Detection) -> bool:
        return self._expected(track) and track.distance(Box.of(face)) < _NEARBY

    # Update

    def _update(self, track: Track, faces: Sequence[TrackedFace]) -> None:
        track.update(faces, self._time)
        rows = {row.index: row for row in self._pending}
        for face in faces:
            row = rows.get(track.start + face.index)
            if row is not None:  # who is not patient has given the others up
                # A tracker knows only of the faces that it was given.
                whole = replace(face, faces=self._count) if self._several else face
                row.by_slot[track.slot] = Observation(track.slot, track.identity, whole)

    def _conclude(self, track: Track) -> None:
        while track.tracker.waiting:
            self._update(track, track.tracker.conclude())
            self._search()

    def _part(self, gray: UInt8[np.ndarray, "h w"]) -> None:
        """Of two tracks that have ended up on one face, let go the one it is less like."""
        for track, other in itertools.combinations(self._tracks, 2):
            if not (track.present and other.present) or other.box is None:
                continue
            if track.distance(other.box) < SAME_BOX:
                loser = min(other, track, key=lambda track: track.likeness(gray))
                self._conclude(loser)
                face = loser.lose()
                self._update(loser, [] if face is None else [face])

    def _welcome(self, gray: UInt8[np.ndarray, "h w"]) -> None:
        """Take up a newcomer now and then, in place of somebody long gone if there is one."""
        absent = [track for track in self._tracks if not track.present]
        gone = [track for track in absent if not self._expected(track)]
        if len(gone) == len(self._tracks):
            gone = gone[1:]  # somebody has to look out
        for track in gone:
            self._drop(track)
        if self._time < self._detect_at or len(self._tracks) == self._config.faces:
            return
        faces = self._detect(gray)
        if faces is None:
            return
        self._detect_at = self._time + self._config.look_s
        lost, known = [track for track in self._tracks if not track.present], self._others(None)
        if all(
            known.followed(face)
            or any(self._same_person(track, face) for track in lost)
            or known.missed(face, gray)
            for face in faces
        ):
            return
        for track in [track for track in lost if not self._expected(track)]:
            self._drop(track)
            self._pending[-1].by_slot.pop(track.slot, None)
        slots = set(range(self._config.faces)) - {track.slot for track in self._tracks}
        track = self._track(min(slots))
        self._tracks.append(track)
        self._pending[-1].by_slot[track.slot] = None
        self._update(track, track.tracker.follow(gray, others=self._others(track)))
        self._search()

    def _drop(self, track: Track) -> None:
        self._conclude(track)  # nobody may wait for it
        self._tracks.remove(track)

    def _track(self, slot: int) -> Track:
        start = max(self._index, 0)
        later = None if self._background is None else self._background.later
        return Track(slot, self._matcher, start=start, later=later)

    def _measure(self, gray: UInt8[np.ndarray, "h w"]) -> None:
        if self._shape not in (None, gray.shape):
            for track in self._tracks:
                track.resize(gray.shape[1] / self._shape[1])
        self._shape = gray.shape

    def _weight(self, time: float) -> float:
        """For how many frames the one at `time` counts: those of the time since the last one."""
        if not self._rate or self._index < 0:
            return 1.0
        weight = max((time - self._time) * self._rate, 0.0)
        # Containers round their times, and a frame in time is one frame.
        whole = max(round(weight), 1)
        return float(whole) if abs(weight - whole) < _ROUNDING else weight

    def _ready(self) -> Iterator[Observed]:
        while self._pending:
            observations = list(self._pending[0].by_slot.values())
            if self._patient and None in observations:
                return
            frame = self._pending.popleft().frame
            people = [observed for observed in observations if observed is not None]
            yield frame, tuple(sorted(people, key=lambda person: person.identity))
