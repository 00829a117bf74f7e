"""How far a tracked face can be trusted to show a micro-expression: registration, blur, pose, size.

How far the head is turned out of the image's plane is measured of the neutral reference alone; what
it turns from there, a similarity cannot follow, so it shows as registration error.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from mace.face.config import CropConfig
from mace.face.pose import head_turn
from mace.face.tracked import Status, TrackedFace
from mace.live.config import QualityConfig
from mace.spotting.covered import Fit, covered
from mace.spotting.series import grid_number

# A hand takes longer than this to come: so often a second the regions are compared.
_LOOKS = 50.0


@dataclass(frozen=True)
class Quality:
    """What can be said against a face in a frame.

    Attributes:
        error_px: residual of the registration, px of the 128-px crop; NaN where it failed.
        sharpness: detail of the crop over the reference's: 1 is alike, less is blurred.
        roll_deg: how far the head is tilted in the image, clockwise.
        turn_deg: how far it was turned to the image's right when its reference was taken.
        size_px: between the eyes, px of the frame.
        reasons: what is wrong, of `unregistered`, `unsteady`, `blurred`, `tilted`, `turned`,
            `small`, `cut off` and `covered`.
        misfit: how badly each of `mace.spotting.signal.REGIONS` fits the reference; None where
            nobody has looked.
    """

    error_px: float
    sharpness: float
    roll_deg: float
    turn_deg: float
    size_px: float
    reasons: tuple[str, ...] = ()
    misfit: Float[np.ndarray, " r"] | None = None

    @property
    def ok(self) -> bool:
        """Whether there is nothing."""
        return not self.reasons


class Gauge:
    """Measures one person's quality, frame after frame; 0.05 ms each for crops of 128 px.

    50 times a second it takes 0.1 ms more: how well the regions fit is true for a moment.
    """

    def __init__(self, crop: CropConfig, config: QualityConfig) -> None:
        self._crop, self._eyes_px = crop, crop.eye_distance * crop.size
        self._config = config
        self._reference: UInt8[np.ndarray, "s s"] | None = None
        self._detail = self._turn_deg = 0.0  # of the reference
        self._fit: Fit | None = None
        self._misfit: Float[np.ndarray, " r"] | None = None
        self._looked: int | None = None  # in which fiftieth of a second
        self._seen: UInt8[np.ndarray, "s s"] | None = None  # and at what

    def measure(self, face: TrackedFace, time: float | None = None) -> Quality | None:
        """Return the quality of a face, which was seen at `time` (s); None where there is none."""
        keyframe = face.keyframe
        if face.crop is None or face.transform is None or keyframe is None:
            return None
        if keyframe.reference is not self._reference:
            self._reference, self._detail = keyframe.reference, detail(keyframe.reference)
            self._turn_deg = head_turn(keyframe.landmarks)
            self._fit, self._misfit = Fit(keyframe.reference, self._crop), None
        misfit = self._look(face.crop, time)
        config, ((a, _, _), (b, _, _)) = self._config, face.transform.tolist()
        sharpness = detail(face.crop) / self._detail if self._detail > 0 else 1.0
        # The transform takes a tilted face upright, so it turns the other way.
        roll, size = -math.degrees(math.atan2(b, a)), self._eyes_px / math.hypot(a, b)
        wrong = {
            "unregistered": face.status is not Status.TRACKED,
            "unsteady": face.error_px > config.max_error_px,
            "blurred": sharpness < config.min_sharpness,
            "tilted": abs(roll) > config.max_roll_deg,
            "turned": abs(self._turn_deg) > config.max_turn_deg,
            "small": size < config.min_size_px,
            "cut off": face.visible < config.min_visible,
            "covered": bool(covered(misfit, limit=config.max_misfit).any()),
        }
        reasons = tuple(name for name, so in wrong.items() if so)
        return Quality(face.error_px, sharpness, roll, self._turn_deg, size, reasons, misfit)

    def _look(self, crop: UInt8[np.ndarray, "s s"], time: float | None) -> Float[np.ndarray, " r"]:
        assert self._fit is not None
        now = None if time is None else grid_number(time, _LOOKS)
        again = crop is self._seen or (now is not None and now == self._looked)
        if self._misfit is None or not again:
            self._misfit, self._looked, self._seen = self._fit.misfit(crop), now, crop
        return self._misfit


def detail(crop: UInt8[np.ndarray, "s s"]) -> float:
    """Return the variance of the Laplacian over that of the picture, so that light has no say.

    Source: Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy: a comparative study,
    ICPR 2000, for the Laplacian's variance; the division is not theirs.
    """
    _, spread = cv2.meanStdDev(crop)
    edges = cv2.Laplacian(crop, cv2.CV_16S)
    # A quarter of what `meanStdDev` takes for 16 bits.
    mean = cv2.sumElems(edges)[0] / edges.size
    variance = cv2.norm(edges, cv2.NORM_L2SQR) / edges.size - mean * mean
    return variance / max(spread.item() ** 2, 1.0)
