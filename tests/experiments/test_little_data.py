"""Few people on the training side."""

import numpy as np
import pytest

from mace.errors import ConfigError
from mace.evaluation.methods.zero_shot import ZeroShot
from mace.experiments.little_data import AS_IT_IS, PEOPLE, Config, keep_people, sweep

GROUPS = np.repeat(np.arange(20), 3)
INDEX = np.arange(6, 60)


def test_few_people_are_among_more_and_keep_all_their_clips():
    before: set[int] = set()
    for people in PEOPLE:
        chosen = keep_people(INDEX, GROUPS, people=people, seed=1)
        assert len(chosen) == 3 * people
        assert before <= set(chosen) <= set(INDEX)
        before = set(chosen)


def test_more_people_than_there_are_is_refused():
    with pytest.raises(ConfigError, match="19 training people were asked for, a fold has 18"):
        keep_people(INDEX, GROUPS, people=19, seed=0)


def test_both_starts_have_the_same_network_and_input():
    untrained, *settings = sweep()
    assert untrained.name == AS_IT_IS
    assert isinstance(untrained.method(), ZeroShot)
    for tuned, fresh in zip(settings[::2], settings[1::2], strict=True):
        assert tuned.people == fresh.people
        assert tuned.recipe.train.model == fresh.recipe.train.model
        assert tuned.recipe.motion == fresh.recipe.motion


def test_untrained_network_that_learns_from_people_is_refused():
    with pytest.raises(ConfigError, match="expected 1 or more, or 0"):
        Config(name="x", people=2, start="as it is", steps=0)
