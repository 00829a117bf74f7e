"""Anybody's labels, predictions and people, checked before anything is computed; no JAX here."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mace.errors import DataError
from mace.evaluation.predictions import Predictions

UNKNOWN_PEOPLE = (
    "nobody says who shows which clip: intervals draw single clips, and one face may have been on "
    "both sides of a split; give groups, the person of each clip"
)


def predictions_from_arrays(
    truth: Any,
    predicted: Any,
    groups: Any = None,
    *,
    clips: Sequence[str] | None = None,
    name: str = "predictions",
) -> Predictions:
    """Return labels, predictions and people of arrays as predictions that can be scored.

    Args:
        truth: (n,) labels of any kind.
        predicted: (n,), or (s, n) of s seeds.
        groups: (n,) the person of each; None makes everyone a person of their own.
        clips: (n,) their names; by default their positions.
        name: to show.

    Raises:
        DataError: for other shapes.
    """
    truth, predicted = checked_array(truth, "truth"), checked_array(predicted, "predictions")
    if truth.ndim != 1 or not truth.size:
        raise DataError(f"the truth has the shape {truth.shape}, expected (n,), one label a clip")
    if predicted.ndim not in (1, 2) or predicted.shape[-1] != len(truth):
        raise DataError(
            f"predictions have the shape {predicted.shape}, expected ({len(truth)},), or "
            f"(seeds, {len(truth)})"
        )
    if not np.isin(predicted, truth).any():
        raise DataError(
            f"predictions hold {some_labels(predicted)} and the truth {some_labels(truth)}: no "
            "label in common; give labels, not probabilities or other names"
        )
    classes = np.unique(np.concatenate([truth, predicted.ravel()]))
    people, index = people_of(groups, len(truth))
    return Predictions(
        name=name,
        classes=tuple(map(str, classes)),
        clips=clip_names(people, index, clips),
        subjects=people,
        groups=index,
        labels=np.searchsorted(classes, truth),
        predicted=np.atleast_2d(np.searchsorted(classes, predicted)),
        remarks=() if groups is not None else (UNKNOWN_PEOPLE,),
    )


def clip_names(
    people: Sequence[str], index: Sequence[int] | np.ndarray, clips: Sequence[str] | None
) -> tuple[str, ...]:
    """Return `database/subject/clip` for each clip, by default after its position.

    Raises:
        DataError: for another number of names, or a name given twice.
    """
    names = list(map(str, range(len(index)) if clips is None else clips))
    if len(names) != len(index):
        raise DataError(f"clips holds {len(names)} names for {len(index)} clips; each needs one")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(f"clips holds {twice[0]!r} more than once; each name is of one clip")
    return tuple(f"{people[group]}/{name}" for group, name in zip(index, names, strict=True))


def checked_array(values: Any, name: str) -> np.ndarray:
    """Return labels or people as an array of one kind.

    Raises:
        DataError: if one is missing, or they are of kinds that cannot be sorted.
    """
    import pandas as pd

    array = np.asarray(values)
    missing = np.flatnonzero(pd.isna(array))
    if missing.size:
        raise DataError(
            f"{name} lacks a value for {missing.size} of {array.size} clips, the first at "
            f"position {missing[0]}; fill it in or leave the clip out"
        )
    if array.dtype == object:
        kinds = sorted({type(value).__name__ for value in array.ravel()})
        if len(kinds) > 1:
            raise DataError(f"{name} mixes {' and '.join(kinds)}; give one kind")
        array = np.array(array.tolist())
    return array


def some_labels(labels: np.ndarray) -> str:
    """Return a few labels for a sentence."""
    names = [str(label) for label in np.unique(labels)]
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def people_of(groups: Any, count: int) -> tuple[tuple[str, ...], np.ndarray]:
    """Return people as `database/subject`, sorted, and the person of each clip as an index.

    Names without a `/` are those of the database `own`; without `groups`, every clip is of a
    person of its own.

    Raises:
        DataError: for another number of groups than clips.
    """
    if groups is None:
        return tuple(f"own/{i}" for i in range(count)), np.arange(count)
    names, index = np.unique(checked_array(groups, "groups"), return_inverse=True)
    if index.shape != (count,):
        raise DataError(
            f"groups have the shape {index.shape}, expected ({count},), the person of each clip"
        )
    return tuple(str(name) if "/" in str(name) else f"own/{name}" for name in names), index
