"""Outer and inner folds: who is tested by what a search chooses, and who judges its settings.

Never the same people.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from mace.data.motion_set import MotionSet
from mace.errors import DataError
from mace.protocols.folds import Fold, check_split, grouped_kfold
from mace.search.config import SearchConfig


@dataclass(frozen=True, eq=False, kw_only=True)
class Group:
    """An outer fold: a part of the subjects, and the inner folds over all others.

    Attributes:
        name: its number, from 1.
        tested: positions of the part's clips.
        outside: of all others.
        folds: of `outside`, as positions of the whole set.
        subjects: names of the part's subjects.
        others: of all others.
    """

    name: str
    tested: Int[np.ndarray, " m"]
    outside: Int[np.ndarray, " n"]
    folds: tuple[Fold, ...]
    subjects: tuple[str, ...]
    others: tuple[str, ...]


def make_groups(motion_set: MotionSet, config: SearchConfig) -> tuple[Group, ...]:
    """Deal the subjects into groups, and those outside of each into inner folds.

    Only subjects and their numbers of clips decide, no label does.

    Raises:
        DataError: if there are too few subjects.
    """
    everyone = motion_set.groups
    check_people(np.unique(everyone).size, config)

    def names(index: np.ndarray) -> tuple[str, ...]:
        return tuple(motion_set.subjects[subject] for subject in np.unique(everyone[index]))

    groups = []
    for number, outer in enumerate(grouped_kfold(everyone, config.groups, config.seed), start=1):
        outside = outer.train_index
        folds = tuple(
            Fold(inner.name, outside[inner.train_index], outside[inner.test_index])
            for inner in grouped_kfold(everyone[outside], config.inner_folds, config.seed)
        )
        for inner in folds:
            judging = np.concatenate([inner.train_index, inner.test_index])
            check_split(judging, outer.test_index, everyone)
        groups.append(
            Group(
                name=str(number),
                tested=outer.test_index,
                outside=outside,
                folds=folds,
                subjects=names(outer.test_index),
                others=names(outside),
            )
        )
    return tuple(groups)


def check_people(subjects: int, config: SearchConfig) -> None:
    """Refuse fewer subjects than groups and inner folds need.

    Raises:
        DataError: if there are too few.
    """
    # The largest group leaves this many.
    outside = subjects - -(-subjects // config.groups)
    if config.groups > subjects or outside < config.inner_folds:
        raise DataError(
            f"{subjects} subjects are too few for {config.groups} groups and "
            f"{config.inner_folds} inner folds of those outside of each; choose fewer, or add "
            "clips of other people"
        )
