"""FACS action units of the rig."""

import numpy as np

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

UNIT_COLUMNS = np.array([AU_NAMES.index(name) for name in UNITS])
"""Where they are among `AU_NAMES`."""
