"""What is known about one face in one frame."""

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from mace.face.similarity import Transform, apply, invert
from mace.face.tracked import Status, TrackedFace
from mace.live.neutral import State
from mace.live.quality import Quality
from mace.live.sources.frame import Frame
from mace.motion.resample import Framing
from mace.spotting.events import Unit
from mace.spotting.moving import RegionMotion
from mace.spotting.signal import EYES


@dataclass(frozen=True, eq=False)
class Moving:
    """What a face does in one frame, against its neutral reference.

    Attributes:
        regions: those away from their rest, the farthest first; empty of a face that is still.
        motion: (u, v) of what the network was shown of the face, px of the 128-px crop.
        framing: which part of the crop that is.
        read_units: what the network says about action units, asked of it when it is needed; None
            of a network that names none.
    """

    regions: tuple[RegionMotion, ...]
    motion: Float32[np.ndarray, "h w 2"] | None
    framing: Framing
    read_units: Callable[[], Mapping[str, Unit]] | None = None

    @functools.cached_property
    def units(self) -> Mapping[str, Unit]:
        """The action units, by FACS number; none of a face that is still, or only blinks.

        The network is asked in the thread that first wants to know, which takes it about 1 ms.
        """
        if self.read_units is None or all(region.name in EYES for region in self.regions):
            return {}
        return self.read_units()


@dataclass(frozen=True)
class LabelledFrame:
    """One face in one frame; fields are None where it is not seen.

    Attributes:
        index: position in the source, in frames.
        time: seconds since the first frame.
        face: where it is, and how sure the tracker is of it.
        classes: how many the network knows.
        inputs: what the network saw.
        probabilities: of this frame alone.
        smoothed: probabilities over the frames so far.
        label: the class that is most probable after smoothing.
        state: why a tracked face has no label: it is `neutral` by agreement, or `still`.
        identity: number of the person in this session, from 0; it survives short losses. -1: nobody
            yet.
        quality: what speaks against trusting this frame; None without a face.
        moving: what it does now; None where nobody has looked: of a face that is not registered,
            or a network that reads no flow.
    """

    index: int
    time: float
    face: TrackedFace
    classes: int
    inputs: Float32[np.ndarray, "h w c"] | None = None
    probabilities: Float[np.ndarray, " k"] | None = None
    smoothed: Float[np.ndarray, " k"] | None = None
    label: str | None = None
    state: State = ""
    identity: int = 0
    quality: Quality | None = None
    moving: Moving | None = None

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

    @functools.cached_property
    def box(self) -> tuple[float, float, float, float] | None:
        """Left, top, width and height, in frame px, of the upright box around the crop."""
        if self.face.crop is None or self.face.transform is None:
            return None
        # Once a frame and eight numbers: Python's own arithmetic is quicker than NumPy's.
        (a, b, x), (c, d, y) = invert(self.face.transform).tolist()
        ends = -0.5, self.face.crop.shape[0] - 0.5
        across = [a * u + b * v + x for u in ends for v in ends]
        down = [c * u + d * v + y for u in ends for v in ends]
        left, top = min(across), min(down)
        return left, top, max(across) - left, max(down) - top


def crop_corners(face: TrackedFace) -> Float[np.ndarray, "4 2"] | None:
    """Return where the crop's corners lie in the frame, in px, clockwise from the upper left."""
    if face.crop is None or face.transform is None:
        return None
    side = face.crop.shape[0] - 0.5
    corners = np.array([[-0.5, -0.5], [side, -0.5], [side, side], [-0.5, side]])
    return apply(invert(face.transform), corners)


def unseen(frame: Frame, classes: int) -> LabelledFrame:
    """Return what is known of a frame in which nobody is seen."""
    return LabelledFrame(
        frame.index, frame.time, TrackedFace(frame.index, Status.NO_FACE), classes, identity=-1
    )
