"""FACS action units of the rig, and the sets of classes that are made of them."""

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

type PairClasses = Literal["3", "5", "7"]
"""MEGC 2019's three classes, CASME II's five, the basic emotions with contempt."""

type Mixture = Literal["listed", "flat"]
"""How often a prototype comes within its class: as `prototypes.py` lists it, in the order of
magnitude of what laboratories record, or flat, which looks at no data base: half for the single
action units, each alike, half for their combinations, each alike."""
