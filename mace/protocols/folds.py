"""Who trains and who is tested: folds as index vectors, a person never on both sides.

Every function takes `groups`, the subject of each clip, and refuses a split that would let the
network meet a person in training whom it is tested on. A person is a pair of database and subject:
"01" of one database is somebody else than "01" of another (`mace.protocols.names`).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from mace.errors import ConfigError, DataError


@dataclass(frozen=True, eq=False)
class Fold:
    """One training run of a protocol.

    Attributes:
        name: of the fold, such as the subject that is tested.
        train_index: positions of the clips to learn from.
        test_index: positions of the clips to be tested on.
    """

    name: str
    train_index: Int[np.ndarray, " n_train"]
    test_index: Int[np.ndarray, " n_test"]


def loso(groups: Int[np.ndarray, " n"], *, names: Sequence[str] | None = None) -> list[Fold]:
    """Leave one subject out: as many folds as subjects, each tested on all clips of one.

    Args:
        groups: the subject of each clip, as any integers.
        names: the name of subject g at position g; the folds are called after the integers
            without it.

    Raises:
        DataError: if there are fewer than two subjects.
    """
    subjects = subjects_of(groups, at_least=2)
    return [
        _fold(str(subject) if names is None else names[int(subject)], groups == subject, groups)
        for subject in subjects
    ]


def grouped_kfold(groups: Int[np.ndarray, " n"], k: int, seed: int) -> list[Fold]:
    """Deal the subjects at random into k folds with about as many clips each.

    Raises:
        ConfigError: if k is below two or above the number of subjects.
        DataError: if there are fewer than two subjects.
    """
    subjects = subjects_of(groups, at_least=2)
    if not 2 <= k <= subjects.size:
        raise ConfigError(
            f"{k} folds over {subjects.size} subjects are impossible; choose 2 to {subjects.size}"
        )
    clips = {int(subject): int((groups == subject).sum()) for subject in subjects}
    order = np.random.default_rng(seed).permutation(subjects).tolist()
    # The largest first, each to the fold that has the fewest clips; the shuffle breaks the ties.
    order.sort(key=lambda subject: -clips[subject])
    members: list[list[int]] = [[] for _ in range(k)]
    for subject in order:
        min(members, key=lambda fold: (sum(clips[one] for one in fold), len(fold))).append(subject)
    return [
        _fold(f"{i + 1} of {k}", np.isin(groups, fold), groups) for i, fold in enumerate(members)
    ]


def leave_one_database_out(databases: Sequence[str], groups: Int[np.ndarray, " n"]) -> list[Fold]:
    """Train on all databases but one and test on that one, each in turn.

    With two databases this is the holdout database evaluation (HDE) of MEGC 2018, both ways: Yap
    et al., "Facial Micro-Expressions Grand Challenge 2018 Summary", FG 2018.

    Args:
        databases: the database of each clip; the folds are called after the one that is tested.
        groups: the subject of each clip; a subject belongs to one database.

    Raises:
        DataError: if there are fewer than two databases, or a subject is in several.
    """
    names = np.asarray(databases)
    found = sorted(set(databases))
    if len(found) < 2:
        raise DataError(
            f"the clips come from {', '.join(found) or 'no database'}, but leaving a database out "
            "needs at least two; add another, or leave subjects out"
        )
    return [_fold(name, names == name, groups) for name in found]


TRAINING = "training"
"""The partition that the others are tested against."""


def clips_of(partitions: Sequence[str], tested: str) -> list[int]:
    """Return the positions of the clips that are learnt from or tested.

    Args:
        partitions: that of each clip.
        tested: which one is.

    Raises:
        DataError: if either partition has no clip.
    """
    there = Counter(partitions)
    for name in (TRAINING, tested):
        if not there[name]:
            counts = ", ".join(f"{key or 'none'} {n}" for key, n in sorted(there.items()))
            raise DataError(
                f"no clip is of the partition {name!r}; clips by partition: {counts}. Prepare its "
                "sheet with labels, without which clips are dropped"
            )
    return [i for i, name in enumerate(partitions) if name in (TRAINING, tested)]


def held_out_partition(
    partitions: Sequence[str], groups: Int[np.ndarray, " n"], tested: str
) -> list[Fold]:
    """Train on the authors' partition `training` and test another: one fold.

    Args:
        partitions: that of each clip.
        groups: the subject of each clip.
        tested: which one is.

    Raises:
        DataError: if either has no clip, or a subject is in both.
    """
    names = np.asarray(partitions)
    fold = Fold(tested, np.flatnonzero(names == TRAINING), np.flatnonzero(names == tested))
    check_split(fold.train_index, fold.test_index, groups)
    return [fold]


def check_split(
    train_index: Int[np.ndarray, " a"],
    test_index: Int[np.ndarray, " b"],
    groups: Int[np.ndarray, " n"],
) -> None:
    """Refuse a split that has a subject on both sides, or nothing on one of them.

    Raises:
        DataError: for either.
    """
    if not train_index.size or not test_index.size:
        raise DataError(
            f"a split has {train_index.size} training and {test_index.size} test clips; "
            "both sides need at least one, so give more subjects"
        )
    shared = np.intersect1d(groups[train_index], groups[test_index])
    if shared.size:
        raise DataError(
            f"subject {shared[0]} is on the training and on the test side of a split "
            f"({shared.size} in all); split by subject, not by clip"
        )


def subjects_of(groups: np.ndarray, *, at_least: int) -> np.ndarray:
    """Return the different subjects, and refuse fewer than `at_least`."""
    subjects = np.unique(groups)
    if subjects.size < at_least:
        raise DataError(
            f"the clips come from {subjects.size} subject(s), but a split by subject needs "
            f"at least {at_least}; add clips of other people"
        )
    return subjects


def _fold(name: str, test: np.ndarray, groups: np.ndarray) -> Fold:
    fold = Fold(name, np.flatnonzero(~test), np.flatnonzero(test))
    check_split(fold.train_index, fold.test_index, groups)
    return fold
