"""Who is learnt from when a database is tested."""

import numpy as np
import pytest

from mace.data.motion_set import MotionSet
from mace.errors import ConfigError
from mace.experiments.cross_database import Config, cross_folds, renamed

DATABASES = ["a"] * 8 + ["b"] * 12
GROUPS = np.repeat(np.arange(10), 2)


@pytest.mark.parametrize("source", ["same", "other", "both"])
def test_every_clip_is_tested_once_by_who_never_saw_the_person(source):
    folds = cross_folds(DATABASES, GROUPS, source, folds=4, seed=0)
    tested = np.concatenate([fold.test_index for fold in folds])
    assert sorted(tested) == list(range(20))
    assert len({fold.name for fold in folds}) == len(folds)
    for fold in folds:
        assert not set(GROUPS[fold.train_index]) & set(GROUPS[fold.test_index])
        (own,) = {DATABASES[i] for i in fold.test_index}
        learnt = {DATABASES[i] for i in fold.train_index}
        other = {"a": "b", "b": "a"}[own]
        assert learnt == {"same": {own}, "other": {other}, "both": {own, other}}[source]


def test_people_of_two_sets_with_the_same_names_stay_two():
    inputs = MotionSet(
        inputs=np.zeros((1, 1, 28, 28, 3), np.float32),
        labels=np.zeros(1, np.int32),
        groups=np.zeros(1, np.int32),
        subjects=("synthetic/sub01",),
        clips=("synthetic/sub01/EP1",),
        classes=("x",),
    )
    assert renamed(inputs, "synthetic-demo").subjects == ("synthetic-demo/synthetic-sub01",)
    assert renamed(inputs, "synthetic-demo").clips == ("synthetic-demo/synthetic-sub01/EP1",)


def test_one_data_set_twice_is_refused():
    with pytest.raises(ConfigError, match="both data sets are casme2/raw"):
        Config(name="x", dataset="casme2/raw", second="casme2/raw")
