"""One person's track: their tracker, where their face is or was, and what it looks like."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from jaxtyping import UInt8

from mace.face.config import FaceConfig
from mace.face.confirming import Check
from mace.face.correction import Keyframe
from mace.face.detector import Detection
from mace.face.landmarks import Landmarker
from mace.face.pose import canonical_transform, face_box
from mace.face.tracked import Status, TrackedFace
from mace.face.tracker import FaceTracker

# Of two registered faces, how alike eyes and nose have to be for one person's: rendered people were
# 0.94 and more like themselves, and at most 0.82 like each other.
ALIKE = 0.88
# Two boxes whose centres are closer than this, in widths, hold one face.
SAME_BOX = 0.4


@dataclass(frozen=True)
class Box:
    """Where a face is: its centre and the width of its box, px of the frame."""

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


@dataclass(frozen=True)
class Matcher:
    """Compares detected faces with keyframes, by the landmarks that `landmarker` places."""

    config: FaceConfig
    landmarker: Landmarker

    def likeness(
        self, keyframe: Keyframe, face: Detection, gray: UInt8[np.ndarray, "h w"]
    ) -> float | None:
        """Return how alike a face and a keyframe are, -1 to 1; None if they do not register."""
        guess = canonical_transform(self.landmarker.locate(gray, face), self.config.crop)
        registration = keyframe.register(gray, guess)
        return registration.correlation if registration.ok else None


@dataclass(frozen=True)
class OtherTracks:
    """Everybody but one: where they are followed, and what they looked like when they were lost.

    Attributes:
        boxes: of those who are followed.
        keyframes: of those who are lost.
        matcher: compares a face with them.
    """

    boxes: tuple[Box, ...]
    keyframes: tuple[Keyframe, ...]
    matcher: Matcher

    def followed(self, face: Detection) -> bool:
        """Return whether somebody is followed where a face was detected."""
        box = Box.of(face)
        return any(other.distance(box) < SAME_BOX for other in self.boxes)

    def missed(self, face: Detection, gray: UInt8[np.ndarray, "h w"]) -> bool:
        """Return whether a detected face is that of somebody who was lost."""
        likenesses = (self.matcher.likeness(other, face, gray) for other in self.keyframes)
        return any(likeness is not None and likeness >= ALIKE for likeness in likenesses)

    def claim(self, face: Detection, gray: UInt8[np.ndarray, "h w"]) -> bool:
        """Return whether a detected face is one of theirs."""
        return self.followed(face) or self.missed(face, gray)


class Track:
    """One person through the frames.

    Attributes:
        slot: in the batch.
        identity: the person's number; -1 while it is nobody yet.
        start: the frame that the tracker counts from.
        box: where the face is, or was.
        updated: when, in s.
        present: whether the face is there, as far as the last frame told.
        tracker: of the face.
    """

    def __init__(
        self,
        slot: int,
        matcher: Matcher,
        *,
        start: int,
        later: Callable[[Check], Check] | None = None,
    ) -> None:
        self.slot, self.start = slot, start
        self.identity = -1
        self.box: Box | None = None
        self.updated = -np.inf
        self.present = False
        self.tracker = FaceTracker(matcher.config, later=later)
        self._matcher = matcher
        self._last: TrackedFace | None = None

    def match(self, face: Detection, time: float) -> None:
        """Hold that a detected face is the person's, until the tracker says more."""
        self.box, self.updated, self.present = Box.of(face), time, True

    def update(self, faces: Sequence[TrackedFace], time: float) -> None:
        """Remember where the face is; a frame that cannot be read says nothing about that."""
        for face in faces:
            if face.status is Status.UNREADABLE:
                continue
            self._last, self.present = face, face.transform is not None
            if face.transform is not None:
                (x, y), width = face_box(face.transform, self._matcher.config)
                self.box, self.updated = Box(x, y, width), time

    def lose(self) -> TrackedFace | None:
        """End the track, keep the keyframe, and return what the last frame should have given."""
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
        likeness = None if keyframe is None else self._matcher.likeness(keyframe, face, gray)
        return likeness is not None and likeness >= least

    def likeness(self, gray: UInt8[np.ndarray, "h w"]) -> float:
        """Return how alike the face that is followed now and the keyframe are, -1 to 1."""
        keyframe = self.tracker.keyframe
        if keyframe is None or self._last is None or self._last.transform is None:
            return ALIKE  # just found, and not known well
        registration = keyframe.register(gray, self._last.transform)
        return registration.correlation if registration.ok else -1.0
