"""Notices what a frame's pixels tell about the source: another size, or a picture that hangs."""

import numpy as np

from mace.live.sources.frame import Frame
from mace.live.sources.incident import IncidentKind

# Rows looked at first: noise makes them differ from frame to frame unless the picture hangs.
_SPARSE = 16


class PictureWatch:
    """Compares every frame with the one before it.

    A camera that looks at a still scene gives noise; only a driver or sender that hangs repeats a
    frame bit for bit. Costs a sixteenth of the rows unless it does.
    """

    def __init__(self, name: str, *, frozen_s: float):
        self._name = name
        self._frozen_s = frozen_s
        self._before: np.ndarray | None = None
        self._since = 0.0
        self._frozen = False

    def see(self, frame: Frame) -> list[tuple[IncidentKind, str]]:
        """Return what is new with this frame, kinds with their sentences."""
        before, self._before = self._before, frame.image
        image, found = frame.image, []
        if before is not None and before.shape != image.shape:
            (h0, w0), (h1, w1) = before.shape[:2], image.shape[:2]
            found.append(("resized", f"{self._name} gives {w1}x{h1} px now, {w0}x{h0} before"))
        same = before is not None and _identical(before, image)
        if not same:
            if self._frozen:
                found.append(("back", f"the picture of {self._name} moves again"))
            self._since, self._frozen = frame.time, False
        elif not self._frozen and frame.time - self._since >= self._frozen_s:
            self._frozen = True
            found.append((
                "frozen",
                f"{self._name} has given the very same picture for {self._frozen_s:g} s: "
                "it hangs, or its lens is shut",
            ))  # fmt: skip
        return found


def _identical(a: np.ndarray, b: np.ndarray) -> bool:
    return np.array_equal(a[::_SPARSE], b[::_SPARSE]) and np.array_equal(a, b)
