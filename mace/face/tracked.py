"""What is known about the face in one frame of a sequence."""

import enum
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, UInt8

from mace.face.correction import Keyframe
from mace.face.similarity import Transform, apply, compose, invert


class Status(enum.Enum):
    """What is known about the face in a frame."""

    TRACKED = "tracked"  # registered to the keyframe
    # Seen, but not registered: the crop is from landmarks, which jitter, or from where it was last.
    DOUBTFUL = "doubtful"
    LOST = "lost"  # the track ended here
    NO_FACE = "no_face"  # none found, or none sought in this frame
    UNREADABLE = "unreadable"  # no usable image


@dataclass(frozen=True)
class TrackedFace:
    """The answer for one frame; arrays are None where there is no face.

    Attributes:
        index: number of the frame since the tracker's start.
        crop: corrected face, uint8 (s, s).
        transform: frame px to crop px; `invert` it to draw on the frame.
        keyframe: what the frame was registered to; its `reference` is the neutral crop.
        reference_id: counts keyframes from 0; -1 before the first.
        error_px: residual of the registration, px of a crop of 128; NaN where there was none.
        inliers: rigid points that agreed.
        visible: fraction of the crop that lies within the frame.
        faces: how many faces the last search of the whole frame saw.
    """

    index: int
    status: Status
    crop: UInt8[np.ndarray, "s s"] | None = None
    transform: Transform | None = None
    keyframe: Keyframe | None = None
    reference_id: int = -1
    error_px: float = float("nan")
    inliers: int = 0
    visible: float = 0.0
    faces: int = 0

    @property
    def reference(self) -> UInt8[np.ndarray, "s s"] | None:
        """The crop of the keyframe."""
        return None if self.keyframe is None else self.keyframe.reference

    @cached_property
    def landmarks(self) -> Float[np.ndarray, "n 2"] | None:
        """The keyframe's landmarks as the head has carried them, (x, y) px of this frame."""
        if self.keyframe is None or self.transform is None:
            return None
        return apply(
            compose(invert(self.transform), self.keyframe.transform), self.keyframe.landmarks
        )
