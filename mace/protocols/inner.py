"""Validation data for early stopping and for choosing settings, from training subjects only."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from mace.errors import ConfigError, DataError
from mace.protocols.folds import Fold, check_split, grouped_kfold, subjects_of

# Draws of validation subjects that `inner_split` chooses the most representative from.
INNER_DRAWS = 64


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
    subjects = subjects_of(own_groups, at_least=2)
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


def inner_folds(
    train_index: Int[np.ndarray, " m"],
    groups: Int[np.ndarray, " n"],
    labels: Int[np.ndarray, " n"],
    *,
    folds: int,
) -> list[tuple[Int[np.ndarray, " f"], Int[np.ndarray, " h"]]]:
    """Return the clips fitted to and held out in each inner fold over the training subjects.

    Fewer folds where there are fewer subjects, none for a single one; a fold whose clips to fit to
    are all of one class is left out.

    Args:
        train_index: the training clips.
        groups: the subject of every clip.
        labels: the class of every clip.
        folds: how many.
    """
    subjects = np.unique(groups[train_index]).size
    if subjects < 2:
        return []
    parts = (
        (train_index[fold.train_index], train_index[fold.test_index])
        for fold in grouped_kfold(groups[train_index], min(folds, subjects), seed=0)
    )
    return [(fitted, held_out) for fitted, held_out in parts if np.unique(labels[fitted]).size > 1]


@dataclass(frozen=True, eq=False)
class OuterFold(Fold):
    """A fold of nested cross-validation.

    Attributes:
        inner: folds of `train_index`, as positions of the whole set, by which settings are chosen.
    """

    inner: tuple[Fold, ...]


def nested_folds(
    groups: Int[np.ndarray, " n"], *, outer: int, inner: int, seed: int
) -> list[OuterFold]:
    """Deal the subjects into outer folds, and those outside of each into inner folds.

    Only subjects and their numbers of clips decide, no label does.

    Args:
        groups: the subject of every clip.
        outer: how many outer folds; they are called "1", "2", ...
        inner: how many inner folds each has.
        seed: of the dealing.

    Raises:
        DataError: if there are too few subjects.
    """
    check_nested(np.unique(groups).size, outer=outer, inner=inner)
    folds = []
    for number, fold in enumerate(grouped_kfold(groups, outer, seed), start=1):
        outside = fold.train_index
        within = tuple(
            Fold(part.name, outside[part.train_index], outside[part.test_index])
            for part in grouped_kfold(groups[outside], inner, seed)
        )
        folds.append(OuterFold(str(number), outside, fold.test_index, within))
    return folds


def check_nested(subjects: int, *, outer: int, inner: int) -> None:
    """Refuse fewer subjects than nested folds need.

    Raises:
        DataError: if there are too few.
    """
    # The largest outer fold leaves this many.
    outside = subjects - -(-subjects // outer)
    if outer > subjects or outside < inner:
        raise DataError(
            f"{subjects} subjects are too few for {outer} groups and {inner} inner folds of those "
            "outside of each; choose fewer, or add clips of other people"
        )
