"""Emotions, and the sets of classes that the field scores on."""

import unicodedata
from collections.abc import Mapping
from typing import Literal

type ClassSet = Literal["3", "4", "5", "7", "objective"]
CLASS_SETS: tuple[ClassSet, ...] = ("3", "4", "5", "7", "objective")

_SPELLINGS = {
    "comtempt": "contempt",
    "other": "others",
    "happy": "happiness",
    "sad": "sadness",
    "angry": "anger",
    "surprised": "surprise",
    "suprise": "surprise",
    "disgusted": "disgust",
    "fearful": "fear",
    "repressed": "repression",
    "tension": "tense",
    "ne": "negative",
    "po": "positive",
    "sur": "surprise",
}
_BASIC = ("happiness", "surprise", "anger", "disgust", "fear", "sadness")
_NEGATIVE = ("anger", "contempt", "disgust", "fear", "repression", "sadness", "negative")


EMOTIONS = (*_BASIC, "contempt", "repression", "positive", "negative", "others")
"""Words that coders of data sets use, to choose from."""


def _set(*names: str) -> dict[str, str]:
    return {name: name for name in names}


def _three(*negative: str) -> dict[str, str]:
    polarity = {"happiness": "positive", "positive": "positive", "surprise": "surprise"}
    return {**dict.fromkeys(negative, "negative"), **polarity}


# By data set, then by set: emotion to class. MEGC 2019 (See et al., MEGC 2019 – the second facial
# micro-expressions grand challenge, section III) leaves out CASME II's fear and sadness.
_THREE = {"casme2": _three("disgust", "repression")}
_FOUR = {"casme": _set("tense", "repression", "disgust", "surprise")}
_FIVE = {
    "casme2": _set("happiness", "disgust", "repression", "surprise", "others"),
    "samm": {**_set("anger", "happiness", "contempt", "surprise"), "others": "other"},
    "synthetic": _set("happiness", "disgust", "repression", "surprise", "others"),
    "four_dme": _set("positive", "negative", "surprise", "repression", "others"),
}
_SEVEN = {
    # CASME and CASME II name no anger: these are the basic emotions that they do name.
    "casme": _set("happiness", "surprise", "disgust", "fear", "sadness", "contempt"),
    "casme2": _set("happiness", "surprise", "disgust", "fear", "sadness", "repression", "others"),
    "casme3": _set(*_BASIC, "others"),
    "mmew": _set(*_BASIC, "others"),
    "samm": _set(*_BASIC, "contempt"),
    "dfme": _set(*_BASIC, "contempt"),
    "folder": _set(*_BASIC, "contempt"),
}
_OBJECTIVE = ("I", "II", "III", "IV", "V", "VI", "VII")


def normalise_emotion(raw: str) -> str:
    """Return the emotion in lower case and in one spelling for all data sets, "" for none.

    `Others` and SAMM's `Other` are both `others`; `comtempt`, as some sheets have it, is
    `contempt`. A word that is not known stays as it is.
    """
    word = " ".join(unicodedata.normalize("NFKC", raw).casefold().split()).strip(" .,;:")
    return _SPELLINGS.get(word, word)


def classes_of(database: str, emotion: str, *, objective: int | None = None) -> dict[str, str]:
    """Return the class of a clip in each of `CLASS_SETS` that has one for it.

    3: negative, positive, surprise as MEGC 2019 has them. 4: CASME's tense, repression, disgust,
    surprise. 5: CASME II's happiness, disgust, repression, surprise, others; SAMM's anger,
    happiness, contempt, surprise, other; 4DME's own. 7: the basic emotions of the data set, with
    contempt or others where it has them. objective: I to VII (Davison et al., Objective classes for
    micro-facial expression recognition, 2018).

    Args:
        database: name of the data set, such as `casme2`.
        emotion: as `normalise_emotion` returns it.
        objective: the objective class, 1 to 7.
    """
    found = {
        "3": _THREE.get(database, _three(*_NEGATIVE)).get(emotion),
        "4": _class(_FOUR, database, emotion),
        "5": _class(_FIVE, database, emotion),
        "7": _class(_SEVEN, database, emotion),
    }
    if objective is not None and 1 <= objective <= len(_OBJECTIVE):
        found["objective"] = _OBJECTIVE[objective - 1]
    return {name: value for name, value in found.items() if value is not None}


def _class(sets: Mapping[str, Mapping[str, str]], database: str, emotion: str) -> str | None:
    return sets.get(database, {}).get(emotion)
