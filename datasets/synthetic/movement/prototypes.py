"""Which action units show which emotion, how often, and the classes that the field makes of them.

Sources: Ekman, Friesen and Hager, FACS Investigator's Guide, 2002 (EMFACS); Yan, Li, Wang et al.,
CASME II: an improved spontaneous micro-expression database, PLoS ONE 9(1), 2014, table of coding
criteria (disgust: AU9, AU10 or AU4+AU7; repression: AU15, AU17; surprise: AU1+2, AU25 or AU2;
happiness: AU6 or AU12; fear: AU1+2+4 or AU20); Davison, Merghani and Yap, Objective classes for
micro-facial expression recognition, J. Imaging 4(10), 2018, table of classes I to VII over SAMM and
CASME II. Partial prototypes prevail, as in micro-expressions, most of which show one or two units.
The shares are ours, in the order of magnitude of what the two databases list. Their AU23 and AU38
to 40 have no counterpart in the rig; AU24 stands for AU23.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float32, Float64, Int32

from mace.datasets.synthetic.movement.action_units import AU_NAMES, Mixture, PairClasses, Prototype

PROTOTYPES: dict[str, tuple[Prototype, ...]] = {
    "happiness": (
        Prototype(0.38, ("12",)),
        Prototype(0.28, ("6", "12")),
        Prototype(0.07, ("6",)),
        Prototype(0.08, ("6", "7", "12")),
        Prototype(0.06, ("7", "12")),
        Prototype(0.06, ("12", "25")),
        Prototype(0.07, ("12", "14")),
    ),
    "surprise": (
        Prototype(0.28, ("1", "2")),
        Prototype(0.14, ("1", "2", "5")),
        Prototype(0.13, ("2",)),
        Prototype(0.08, ("1", "2", "25")),
        Prototype(0.07, ("1",)),
        Prototype(0.08, ("25",)),
        Prototype(0.14, ("5",)),
        Prototype(0.05, ("25", "26")),
        Prototype(0.03, ("1", "2", "5", "26")),
    ),
    "disgust": (
        Prototype(0.26, ("4", "7")),
        Prototype(0.20, ("4",)),
        Prototype(0.12, ("9",)),
        Prototype(0.14, ("10",)),
        Prototype(0.10, ("4", "9")),
        Prototype(0.06, ("4", "7", "9")),
        Prototype(0.04, ("4", "7", "10")),
        Prototype(0.04, ("9", "10")),
        Prototype(0.04, ("7", "10")),
    ),
    "repression": (
        Prototype(0.36, ("15",)),
        Prototype(0.30, ("17",)),
        Prototype(0.16, ("15", "17")),
        Prototype(0.10, ("14",)),
        Prototype(0.08, ("14", "17")),
    ),
    "anger": (
        Prototype(0.34, ("4",)),
        Prototype(0.24, ("4", "7")),
        Prototype(0.18, ("7",)),
        Prototype(0.08, ("24",)),
        Prototype(0.06, ("17", "24")),
        Prototype(0.05, ("4", "5")),
        Prototype(0.05, ("4", "5", "7")),
    ),
    "contempt": (
        Prototype(0.60, ("14",), unilateral=True),
        Prototype(0.25, ("14",)),
        Prototype(0.15, ("10", "14"), unilateral=True),
    ),
    "fear": (
        Prototype(0.45, ("1", "2", "4")),
        Prototype(0.25, ("20",)),
        Prototype(0.20, ("1", "2", "4", "5")),
        Prototype(0.10, ("20", "25")),
    ),
    "sadness": (
        Prototype(0.30, ("1", "4")),
        Prototype(0.25, ("15",)),
        Prototype(0.20, ("15", "17")),
        Prototype(0.15, ("1", "15")),
        Prototype(0.10, ("17",)),
    ),
    "others": (
        Prototype(0.30, ("4",)),
        Prototype(0.20, ("14",)),
        Prototype(0.15, ("4", "7")),
        Prototype(0.10, ("24",)),
        Prototype(0.10, ("7",)),
        Prototype(0.10, ("14", "17")),
        Prototype(0.05, ("20",)),
    ),
}
"""Emotion to prototypes; `others` are movements that no emotion is known to go with."""

EMOTION_NAMES: tuple[str, ...] = tuple(PROTOTYPES)

CLASS_SETS: dict[PairClasses, dict[str, dict[str, float]]] = {
    "3": {
        "negative": {
            "disgust": 0.17,
            "anger": 0.09,
            "repression": 0.07,
            "contempt": 0.03,
            "fear": 0.06,
            "sadness": 0.03,
        },
        "positive": {"happiness": 0.30},
        "surprise": {"surprise": 0.25},
    },
    "5": {name: {name: 0.2} for name in ("disgust", "happiness", "others", "repression")}
    | {"surprise": {"surprise": 0.2}},
    "7": {
        name: {name: 1 / 7}
        for name in ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
    },
}
"""Classes of MEGC 2019 (3), of CASME II (5), and the basic emotions with contempt (7): the share of
every emotion among all pairs. Those of the first lie between equal classes and what laboratories
record, where more than half is negative; the mixture within `negative` is about that of the
composite's sheets."""


@dataclass(frozen=True)
class PrototypeTable:
    """The prototypes as arrays, one row each; columns are `AU_NAMES`."""

    aus: Float32[np.ndarray, "p a"]
    emotion: Int32[np.ndarray, " p"]
    unilateral: Float32[np.ndarray, " p"]
    names: tuple[str, ...]


@cache
def prototype_table() -> PrototypeTable:
    """Return all prototypes in the order of `EMOTION_NAMES`."""
    rows, emotion, unilateral, names = [], [], [], []
    for index, (name, prototypes) in enumerate(PROTOTYPES.items()):
        for prototype in prototypes:
            rows.append([float(au in prototype.aus) for au in AU_NAMES])
            emotion.append(index)
            unilateral.append(float(prototype.unilateral))
            names.append(f"{name} {'+'.join(prototype.aus)}")
    return PrototypeTable(
        aus=np.array(rows, np.float32),
        emotion=np.array(emotion, np.int32),
        unilateral=np.array(unilateral, np.float32),
        names=tuple(names),
    )


@cache
def emotion_shares(emotion: str) -> Float64[np.ndarray, " p"]:
    """Return how often each row of `prototype_table` comes within an emotion; 0 in others."""
    shares = [
        prototype.share * (name == emotion)
        for name, prototypes in PROTOTYPES.items()
        for prototype in prototypes
    ]
    return np.array(shares)


@cache
def prototype_shares(
    classes: PairClasses, *, mixture: Mixture = "listed"
) -> Float32[np.ndarray, " p"]:
    """Return how often each row of `prototype_table` is drawn; the sum is 1.

    `mixture` changes how often a prototype comes within its class, not how often the class does.
    """
    emotions: dict[str, float] = {}
    for members in CLASS_SETS[classes].values():
        emotions |= members
    listed = np.sum([share * emotion_shares(name) for name, share in emotions.items()], axis=0)
    listed /= listed.sum()
    if mixture == "listed":
        return listed.astype(np.float32)
    label = labels_of_emotions(classes)[prototype_table().emotion]
    shares = np.zeros_like(listed)
    for index in range(len(CLASS_SETS[classes])):
        rows = np.flatnonzero((label == index) & (listed > 0))
        shares[rows] = listed[rows].sum() * _flat_shares(rows)
    return shares.astype(np.float32)


def _flat_shares(rows: np.ndarray) -> Float64[np.ndarray, " n"]:
    """Half for the single units among some prototypes, half for the others, each alike.

    What several emotions of a class have in common counts once.
    """
    aus = [tuple(np.flatnonzero(prototype_table().aus[row])) for row in rows]
    single = np.array([len(units) == 1 for units in aus])
    times = np.array([aus.count(units) for units in aus])
    shares = 1 / times
    for group in (single, ~single):
        if group.any():
            shares[group] /= shares[group].sum() * (2 if 0 < single.sum() < len(rows) else 1)
    return shares


def class_names(classes: PairClasses) -> tuple[str, ...]:
    """Return the classes in the order of their labels."""
    return tuple(CLASS_SETS[classes])


@cache
def labels_of_emotions(classes: PairClasses) -> Int32[np.ndarray, " e"]:
    """Return the label of each of `EMOTION_NAMES`, -1 for one that is in no class of the set."""
    label = {
        emotion: index
        for index, members in enumerate(CLASS_SETS[classes].values())
        for emotion in members
    }
    return np.array([label.get(name, -1) for name in EMOTION_NAMES], np.int32)
