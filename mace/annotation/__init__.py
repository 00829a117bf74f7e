"""What annotators wrote, in a form to compute with: action units, emotions, class sets."""

from mace.annotation.action_units import ActionUnit, ActionUnits, parse_action_units
from mace.annotation.class_sets import CLASS_SETS, ClassSet, classes_of, normalise_emotion

__all__ = [
    "CLASS_SETS",
    "ActionUnit",
    "ActionUnits",
    "ClassSet",
    "classes_of",
    "normalise_emotion",
    "parse_action_units",
]
