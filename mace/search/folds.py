"""Outer and inner folds: who is tested by what a search chooses, and who judges its settings.

Never the same people.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from mace.data.motion_set import MotionSet
from mace.errors import DataError
from mace.protocols.folds import Fold, check_split, grouped_kfold, loso
from mace.search.config import SearchConfig


@dataclass(frozen=True, eq=False, kw_only=True)
class Group:
    """An outer fold: a part of the subjects, and the inner folds over all others.

    `tested` are the positions of the part's clips, `outside` all others; `folds` split `outside`
    and hold positions of the whole set.
    """

    name: str
    tested: Int[np.ndarray, " m"]
    outside: Int[np.ndarray, " n"]
    folds: tuple[Fold, ...]


def make_groups(motion_set: MotionSet, config: SearchConfig) -> tuple[Group, ...]:
    """Deal the subjects into groups, and those outside of each into inner folds.

    Only subjects and their numbers of clips decide, no label does.

    Raises:
        DataError: if there are too few subjects.
    """
    check_people(np.unique(motion_set.groups).size, config)
    return tuple(
        _group(str(number), fold, motion_set.groups, config)
        for number, fold in enumerate(
            grouped_kfold(motion_set.groups, config.groups, config.seed), start=1
        )
    )


def check_people(subjects: int, config: SearchConfig) -> None:
    """Refuse fewer subjects than groups and inner folds need.

    Raises:
        DataError: if there are too few.
    """
    # The largest group leaves this many.
    outside = subjects - -(-subjects // max(config.groups, 1))
    if config.groups > subjects or outside < config.inner_folds:
        raise DataError(
            f"{subjects} subjects are too few for {config.groups} groups and "
            f"{config.inner_folds} inner folds of those outside of each; choose fewer, or add "
            "clips of other people"
        )


def tested_subjects(group: Group, motion_set: MotionSet) -> tuple[str, ...]:
    """Return the names of the subjects whom the group's setting is tested on."""
    return _names(group.tested, motion_set)


def outside_subjects(group: Group, motion_set: MotionSet) -> tuple[str, ...]:
    """Return the names of the subjects whom the group's settings are judged on."""
    return _names(group.outside, motion_set)


def _group(name: str, fold: Fold, groups: np.ndarray, config: SearchConfig) -> Group:
    outside = fold.train_index
    own = groups[outside]
    inner = (
        loso(own)
        if config.inner_folds == np.unique(own).size
        else grouped_kfold(own, config.inner_folds, config.seed)
    )
    folds = tuple(
        Fold(f"{number} of {len(inner)}", outside[split.train_index], outside[split.test_index])
        for number, split in enumerate(inner, start=1)
    )
    for split in folds:
        check_split(split.train_index, split.test_index, groups)
        everyone = np.concatenate([split.train_index, split.test_index])
        assert not np.intersect1d(groups[everyone], groups[fold.test_index]).size
    return Group(name=name, tested=fold.test_index, outside=outside, folds=folds)


def _names(index: np.ndarray, motion_set: MotionSet) -> tuple[str, ...]:
    return tuple(motion_set.subjects[group] for group in np.unique(motion_set.groups[index]))
