"""FACS action units as mixtures of the pack's face units, and the emotions made of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ActionUnit:
    """One action unit.

    Attributes:
        name: its FACS name.
        units: weights of the face units; a name without side stands for both sides.
    """

    name: str
    units: dict[str, float]


# AU14 and AU24: the pack's mouthDimple and mouthPress also lift the corners of the mouth, as AU12
# does, and pull them apart, as AU20 does. Taking away part of mouthSmile and adding some of
# mouthPucker leaves what FACS describes: corners tightened (14), lips pressed and thinned (24).
ACTION_UNITS: dict[str, ActionUnit] = {
    "1": ActionUnit("inner brow raiser", {"browInnerUp": 1.0}),
    "2": ActionUnit("outer brow raiser", {"browOuterUp": 1.0}),
    "4": ActionUnit("brow lowerer", {"browDown": 1.0}),
    "5": ActionUnit("upper lid raiser", {"eyeWide": 1.0}),
    "6": ActionUnit("cheek raiser", {"cheekSquint": 1.0}),
    "7": ActionUnit("lid tightener", {"eyeSquint": 1.0}),
    "9": ActionUnit("nose wrinkler", {"noseSneer": 1.0}),
    "10": ActionUnit("upper lip raiser", {"mouthUpperUp": 1.0}),
    "12": ActionUnit("lip corner puller", {"mouthSmile": 0.5}),
    "14": ActionUnit("dimpler", {"mouthDimple": 1.0, "mouthSmile": -0.35, "mouthPucker": 0.25}),
    "15": ActionUnit("lip corner depressor", {"mouthFrown": 1.0}),
    "17": ActionUnit("chin raiser", {"mouthShrugLower": 1.0, "mouthShrugUpper": 0.35}),
    "20": ActionUnit("lip stretcher", {"mouthStretch": 1.0}),
    "24": ActionUnit(
        "lip pressor",
        {
            "mouthPress": 0.6,
            "mouthRollUpper": 0.6,
            "mouthRollLower": 0.6,
            "mouthSmile": -0.3,
            "mouthPucker": 0.25,
        },
    ),
    "25": ActionUnit("lips part", {"mouthLowerDown": 0.6}),
    "26": ActionUnit("jaw drop", {"jawOpen": 0.2}),
    "45": ActionUnit("blink", {"eyeBlink": 1.0}),
}
AU_NAMES: tuple[str, ...] = tuple(ACTION_UNITS)

UNITS: tuple[str, ...] = tuple(name for name in AU_NAMES if name != "45")
"""What a coder lists: all units of the rig but the blink, which is no part of a movement."""

_SIDELESS = (
    "browInnerUp",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthRollUpper",
    "mouthRollLower",
    "mouthPucker",
    "jawOpen",
)


def face_unit_names(unit: str) -> tuple[str, ...]:
    """Return the face units that a name with or without side stands for."""
    return (unit,) if unit in _SIDELESS else (unit + "Left", unit + "Right")


def face_units(au: str) -> dict[str, float]:
    """Weights of the sided face units that make up the action unit `au`, such as "4"."""
    weights: dict[str, float] = {}
    for unit, weight in ACTION_UNITS[au].units.items():
        weights.update(dict.fromkeys(face_unit_names(unit), weight))
    return weights


@dataclass(frozen=True)
class Prototype:
    """Action units that occur together, and how often among the clips of an emotion."""

    share: float
    aus: tuple[str, ...]


# Several prototypes for each class, which overlap between the classes (AU4, AU12, AU14), as in
# coded data: no single action unit names the class.
EMOTIONS: dict[str, tuple[Prototype, ...]] = {
    "happiness": (
        Prototype(0.5, ("6", "12")),
        Prototype(0.3, ("12",)),
        Prototype(0.1, ("6", "7", "12")),
        Prototype(0.1, ("12", "25")),
    ),
    "disgust": (
        Prototype(0.25, ("9",)),
        Prototype(0.2, ("10",)),
        Prototype(0.2, ("4", "9")),
        Prototype(0.15, ("4", "7", "9")),
        Prototype(0.1, ("9", "10")),
        Prototype(0.1, ("4", "10")),
    ),
    "surprise": (
        Prototype(0.35, ("1", "2")),
        Prototype(0.3, ("1", "2", "5")),
        Prototype(0.15, ("1", "2", "25")),
        Prototype(0.1, ("2", "5")),
        Prototype(0.1, ("1", "2", "5", "26")),
    ),
    "repression": (
        Prototype(0.35, ("15",)),
        Prototype(0.2, ("17",)),
        Prototype(0.2, ("15", "17")),
        Prototype(0.15, ("14",)),
        Prototype(0.1, ("12", "14")),
    ),
    "others": (
        Prototype(0.45, ("4",)),
        Prototype(0.2, ("4", "7")),
        Prototype(0.15, ("14",)),
        Prototype(0.1, ("24",)),
        Prototype(0.1, ("7",)),
    ),
}
"""Sources: Ekman, Friesen and Hager, FACS Investigator's Guide, 2002 (EMFACS prototypes); Yan, Li,
Wang et al., CASME II: an improved spontaneous micro-expression database, PLoS ONE 9(1), 2014, table
of coding criteria (repression: AU15, AU17 alone or combined; others: other facial movements). The
shares are ours."""

CLASSES: tuple[str, ...] = tuple(EMOTIONS)
