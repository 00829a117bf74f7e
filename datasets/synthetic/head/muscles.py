"""Face units that the pack lacks, as pulls on the skin of the average head.

Asked about real micro-expressions, a network that knew AU7, AU10 and AU14 from the pack's units
alone hardly ever named them: its squint raises the cheek as AU6 does, its raised upper lip leaves
the cheek where it is, and its dimple lifts the corners of the mouth as AU12 does, which clips take
away again with units that push the lips forward.

Source of what moves where: Ekman, Friesen and Hager, Facial Action Coding System: the manual, 2002,
appearance changes of AU7, AU10 and AU14. How far, we chose.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float32

_FRONT = 0.5  # dm: nothing behind it is face
_LID_LINE, _LID_BLUR = 7.34, 0.02  # height between the lids in dm


@dataclass(frozen=True, kw_only=True)
class Pull:
    """Skin about a place of the left half of the face that moves one way, less with distance.

    Attributes:
        at: place in dm, x towards the person's left, y up.
        by: displacement there in dm: left, up, forward.
        reach: standard deviations, across and up, of the bell that it falls off by, in dm.
        lid: the lid that alone is moved; None moves all skin.
    """

    at: tuple[float, float]
    by: tuple[float, float, float]
    reach: tuple[float, float]
    lid: Literal["upper", "lower"] | None = None

    def displacement(self, points: Float32[np.ndarray, "v 3"]) -> Float32[np.ndarray, "v 3"]:
        """Return the displacement of vertices, in dm, from their places on the average head."""
        away = (points[:, :2] - np.array(self.at, np.float32)) / np.array(self.reach, np.float32)
        share = np.exp(-0.5 * (away * away).sum(axis=1))
        if self.lid is not None:
            above = 0.5 + 0.5 * np.tanh((points[:, 1] - _LID_LINE) / _LID_BLUR)
            share = share * (above if self.lid == "upper" else 1 - above)
        return (share[:, None] * np.array(self.by, np.float32)).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class Gathering:
    """Skin that is drawn together towards a place, most strongly one `reach` away from it.

    Attributes:
        at: place in dm.
        by: displacement in dm of the skin one `reach` away.
        reach: distance in dm.
    """

    at: tuple[float, float]
    by: float
    reach: float

    def displacement(self, points: Float32[np.ndarray, "v 3"]) -> Float32[np.ndarray, "v 3"]:
        """Return the displacement of vertices, in dm, within the plane of the face."""
        away = (points[:, :2] - np.array(self.at, np.float32)) / np.float32(self.reach)
        share = np.exp(0.5 - 0.5 * (away * away).sum(axis=1, keepdims=True))
        moved = np.zeros_like(points)
        moved[:, :2] = -self.by * share * away
        return moved


MUSCLES: dict[str, tuple[Pull | Gathering, ...]] = {
    # The lower lid rises and straightens towards the inner corner, the upper one sinks a little.
    "lidTighten": (
        Pull(at=(0.30, 7.29), by=(-0.008, 0.030, 0.006), reach=(0.09, 0.045), lid="lower"),
        Pull(at=(0.30, 7.22), by=(-0.006, 0.010, 0.0), reach=(0.10, 0.05), lid="lower"),
        Pull(at=(0.30, 7.38), by=(-0.003, -0.010, 0.0), reach=(0.09, 0.035), lid="upper"),
    ),
    # The triangle between nose, cheek and mouth rises, the wing of the nose with it, and the
    # nasolabial furrow bends to a square.
    "cheekLift": (
        Pull(at=(0.20, 6.96), by=(0.008, 0.034, 0.008), reach=(0.09, 0.12)),
        Pull(at=(0.11, 6.95), by=(0.006, 0.010, 0.0), reach=(0.04, 0.05)),
    ),
    # Around the knot of muscles beside the corner of the mouth skin is drawn together, and the
    # corner sinks into the cheek and narrows.
    "cornerTighten": (
        Gathering(at=(0.28, 6.68), by=0.026, reach=0.11),
        Pull(at=(0.22, 6.68), by=(0.014, 0.0, -0.030), reach=(0.09, 0.07)),
        Pull(at=(0.08, 6.60), by=(0.006, 0.007, -0.004), reach=(0.12, 0.07)),
    ),
}
"""Name of a face unit, without its side, to what it moves at full strength."""


def muscle_units(
    points: Float32[np.ndarray, "v 3"], skin: Bool[np.ndarray, " v"]
) -> dict[str, Float32[np.ndarray, "v 3"]]:
    """Return the displacement in dm of every vertex by each of `MUSCLES`, of either side.

    Args:
        points: of the average head, in dm.
        skin: which of them lie on the skin.
    """
    face = skin & (points[:, 2] > _FRONT)
    mirror = np.array([-1, 1, 1], np.float32)
    units = {}
    for name, parts in MUSCLES.items():
        for side, flip in (("Left", np.ones(3, np.float32)), ("Right", mirror)):
            moved = np.sum([part.displacement(points * flip) for part in parts], axis=0) * flip
            units[name + side] = np.where(face[:, None], moved, 0).astype(np.float32)
    return units
