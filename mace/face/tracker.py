"""One face through a sequence of frames: the single path of stored clips and live frames."""

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from jaxtyping import UInt8

from mace.errors import DataError
from mace.face.config import FaceConfig
from mace.face.confirming import Check, Confirmation
from mace.face.correction import Keyframe, Registration
from mace.face.detector import Detection, FaceDetector
from mace.face.draft import Draft
from mace.face.images import to_gray
from mace.face.landmarks import Landmarker
from mace.face.pose import canonical_transform, eye_shift, face_box
from mace.face.similarity import Transform, compose, invert
from mace.face.tracked import Status, TrackedFace
from mace.face.warping import visible_fraction

# Eyes that jump by more than this, in eye distances, are taken for another face's.
_JUMP = 0.6
# From frame to frame, a face in doubt moves by less than this.
_STEADY = 0.06
# Eyes that landmarks place this far from where registration has them count as unconfirmed.
_DISAGREEMENT = 0.25


class Others(Protocol):
    """What is known of the other faces, where several are followed."""

    def claim(self, face: Detection, gray: UInt8[np.ndarray, "h w"]) -> bool:
        """Return whether a detected face is one of theirs; may be asked in another thread."""
        ...


class FaceTracker:
    """Follows the largest face.

    The first frame with a face becomes the keyframe. Its landmarks are the median over
    `keyframe_frames` frames, so as many frames wait before the first answers come; after that each
    `push` answers at once. A frame that does not register is looked at by the detector: the face
    may be there yet blinking, blurred, covered or turned (`DOUBTFUL`), and after `patience` such
    frames a new keyframe is made and `reference_id` rises; or it is gone (`LOST`, then `NO_FACE`).
    A face that comes back is tried against the old keyframe first.

    Frames that cannot be used are `UNREADABLE` and leave the track as it is. A change of the frame
    size ends the track. With several faces the largest and surest is followed.

    Whoever follows several faces detects and matches them: `follow` a frame, and while `searching`
    is a picture, `take` the faces detected in it that may be this track's. `push` does so with all.
    """

    def __init__(
        self,
        config: FaceConfig = FaceConfig(),  # noqa: B008
        *,
        keyframe: Keyframe | None = None,
        later: Callable[[Check], Check] | None = None,
    ) -> None:
        """Start with nothing known, or with the `keyframe` of another tracker.

        Args:
            config: settings.
            keyframe: to register to from the first frame on.
            later: makes a check of a track answer some frames later. A face in doubt is held where
                it was until then; without it the detector is asked every `search_interval` frames.
        """
        self.config = config
        self._detector = FaceDetector(config.detector)
        self._landmarker = Landmarker(config.landmarks, boxes=config.boxes)
        # Whether the eyes are in place one box can tell, and dlib's trees hold Python's lock.
        self._glancer = Landmarker(config.landmarks)
        self._keyframe = keyframe
        self._transform = None if keyframe is None else keyframe.transform
        self._step: Transform | None = None  # last motion, crop px to crop px
        self._last: Transform | None = None  # where the face was lost
        self._reference_id = -1 if keyframe is None else 0
        self._draft: Draft | None = None
        self._shape: tuple[int, ...] | None = None
        self._index = 0
        self._faces = 0
        self._failures = 0.0  # frames in a row that did not register
        self._asked = 0.0  # `_failures` when the detector was last asked about them
        self._weight = 1.0  # of the frame at hand, in frames
        check = self._looks_right if later is None else later(self._looks_right)
        self._confirmed = Confirmation(check, interval=config.check_interval)
        self._still_there = None if later is None else later(self._looks_right)
        self._until_search = 0.0
        self._others: Others | None = None
        self._backlog: deque[tuple[int, np.ndarray | None]] = deque()  # yet to be looked at
        self._sought: tuple[int, np.ndarray, Status] | None = None  # and what if it is not there

    @property
    def keyframe(self) -> Keyframe | None:
        """What frames are registered to at present."""
        return self._keyframe

    @property
    def searching(self) -> UInt8[np.ndarray, "h w"] | None:
        """The picture whose faces `take` waits for; None while nobody is missed."""
        return None if self._sought is None else self._sought[1]

    @property
    def waiting(self) -> bool:
        """Whether frames wait for a new face's pose."""
        return self._draft is not None

    def push(self, image: object, *, weight: float = 1.0) -> list[TrackedFace]:
        """Take the next frame and return the answers that are ready, in order.

        Args:
            image: grey or colour.
            weight: for how many frames it counts in the intervals of the settings: more than 1
                where frames come more rarely than the settings think.
        """
        return self._searched(self.follow(image, weight=weight))

    def follow(
        self, image: object, *, weight: float = 1.0, others: Others | None = None
    ) -> list[TrackedFace]:
        """Take the next frame as `push` does, but leave it to `take` where a face is missed.

        Args:
            image: grey or colour.
            weight: see `push`.
            others: whose faces are not to be taken for this one.
        """
        index, self._weight, self._others = self._index, weight, others
        self._index += 1
        try:
            self._backlog.append((index, to_gray(image)))
        except DataError:
            self._backlog.append((index, None))
        return self._advance_all()

    def take(self, faces: Sequence[Detection]) -> list[TrackedFace]:
        """Go on with the first of the faces in the picture `searching`, and return the answers."""
        assert self._sought is not None
        (index, gray, otherwise), self._sought = self._sought, None
        self._faces = len(faces)
        if faces:
            return [*self._take_up(index, gray, faces[0]), *self._advance_all()]
        self._until_search = self.config.search_interval
        return [self._answer(index, otherwise), *self._advance_all()]

    def conclude(self) -> list[TrackedFace]:
        """Let nobody wait for more of a new face, at the end of a stream; may leave a search."""
        if self._draft is None:
            return []
        return [*self._complete(self._draft), *self._advance_all()]

    def finish(self) -> list[TrackedFace]:
        """Return the answers of the frames that still wait, at the end of a stream."""
        answers: list[TrackedFace] = []
        while self.waiting:
            answers += self._searched(self.conclude())
        return answers

    def renew(self) -> None:
        """Forget the keyframe; the next frame with a face becomes the new one."""
        self._keyframe = self._transform = self._step = self._last = None
        self._until_search = 0

    def lose(self) -> None:
        """End the track and keep the keyframe; the face is looked for in the whole frame."""
        self._transform = self._step = self._last = None
        self._until_search = 0

    def _searched(self, answers: list[TrackedFace]) -> list[TrackedFace]:
        """Return the answers with those of the frames that had to be searched."""
        while (gray := self.searching) is not None:
            answers = answers + self.take(self._detector.detect(gray))
        return answers

    def _advance_all(self) -> list[TrackedFace]:
        """Return the answers of all frames up to one that has to be searched."""
        answers: list[TrackedFace] = []
        while self._backlog and self._sought is None:
            answers += self._advance(*self._backlog.popleft())
        return answers

    def _advance(self, index: int, gray: np.ndarray | None) -> list[TrackedFace]:
        if gray is not None and self._shape != gray.shape:
            if self._shape is not None and self._draft is not None:
                self._backlog.appendleft((index, gray))
                return self._complete(self._draft)
            if self._shape is not None:
                self.renew()
            self._shape = gray.shape
        if self._draft is not None:
            enough = self._draft.add(index, gray, self._landmarker)
            return self._complete(self._draft) if enough else []
        if gray is None:
            return [self._answer(index, Status.UNREADABLE)]
        if self._keyframe is None or self._transform is None:
            return self._search(index, gray, Status.NO_FACE)
        return self._follow(self._keyframe, self._transform, index, gray)

    def _search(self, index: int, gray: np.ndarray, otherwise: Status) -> list[TrackedFace]:
        """Look for the face where it was lost; then its detection is awaited, or `otherwise`."""
        if self._keyframe is not None and self._last is not None:
            registration = self._keyframe.register(gray, self._last)
            if registration.ok:
                return [self._tracked(index, gray, self._keyframe, registration)]
        self._until_search -= self._weight
        if self._until_search > 0:
            return [self._answer(index, otherwise)]
        self._sought = index, gray, otherwise
        return []

    def _follow(
        self, keyframe: Keyframe, previous: Transform, index: int, gray: np.ndarray
    ) -> list[TrackedFace]:
        # A head that moves goes on moving: a good guess saves a second pass of registration.
        guess = previous if self._step is None else compose(self._step, previous)
        registration = keyframe.register(gray, guess, wide=self._failures == 0)
        if registration.ok:
            if self._confirmed(gray, registration.transform, weight=self._weight):
                return [self._tracked(index, gray, keyframe, registration)]
            self.renew()
            return self._search(index, gray, Status.LOST)
        if self._holds(gray, previous):
            return [self._doubtful(index, gray, keyframe, registration, previous)]
        face = self._near(gray, previous)
        if face is not None:
            return self._take_up(index, gray, face)
        self._transform, self._step, self._last, self._until_search = None, None, previous, 0
        return self._search(index, gray, Status.LOST)

    def _holds(self, gray: np.ndarray, previous: Transform) -> bool:
        """Return whether a face in doubt is taken to be where it was, without asking again."""
        if self._failures_with_this() >= self.config.patience:
            return False
        if self._still_there is not None:
            return self._still_there(gray, previous) is not False
        if 0 < self._failures < self._asked + self.config.search_interval:
            return True
        self._asked = self._failures
        return False

    def _failures_with_this(self) -> float:
        # Before the first one nobody was in doubt, however long ago the last frame was.
        return self._failures + (self._weight if self._failures else 1.0)

    def _take_up(self, index: int, gray: np.ndarray, face: Detection) -> list[TrackedFace]:
        """Go on with a detected face: on the old keyframe if it fits, else on a new one."""
        landmarks = self._landmarker.locate(gray, face)
        guess = canonical_transform(landmarks, self.config.crop)
        if self._keyframe is not None:
            registration = self._keyframe.register(gray, guess)
            if registration.ok:
                return [self._tracked(index, gray, self._keyframe, registration)]
            failures = self._failures_with_this()
            last, patient = self._transform, failures < self.config.patience
            if last is not None and patient and eye_shift(last, guess, self.config) < _JUMP:
                return [self._doubtful(index, gray, self._keyframe, registration, guess)]
            self._failures, self._step = failures, None
        self._draft = Draft(index, gray, face, landmarks, self.config)
        return self._complete(self._draft) if self.config.keyframe_frames == 1 else []

    def _complete(self, draft: Draft) -> list[TrackedFace]:
        """Make the draft the keyframe and answer for its frame; the others come next."""
        (index, first), *others = draft.waiting
        assert first is not None
        keyframe = draft.keyframe()
        self._draft, self._keyframe, self._transform = None, keyframe, None
        self._reference_id += 1
        self._confirmed.begin()
        self._backlog.extendleft(reversed(others))
        return [self._tracked(index, first, keyframe, keyframe.itself)]

    def _doubtful(
        self,
        index: int,
        gray: np.ndarray,
        keyframe: Keyframe,
        registration: Registration,
        otherwise: Transform,
    ) -> TrackedFace:
        """Answer for a face that does not register: by the few points that agree, or `otherwise`.

        Those points must put it where it was in the last frame. The face is in doubt all the same.
        """
        failures, last = self._failures_with_this(), self._transform
        steady = (
            self.config.partial
            and registration.partial
            and last is not None
            and eye_shift(last, registration.transform, self.config) < _STEADY
        )
        if steady:
            answer = self._tracked(index, gray, keyframe, registration)
        else:
            self._transform = otherwise
            answer = self._answer(index, Status.DOUBTFUL, gray, otherwise)
        self._failures, self._step = failures, None
        return answer

    def _near(self, gray: np.ndarray, transform: Transform) -> Detection | None:
        """Return the face that is about where this one was, unless it is somebody else's."""
        face, others = self._detector.near(gray, *face_box(transform, self.config)), self._others
        return None if face is None or (others is not None and others.claim(face, gray)) else face

    def _looks_right(self, gray: np.ndarray, transform: Transform) -> bool:
        """Ask the detector whether what is tracked is a face, its eyes in place."""
        face = self._near(gray, transform)
        if face is None:
            return False
        guess = canonical_transform(self._glancer.locate(gray, face), self.config.crop)
        return eye_shift(transform, guess, self.config) < _DISAGREEMENT

    def _tracked(
        self, index: int, gray: np.ndarray, keyframe: Keyframe, registration: Registration
    ) -> TrackedFace:
        last = self._transform
        self._step = None if last is None else compose(registration.transform, invert(last))
        self._transform, self._failures = registration.transform, 0
        return self._answer(index, Status.TRACKED, gray, registration.transform, registration)

    def _answer(
        self,
        index: int,
        status: Status,
        gray: np.ndarray | None = None,
        transform: Transform | None = None,
        registration: Registration | None = None,
    ) -> TrackedFace:
        keyframe, crop, visible = self._keyframe, None, 0.0
        if gray is not None and transform is not None and keyframe is not None:
            crop = keyframe.crop(gray, transform)
            visible = visible_fraction(transform, self.config.crop, gray.shape)
        return TrackedFace(
            index=index,
            status=status,
            crop=crop,
            transform=transform,
            keyframe=keyframe,
            reference_id=self._reference_id,
            error_px=math.nan if registration is None else registration.error_px,
            inliers=0 if registration is None else registration.inliers,
            visible=visible,
            faces=self._faces,
        )
