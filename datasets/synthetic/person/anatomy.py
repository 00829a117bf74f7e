"""What an action unit moves, and how people differ in it.

No two faces smile alike: muscles insert higher or lower, pull their neighbours along, and lie under
more or less skin. Each person has a mixture of face units for every action unit, drawn once between
the two ends given here (which are one for some units), so that a network learns what is common to
all of them.

Source of what may move along: Ekman, Friesen and Hager, Facial Action Coding System: the manual,
2002, appearance changes of each unit. The ranges are ours.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from mace.datasets.synthetic.head.assets import UNIT_NAMES, sided
from mace.datasets.synthetic.movement.action_units import AU_NAMES

_HABITS, _ANATOMY = 0xAB175, 0xA4A70

type Range = tuple[float, float]

ANATOMY: dict[str, dict[str, Range]] = {
    "1": {"browInnerUp": (1.0, 1.0)},
    "2": {"browOuterUp": (1.0, 1.0)},
    "4": {"browDown": (1.0, 1.0)},
    "5": {"eyeWide": (1.0, 1.0)},
    "6": {"cheekSquint": (1.0, 1.0), "eyeSquint": (0.0, 0.5), "lidTighten": (0.0, 0.3)},
    "7": {"lidTighten": (0.6, 1.0), "eyeSquint": (0.0, 0.6)},
    "9": {"noseSneer": (1.0, 1.0), "browDown": (0.0, 0.2), "cheekLift": (0.0, 0.4)},
    "10": {"mouthUpperUp": (0.6, 1.0), "cheekLift": (0.3, 1.2), "noseSneer": (0.0, 0.3)},
    "12": {"mouthSmile": (0.4, 0.5), "mouthDimple": (0.0, 0.3), "cheekSquint": (0.0, 0.2)},
    "14": {"cornerTighten": (0.7, 1.0), "mouthDimple": (0.0, 0.6), "mouthSmile": (-0.1, 0.1)},
    "15": {"mouthFrown": (1.0, 1.0), "mouthShrugLower": (0.0, 0.2)},
    "17": {"mouthShrugLower": (1.0, 1.0), "mouthShrugUpper": (0.15, 0.55)},
    "20": {"mouthStretch": (1.0, 1.0), "mouthDimple": (0.0, 0.3)},
    "24": {
        "mouthPress": (0.6, 0.6),
        "mouthRollUpper": (0.4, 0.8),
        "mouthRollLower": (0.4, 0.8),
        "mouthSmile": (-0.4, -0.2),
        "mouthPucker": (0.15, 0.35),
    },
    "25": {"mouthLowerDown": (0.6, 0.6), "mouthUpperUp": (0.0, 0.15)},
    "26": {"jawOpen": (0.2, 0.2)},
    "45": {"eyeBlink": (1.0, 1.0)},
}
"""Action unit to the range of each face unit's weight; a name without side stands for both."""

SIDES: Float32[np.ndarray, "3 u"] = np.array(
    [
        [not name.endswith(("Left", "Right")) for name in UNIT_NAMES],
        [name.endswith("Left") for name in UNIT_NAMES],
        [name.endswith("Right") for name in UNIT_NAMES],
    ],
    np.float32,
)
"""Which of `UNIT_NAMES` belong to both sides together, to the left, to the right."""


def draw_anatomy(rng: np.random.Generator, *, spread: float) -> Float32[np.ndarray, "a u"]:
    """Draw one person's weights of `UNIT_NAMES` for each of `AU_NAMES`, 1 for the full face unit.

    Args:
        rng: its state goes on by the same number of draws whatever `spread` is.
        spread: 1 for the whole of the ranges, 0 for their middles.
    """
    mixtures = np.zeros((len(AU_NAMES), len(UNIT_NAMES)), np.float32)
    for row, au in enumerate(AU_NAMES):
        for unit, (low, high) in ANATOMY[au].items():
            weight = (low + high) / 2 + spread * (high - low) * (rng.uniform() - 0.5)
            for name in sided(unit):
                mixtures[row, UNIT_NAMES.index(name)] = weight
    return mixtures


SIDED: Float32[np.ndarray, " a"] = (
    np.abs(draw_anatomy(np.random.default_rng(0), spread=0.0)) @ SIDES[1] > 0
).astype(np.float32)
"""Which of `AU_NAMES` can show on one half of the face alone."""


@dataclass(frozen=True)
class Habits:
    """How a person moves the face.

    Attributes:
        gain: how strongly each of `AU_NAMES` is shown, about 1.
        asymmetry: share by which the left side (positive) leads.
        anatomy: weights of `UNIT_NAMES` for each of `AU_NAMES`.
    """

    gain: Float32[np.ndarray, " a"]
    asymmetry: float
    anatomy: Float32[np.ndarray, "a u"]


def draw_habits(
    seed: int, *, gain_sd: float = 0.25, asymmetry_sd: float = 0.15, anatomy: float = 1.0
) -> Habits:
    """Draw the habits of the person of a seed.

    Args:
        seed: as of `make_person`.
        gain_sd: spread (log) of how strongly a unit is shown.
        asymmetry_sd: spread of the share by which the left side leads.
        anatomy: 1 for the whole of the ranges of `ANATOMY`, 0 for their middles.
    """
    rng = np.random.default_rng([_HABITS, seed])
    gain = np.exp(rng.normal(0, 1, len(AU_NAMES)) * gain_sd).astype(np.float32)
    asymmetry = float(rng.normal(0, 1) * asymmetry_sd)
    mixtures = draw_anatomy(np.random.default_rng([_ANATOMY, seed]), spread=anatomy)
    return Habits(gain, asymmetry, mixtures)
