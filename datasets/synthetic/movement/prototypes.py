"""Which action units show which emotion, how often, and the classes that the field makes of them.

Sources: Ekman, Friesen and Hager, FACS Investigator's Guide, 2002 (EMFACS); Yan, Li, Wang et al.,
CASME II: an improved spontaneous micro-expression database, PLoS ONE 9(1), 2014, table of coding
criteria (disgust: AU9, AU10 or AU4+AU7; repression: AU15, AU17; surprise: AU1+2, AU25 or AU2;
happiness: AU6 or AU12; fear: AU1+2+4 or AU20; others: other facial movements); Davison, Merghani
and Yap, Objective classes for micro-facial expression recognition, J. Imaging 4(10), 2018, table of
classes I to VII over SAMM and CASME II. Partial prototypes prevail, as in micro-expressions, most
of which show one or two units. The shares are ours, in the order of magnitude of what the two
databases list. Their AU23 and AU38 to 40 have no counterpart in the rig; AU24 stands for AU23.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float32, Float64, Int32

from mace.datasets.synthetic.movement.action_units import AU_NAMES, Mixture, PairClasses


@dataclass(frozen=True)
class Prototype:
    """Action units that occur together, and how often among the movements of an emotion.

    One that is `unilateral` shows on one half of the face alone, as contempt does.
    """

    share: float
    aus: tuple[str, ...]
    unilateral: bool = False


def _listed(table: dict[str, dict[str, float]]) -> dict[str, tuple[Prototype, ...]]:
    """Return prototypes written as FACS does, `6+12`, with U before what is unilateral."""
    return {
        emotion: tuple(
            Prototype(share, tuple(code.removeprefix("U").split("+")), code.startswith("U"))
            for code, share in shares.items()
        )
        for emotion, shares in table.items()
    }


# fmt: off
EMOTIONS = _listed({
    "happiness": {"6+12": 0.5, "12": 0.3, "6+7+12": 0.1, "12+25": 0.1},
    "disgust": {"9": 0.25, "10": 0.2, "4+9": 0.2, "4+7+9": 0.15, "9+10": 0.1, "4+10": 0.1},
    "surprise": {"1+2": 0.35, "1+2+5": 0.3, "1+2+25": 0.15, "2+5": 0.1, "1+2+5+26": 0.1},
    "repression": {"15": 0.35, "17": 0.2, "15+17": 0.2, "14": 0.15, "12+14": 0.1},
    "others": {"4": 0.45, "4+7": 0.2, "14": 0.15, "24": 0.1, "7": 0.1},
})
"""Of clips and videos: emotion to prototypes, which overlap between the classes (AU4, AU12, AU14),
as in coded data: no single action unit names the class."""

PROTOTYPES = _listed({
    "happiness": {"12": 0.38, "6+12": 0.28, "6": 0.07, "6+7+12": 0.08, "7+12": 0.06, "12+25": 0.06,
                  "12+14": 0.07},
    "surprise": {"1+2": 0.28, "1+2+5": 0.14, "2": 0.13, "1+2+25": 0.08, "1": 0.07, "25": 0.08,
                 "5": 0.14, "25+26": 0.05, "1+2+5+26": 0.03},
    "disgust": {"4+7": 0.26, "4": 0.20, "9": 0.12, "10": 0.14, "4+9": 0.10, "4+7+9": 0.06,
                "4+7+10": 0.04, "9+10": 0.04, "7+10": 0.04},
    "repression": {"15": 0.36, "17": 0.30, "15+17": 0.16, "14": 0.10, "14+17": 0.08},
    "anger": {"4": 0.34, "4+7": 0.24, "7": 0.18, "24": 0.08, "17+24": 0.06, "4+5": 0.05,
              "4+5+7": 0.05},
    "contempt": {"U14": 0.60, "14": 0.25, "U10+14": 0.15},
    "fear": {"1+2+4": 0.45, "20": 0.25, "1+2+4+5": 0.20, "20+25": 0.10},
    "sadness": {"1+4": 0.30, "15": 0.25, "15+17": 0.20, "1+15": 0.15, "17": 0.10},
    "others": {"4": 0.30, "14": 0.20, "4+7": 0.15, "24": 0.10, "7": 0.10, "14+17": 0.10,
               "20": 0.05},
})
"""Of pairs: emotion to prototypes; `others` are movements that no emotion is known to go with."""
# fmt: on

CLASSES: tuple[str, ...] = tuple(EMOTIONS)
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
    """The prototypes of pairs as arrays, one row each; columns are `AU_NAMES`.

    Attributes:
        aus: 1 for every unit that it shows.
        emotion: index into `EMOTION_NAMES`.
        share: how often it comes within its emotion.
        unilateral: 1 for one that shows on one half of the face alone.
        names: emotion and units, for people.
    """

    aus: Float32[np.ndarray, "p a"]
    emotion: Int32[np.ndarray, " p"]
    share: Float64[np.ndarray, " p"]
    unilateral: Float32[np.ndarray, " p"]
    names: tuple[str, ...]


@cache
def prototype_table() -> PrototypeTable:
    """Return all prototypes of pairs in the order of `EMOTION_NAMES`."""
    rows = [(name, row) for name, prototypes in PROTOTYPES.items() for row in prototypes]
    return PrototypeTable(
        aus=np.array([[au in row.aus for au in AU_NAMES] for _, row in rows], np.float32),
        emotion=np.array([EMOTION_NAMES.index(name) for name, _ in rows], np.int32),
        share=np.array([row.share for _, row in rows]),
        unilateral=np.array([row.unilateral for _, row in rows], np.float32),
        names=tuple(f"{name} {'+'.join(row.aus)}" for name, row in rows),
    )


def emotion_shares(emotion: str) -> Float64[np.ndarray, " p"]:
    """Return how often each row of `prototype_table` comes within an emotion; 0 in others."""
    table = prototype_table()
    return table.share * (table.emotion == EMOTION_NAMES.index(emotion))


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
