"""One person's place in a crowd: their tracker, and where their face is or was."""

from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
from jaxtyping import UInt8

from mace.face.config import FaceConfig
from mace.face.detector import Detection
from mace.face.landmarks import Landmarker
from mace.face.pose import canonical_transform, face_box
from mace.face.tracked import Status, TrackedFace
from mace.face.tracker import FaceTracker
from mace.live.later import Later

# Of two registered faces, how alike eyes and nose have to be for one person's: rendered people were
# 0.94 and more like themselves, and at most 0.82 like each other.
ALIKE = 0.88


@dataclass(frozen=True)
class Box:
    """Where a face is, in px of the frame.

    Attributes:
        x: of its centre, px.
        y: of its centre, px.
        width: of the face's box, px.
    """

    x: float
    y: float
    width: float

    @classmethod
    def of(cls, face: Detection) -> Self:
        """Return the box of a detected face."""
        return cls(*face.centre, face.width)

    def distance(self, other: "Box") -> float:
        """Return how far apart the centres are, in widths of the wider box."""
        distance = np.hypot(self.x - other.x, self.y - other.y)
        return float(distance / max(self.width, other.width))


class Watch(Protocol):
    """Who tells a place which faces are its own to take."""

    def offer(self, place: "Place", gray: UInt8[np.ndarray, "h w"]) -> list[Detection]:
        """Return the faces of the frame that the place may take up, its own first."""
        ...

    def confirm(
        self,
        place: "Place",
        gray: UInt8[np.ndarray, "h w"],
        centre: tuple[float, float],
        width: float,
    ) -> Detection | None:
        """Return the face close by, unless it is another person's."""
        ...


class Place:
    """One person's tracker, and what is known of the person.

    Attributes:
        number: in the batch.
        identity: the person's; -1 while it is nobody yet.
        start: the frame that the tracker counts from.
        box: where the face is, or was.
        seen_at: when, in s.
        present: whether the face is there, as far as the last frame told.
    """

    def __init__(
        self,
        number: int,
        watch: Watch,
        face: FaceConfig,
        landmarker: Landmarker,
        *,
        start: int,
        later: Later | None = None,
    ) -> None:
        self.number, self.start = number, start
        self.identity = -1
        self.box: Box | None = None
        self.seen_at = -np.inf
        self.present = False
        self.tracker = FaceTracker(face, finder=self, later=later)
        self._watch, self._face, self._landmarker = watch, face, landmarker
        self._last: TrackedFace | None = None

    def detect(self, gray: UInt8[np.ndarray, "h w"]) -> list[Detection]:
        """Return the faces this place's tracker may take up, its own first."""
        return self._watch.offer(self, gray)

    def near(
        self, gray: UInt8[np.ndarray, "h w"], centre: tuple[float, float], width: float
    ) -> Detection | None:
        """Return the face close by, unless it is another person's."""
        return self._watch.confirm(self, gray, centre, width)

    def take(self, face: Detection, time: float) -> None:
        """Hold that this face is the person's, until the tracker says more."""
        self.box, self.seen_at, self.present = Box.of(face), time, True

    def note(self, answers: list[TrackedFace], time: float) -> None:
        """Remember where the face is; a frame that cannot be read says nothing about that."""
        for answer in answers:
            if answer.status is Status.UNREADABLE:
                continue
            self._last, self.present = answer, answer.transform is not None
            if answer.transform is not None:
                (x, y), width = face_box(answer.transform, self._face)
                self.box, self.seen_at = Box(x, y, width), time

    def lose(self) -> TrackedFace | None:
        """End the track, keep the keyframe, and return what the last answer should have been."""
        self.tracker.lose()
        self.present, last = False, self._last
        if last is None:
            return None
        return replace(
            last,
            status=Status.LOST,
            crop=None,
            transform=None,
            error_px=float("nan"),
            inliers=0,
            visible=0.0,
        )

    def distance(self, box: Box) -> float:
        """Return how far the face is from `box`, in widths; infinite while it is nowhere."""
        return np.inf if self.box is None else self.box.distance(box)

    def resize(self, factor: float) -> None:
        """Follow a change of the frame's size."""
        if self.box is not None:
            self.box = Box(self.box.x * factor, self.box.y * factor, self.box.width * factor)

    def fits(self, face: Detection, gray: UInt8[np.ndarray, "h w"], *, least: float) -> bool:
        """Return whether the keyframe registers to this face, and is alike by `least`."""
        keyframe = self.tracker.keyframe
        if keyframe is None:
            return False
        guess = canonical_transform(self._landmarker.locate(gray, face), self._face.crop)
        registration = keyframe.register(gray, guess)
        return registration.ok and registration.correlation >= least

    def likeness(self, gray: UInt8[np.ndarray, "h w"]) -> float:
        """Return how alike the face that is followed now and the keyframe are, -1 to 1."""
        keyframe = self.tracker.keyframe
        if keyframe is None or self._last is None or self._last.transform is None:
            return ALIKE  # just found, and not known well
        registration = keyframe.register(gray, self._last.transform)
        return registration.correlation if registration.ok else -1.0
