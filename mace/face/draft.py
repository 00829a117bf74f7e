"""A keyframe in the making: landmarks of several frames, each as it lies in the first."""

import numpy as np
from jaxtyping import Float, UInt8

from mace.face.config import FaceConfig
from mace.face.correction import Keyframe
from mace.face.detector import Detection
from mace.face.landmarks import Landmarker
from mace.face.similarity import apply, compose, invert


class Draft:
    """Collects frames until enough landmarks are in.

    Attributes:
        waiting: number and picture of every frame so far, None where it could not be read. They
            have to wait, and the caller may use the array of a frame again, so they are copies.
    """

    def __init__(
        self,
        index: int,
        gray: UInt8[np.ndarray, "h w"],
        face: Detection,
        landmarks: Float[np.ndarray, "n 2"],
        config: FaceConfig,
    ) -> None:
        """Begin with the `face` in the frame number `index` and its `landmarks`.

        Raises:
            DataError: if the eyes coincide.
        """
        self._config = config
        self._face = face
        self._first = Keyframe(gray, landmarks, config)
        self._transform = self._first.transform
        self._landmarks = [landmarks]
        self.waiting: list[tuple[int, UInt8[np.ndarray, "h w"] | None]] = [(index, gray.copy())]

    def add(
        self, index: int, gray: UInt8[np.ndarray, "h w"] | None, landmarker: Landmarker
    ) -> bool:
        """Take the next frame; return whether no more are wanted.

        That is so when there are as many as configured, and when the face does not register: then
        it is no longer the one that the draft began with, or not for now.
        """
        self.waiting.append((index, None if gray is None else gray.copy()))
        if gray is not None:
            registration = self._first.register(gray, self._transform)
            if not registration.ok:
                return True
            self._transform = registration.transform
            here = compose(invert(registration.transform), self._first.transform)
            landmarks = landmarker.locate(gray, self._face.moved(here))
            self._landmarks.append(apply(invert(here), landmarks))
        return len(self.waiting) >= self._config.keyframe_frames

    def keyframe(self) -> Keyframe:
        """Return the first frame with the median of all landmarks."""
        _, gray = self.waiting[0]
        assert gray is not None
        return Keyframe(gray, np.median(self._landmarks, axis=0), self._config)
