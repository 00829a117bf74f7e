import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mace.errors import ConfigError, DataError
from mace.protocols.folds import check_split, grouped_kfold, held_out_partition, loso
from mace.protocols.inner import inner_split, nested_folds

GROUPS = np.array([0, 0, 1, 2, 2, 2, 1, 3])
LABELS = np.array([0, 1, 0, 1, 0, 1, 1, 0])

subject_lists = st.lists(st.integers(0, 9), min_size=2, max_size=60).filter(
    lambda g: len(set(g)) > 1
)


def test_loso_tests_every_clip_once():
    folds = loso(GROUPS, names=("a", "b", "c", "d"))
    assert [fold.name for fold in folds] == ["a", "b", "c", "d"]
    assert folds[1].test_index.tolist() == [2, 6]
    assert folds[1].train_index.tolist() == [0, 1, 3, 4, 5, 7]
    tested = np.concatenate([fold.test_index for fold in folds])
    assert sorted(tested.tolist()) == list(range(8))


@given(subject_lists, st.integers(0, 5))
def test_no_split_shares_a_subject(groups, seed):
    groups = np.array(groups)
    k = min(3, len(set(groups.tolist())))
    for folds in (loso(groups), grouped_kfold(groups, k, seed)):
        assert sorted(np.concatenate([f.test_index for f in folds]).tolist()) == list(
            range(len(groups))
        )
        for fold in folds:
            assert not set(groups[fold.train_index]) & set(groups[fold.test_index])
            assert fold.train_index.size + fold.test_index.size == len(groups)


@given(subject_lists, st.floats(0.05, 0.9), st.integers(0, 5))
def test_inner_split_parts_the_training_subjects(groups, fraction, seed):
    groups = np.array(groups)
    labels = np.arange(groups.size) % 3
    train_index = np.arange(groups.size)[::-1]
    fit, validation = inner_split(train_index, groups, labels, fraction=fraction, seed=seed)
    assert sorted([*fit.tolist(), *validation.tolist()]) == list(range(groups.size))
    assert fit.size
    assert validation.size
    assert not set(groups[fit]) & set(groups[validation])


def test_inner_split_never_touches_the_test_subject():
    fold = loso(GROUPS)[2]
    fit, validation = inner_split(fold.train_index, GROUPS, LABELS, fraction=0.3, seed=0)
    assert 2 not in GROUPS[fit]
    assert 2 not in GROUPS[validation]


def test_inner_split_keeps_the_classes_together():
    groups = np.repeat(np.arange(20), 6)
    labels = np.tile(np.arange(3), 40)
    labels[groups < 10] = 0  # half of the subjects show one class only
    _, validation = inner_split(np.arange(120), groups, labels, fraction=0.2, seed=3)
    wanted = 0.2 * np.bincount(labels)
    assert np.abs(np.bincount(labels[validation], minlength=3) - wanted).max() <= 3


def test_splits_depend_on_nothing_but_their_seed():
    groups = np.repeat(np.arange(12), 3)

    def tested(seed: int) -> list[list[int]]:
        return [f.test_index.tolist() for f in grouped_kfold(groups, 4, seed)]

    assert tested(1) == tested(1)
    assert tested(1) != tested(2)
    assert {len(index) for index in tested(1)} == {9}


def test_the_authors_partitions_are_one_fold():
    partitions = ["training", "test A", "test B", "training", "test A"]
    (fold,) = held_out_partition(partitions, np.array([0, 1, 2, 3, 4]), "test A")
    assert (fold.name, fold.train_index.tolist(), fold.test_index.tolist()) == (
        "test A", [0, 3], [1, 4],
    )  # fmt: skip
    with pytest.raises(DataError, match="subject 0 is on the training and on the test side"):
        held_out_partition(partitions, np.array([0, 0, 2, 3, 4]), "test A")


def test_subject_on_both_sides_is_refused():
    with pytest.raises(DataError, match="subject 2 is on the training and on the test side"):
        check_split(np.array([0, 3]), np.array([4, 7]), GROUPS)


def test_impossible_splits_are_refused():
    with pytest.raises(DataError, match="1 subject"):
        loso(np.zeros(5, np.int64))
    with pytest.raises(ConfigError, match="5 folds over 4 subjects"):
        grouped_kfold(GROUPS, 5, 0)
    with pytest.raises(ConfigError, match="validation fraction"):
        inner_split(np.arange(8), GROUPS, LABELS, fraction=1.0, seed=0)


def test_outer_and_inner_folds_keep_people_apart():
    groups = np.repeat(np.arange(9), 3)
    folds = nested_folds(groups, outer=4, inner=3, seed=0)
    assert [fold.name for fold in folds] == ["1", "2", "3", "4"]
    assert sorted(np.concatenate([fold.test_index for fold in folds])) == list(range(27))
    for fold in folds:
        tested = set(groups[fold.test_index])
        judged = np.concatenate([inner.test_index for inner in fold.inner])
        assert sorted(judged) == fold.train_index.tolist()
        for inner in fold.inner:
            train, test = set(groups[inner.train_index]), set(groups[inner.test_index])
            assert not train & test
            assert not (train | test) & tested
    with pytest.raises(DataError, match="9 subjects are too few for 4 groups and 7 inner folds"):
        nested_folds(groups, outer=4, inner=7, seed=0)
