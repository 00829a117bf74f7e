"""From frames to labelled frames: the tracker, the motion and the network that stored clips use.

Nothing here is a second version of anything: `FaceTracker` also corrects stored clips, and
`represent` and `predict` also make the inputs and answers of an evaluation, so that a clip played
as a video gets the probabilities it got when it was stored, unless the person's neutral seconds are
taken into account (`mace.live.neutral`).
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, UInt8

from mace.config import from_dict
from mace.export.loading import Export
from mace.face import FaceConfig, FaceTracker, Status, TrackedFace
from mace.face.similarity import Transform
from mace.live.config import LiveConfig
from mace.live.network import make_network
from mace.live.neutral import Neutral, State
from mace.live.sources import Frame
from mace.training import Bundle


@dataclass(frozen=True)
class LabelledFrame:
    """What is known about one frame; fields are None where there is no face."""

    index: int
    """Position in the source, in frames."""
    time: float
    """Seconds since the first frame."""
    face: TrackedFace
    classes: int
    inputs: Float32[np.ndarray, "h w c"] | None = None
    """What the network saw."""
    probabilities: Float[np.ndarray, " k"] | None = None
    """Of this frame alone."""
    smoothed: Float[np.ndarray, " k"] | None = None
    label: str | None = None
    """The class that is most probable after smoothing."""
    state: State = ""
    """Why a tracked face has no label: it is `neutral` by agreement, or `still`."""
    identity: int = 0
    """Number of the person in this session, from 0; it survives short losses."""

    @property
    def status(self) -> str:
        """The frame's state if it has one, the tracker's word for it otherwise."""
        return self.state or self.face.status.value

    @property
    def tracked(self) -> bool:
        """Whether the face was registered, and the probabilities mean something."""
        return self.face.status is Status.TRACKED

    @property
    def faces(self) -> int:
        """How many faces the last search of a whole frame found."""
        return self.face.faces

    @property
    def reference_id(self) -> int:
        """Counts the neutral keyframes, from 0; -1 before the first."""
        return self.face.reference_id

    @property
    def transform(self) -> Transform | None:
        """Frame px to crop px."""
        return self.face.transform

    @property
    def error_px(self) -> float | None:
        """Residual of the registration in px of a 128-px crop."""
        return None if math.isnan(self.face.error_px) else self.face.error_px

    @property
    def confidence(self) -> float:
        """1 less the registration error in px, at least 0; 0 without a tracked face."""
        if not self.tracked or self.error_px is None:
            return 0.0
        return max(0.0, 1.0 - self.error_px)

    @property
    def box(self) -> tuple[float, float, float, float] | None:
        """Left, top, width and height, in frame px, of the upright box around the crop."""
        corners = crop_corners(self.face)
        if corners is None:
            return None
        left, top = corners.min(axis=0)
        right, bottom = corners.max(axis=0)
        return float(left), float(top), float(right - left), float(bottom - top)


class Labelled(NamedTuple):
    """A labelled frame with its picture (blue, green, red)."""

    frame: LabelledFrame
    image: UInt8[np.ndarray, "h w 3"]


def crop_corners(face: TrackedFace) -> Float[np.ndarray, "4 2"] | None:
    """Return where the crop's corners lie in the frame, in px, clockwise from the upper left."""
    if face.crop is None or face.transform is None:
        return None
    side = face.crop.shape[0] - 0.5
    corners = np.array([[-0.5, -0.5], [side, -0.5], [side, side], [-0.5, side]])
    # crop = A·frame + b, so frame = A⁻¹·(crop - b).
    return np.linalg.solve(face.transform[:, :2], (corners - face.transform[:, 2]).T).T


def label_frames(
    frames: Iterable[Frame], *, bundle: Bundle | Export, config: LiveConfig
) -> Iterator[Labelled]:
    """Yield every frame of `frames` once, in order, with what the model says about it.

    The first answers come a few frames late, because the tracker wants several frames to be sure
    of a new face's canonical pose.
    """
    tracker = FaceTracker(from_dict(FaceConfig, bundle.face, where="face."))
    answer = _Answerer(bundle=bundle, config=config)
    waiting: deque[Frame] = deque()

    def label(face: TrackedFace) -> Labelled:
        frame = waiting.popleft()
        return Labelled(answer(frame, face), frame.image)

    for frame in frames:
        waiting.append(frame)
        yield from map(label, tracker.push(frame.image))
    yield from map(label, tracker.finish())


def make_probabilities(
    bundle: Bundle | Export,
) -> Callable[[Float32[np.ndarray, "b h w c"]], Float32[np.ndarray, "b k"]]:
    """Return the network of `bundle` as a function of inputs, compiled for one face."""
    return make_network(bundle)


class _Answerer:
    """Names one face after the other; remembers the recent crops and the smoothed answer."""

    def __init__(self, *, bundle: Bundle | Export, config: LiveConfig):
        self._bundle = bundle
        self._config = config
        self._probabilities = make_probabilities(bundle)
        self._neutral = Neutral(config, bundle.motion)
        self._recent: deque[tuple[float, UInt8[np.ndarray, "s s"]]] = deque()
        self._smoothed: Float[np.ndarray, " k"] | None = None
        self._reference_id = -1
        self._time = 0.0

    def __call__(self, frame: Frame, face: TrackedFace) -> LabelledFrame:
        classes = self._bundle.classes
        if face.reference_id != self._reference_id or face.status is not Status.TRACKED:
            # Crops of two keyframes differ by the landmarks' error; comparing them shows motion
            # where there is none.
            self._recent.clear()
            self._smoothed = None
            self._reference_id = face.reference_id
        reference = self._reference(frame.time, face)
        if reference is None or face.crop is None or face.status is not Status.TRACKED:
            return LabelledFrame(frame.index, frame.time, face, len(classes))
        inputs, state = self._neutral(
            reference, face.crop, time=frame.time, reference_id=face.reference_id
        )
        if state:
            self._smoothed = None
            return LabelledFrame(
                frame.index, frame.time, face, len(classes), inputs=inputs, state=state
            )
        probabilities = self._probabilities(inputs[None])[0]
        smoothed = self._smooth(probabilities, frame.time)
        return LabelledFrame(
            index=frame.index,
            time=frame.time,
            face=face,
            classes=len(classes),
            inputs=inputs,
            probabilities=probabilities,
            smoothed=smoothed,
            label=classes[int(smoothed.argmax())],
        )

    def _reference(self, time: float, face: TrackedFace) -> UInt8[np.ndarray, "s s"] | None:
        if self._config.reference == "neutral" or face.crop is None:
            return face.reference
        self._recent.append((time, face.crop))
        # The oldest crop kept is the youngest one that is at least `recent_s` old.
        while len(self._recent) > 1 and self._recent[1][0] <= time - self._config.recent_s:
            self._recent.popleft()
        return self._recent[0][1]

    def _smooth(self, probabilities: Float[np.ndarray, " k"], time: float) -> np.ndarray:
        if self._smoothed is None or self._config.smoothing_s == 0:
            self._smoothed = probabilities
        else:
            # By the clock, not by the frame, so that 30 and 200 fps are smoothed alike.
            keep = math.exp(-(time - self._time) / self._config.smoothing_s)
            self._smoothed = keep * self._smoothed + (1 - keep) * probabilities
        self._time = time
        return self._smoothed
