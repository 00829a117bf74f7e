"""FACS action units of the rig, and the emotions made of them."""

from dataclasses import dataclass
from typing import Literal

ACTION_UNITS: dict[str, str] = {
    "1": "inner brow raiser",
    "2": "outer brow raiser",
    "4": "brow lowerer",
    "5": "upper lid raiser",
    "6": "cheek raiser",
    "7": "lid tightener",
    "9": "nose wrinkler",
    "10": "upper lip raiser",
    "12": "lip corner puller",
    "14": "dimpler",
    "15": "lip corner depressor",
    "17": "chin raiser",
    "20": "lip stretcher",
    "24": "lip pressor",
    "25": "lips part",
    "26": "jaw drop",
    "45": "blink",
}
"""Number to FACS name; what each moves says `anatomy.py`."""

AU_NAMES: tuple[str, ...] = tuple(ACTION_UNITS)

UNITS: tuple[str, ...] = tuple(name for name in AU_NAMES if name != "45")
"""What a coder lists: all units of the rig but the blink, which is no part of a movement."""


@dataclass(frozen=True)
class Prototype:
    """Action units that occur together, and how often among the movements of an emotion.

    One that is `unilateral` shows on one half of the face alone, as contempt does.
    """

    share: float
    aus: tuple[str, ...]
    unilateral: bool = False


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

type PairClasses = Literal["3", "5", "7"]
"""MEGC 2019's three classes, CASME II's five, the basic emotions with contempt."""

type Mixture = Literal["listed", "flat"]
"""How often a prototype comes within its class: as `prototypes.py` lists it, in the order of
magnitude of what laboratories record, or flat, which looks at no data base: half for the single
action units, each alike, half for their combinations, each alike."""
