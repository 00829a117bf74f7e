"""Who trains and who is tested: folds as index vectors, a person never on both sides.

Every function takes `groups`, the subject of each clip, and refuses a split that would let the
network meet a person in training whom it is tested on. Validation data for early stopping come
from the training subjects of a fold, never from its test subjects.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from mace.errors import ConfigError, DataError

# Draws of validation subjects that `inner_split` chooses the most representative from.
INNER_DRAWS = 64


@dataclass(frozen=True, eq=False)
class Fold:
    """One training run of a protocol: positions of the clips to learn from and to be tested on."""

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
    subjects = _subjects(groups, at_least=2)
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
    subjects = _subjects(groups, at_least=2)
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


def inner_split(
    train_index: Int[np.ndarray, " m"],
    groups: Int[np.ndarray, " n"],
    labels: Int[np.ndarray, " n"],
    *,
    fraction: float,
    seed: int,
) -> tuple[Int[np.ndarray, " m_fit"], Int[np.ndarray, " m_validation"]]:
    """Set some training subjects of a fold aside for validation.

    Of several random draws of whole subjects, the one is taken whose clips come nearest to
    `fraction` of every class, so that small sets do not validate on one class only.

    Args:
        train_index: the clips of the fold's training subjects.
        groups: the subject of each clip of the whole set.
        labels: the class of each clip of the whole set.
        fraction: the part of the clips to set aside, above 0 and below 1.
        seed: of the draws.

    Returns:
        The clips to fit on and the clips to validate on; together they are `train_index`.

    Raises:
        ConfigError: if `fraction` is out of range.
        DataError: if the fold has fewer than two training subjects.
    """
    if not 0 < fraction < 1:
        raise ConfigError(f"the validation fraction is {fraction}, expected above 0 and below 1")
    own_groups, own_labels = groups[train_index], labels[train_index]
    subjects = _subjects(own_groups, at_least=2)
    present, class_of = np.unique(own_labels, return_inverse=True)
    table = np.zeros((subjects.size, present.size))
    np.add.at(table, (np.searchsorted(subjects, own_groups), class_of), 1.0)
    wanted = fraction * table.sum(axis=0)
    rng = np.random.default_rng(seed)
    best: tuple[float, np.ndarray] | None = None
    for _ in range(INNER_DRAWS):
        order = rng.permutation(subjects.size)
        filled = np.cumsum(table[order].sum(axis=1))
        # As many subjects as come nearest to the wanted number of clips; both sides keep one.
        size = 1 + int(np.abs(filled[:-1] - wanted.sum()).argmin())
        chosen = order[:size]
        misfit = float(np.abs(table[chosen].sum(axis=0) - wanted).sum())
        if best is None or misfit < best[0]:
            best = misfit, chosen
    assert best is not None
    held_out = np.isin(own_groups, subjects[best[1]])
    fit_index, validation_index = train_index[~held_out], train_index[held_out]
    check_split(fit_index, validation_index, groups)
    return fit_index, validation_index


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


def _subjects(groups: np.ndarray, *, at_least: int) -> np.ndarray:
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
