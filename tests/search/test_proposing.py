import itertools

import numpy as np
import optuna
import pytest
from search_cases import LEARNING_RATE, SPACE

from mace.errors import ConfigError
from mace.search.config import SearchConfig
from mace.search.proposing import (
    distributions,
    make_sampler,
    proposals,
    to_params,
    to_setting,
)
from mace.search.space import Choice, Integer, SearchSpace, Uniform
from mace.search.storage import StorageAddress


def drawn(sampler_name, count, *, space=SPACE, seed=0, group="1", before=()):
    """Proposals, told back with a score; `before` are numbers after which the process restarts."""
    config = SearchConfig(sampler=sampler_name, seed=seed)
    storage = optuna.storages.InMemoryStorage()

    def study():
        return optuna.create_study(
            study_name="one",
            storage=storage,
            sampler=make_sampler(config, space, group),
            direction="maximize",
            load_if_exists=True,
        )

    current, found = study(), []
    for number in range(count):
        if number in before:
            current = study()
        trial = current.ask(distributions(space))
        found.append(to_setting(space, trial.params))
        current.tell(trial, 1.0 - abs((trial.params["train.mixup"] or 0.0) - 0.3))
    return found


@pytest.mark.parametrize("sampler", ["random", "qmc", "grid", "tpe"])
def test_proposals_do_not_depend_on_restarts(sampler):
    undisturbed = drawn(sampler, 14)
    assert drawn(sampler, 14, before=(1, 5, 12)) == undisturbed
    assert drawn(sampler, 14, seed=1) != undisturbed
    assert drawn(sampler, 14, group="2") != undisturbed
    for setting in undisturbed:
        assert 1e-4 <= setting[LEARNING_RATE] <= 1e-1


@pytest.mark.parametrize("sampler", ["random", "qmc"])
def test_a_number_has_its_proposal_whatever_came_before(sampler):
    config = SearchConfig(sampler=sampler)
    one = make_sampler(config, SPACE, "1")
    far = one._propose(40)
    assert make_sampler(config, SPACE, "1")._propose(40) == far
    values = [one._propose(n)["train.mixup"] for n in range(64)]
    assert len(set(values)) == 64
    assert abs(np.mean(values) - 0.5) < 0.12


def test_a_grid_holds_every_combination_once():
    config = SearchConfig(sampler="grid", trials=1000)
    assert proposals(config, SPACE) == 4 * 3 * 2
    settings = drawn("grid", 24)
    assert len({tuple(one.values()) for one in settings}) == 24
    rates = sorted({one[LEARNING_RATE] for one in settings})
    assert rates == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1])
    with pytest.raises(ConfigError, match="points"):
        make_sampler(config, SearchSpace({"train.mixup": Uniform(0.0, 1.0)}), "1")


def test_a_list_is_tried_in_order_and_leaves_out_what_it_does_not_name():
    listed = [{}, {"train.mixup": 0.2}, {"train.mixup": 0.4, "train.model.widths": [8]}]
    space = SearchSpace(listed=listed)
    assert proposals(SearchConfig(trials=99), space) == 3
    assert drawn("tpe", 3, space=space) == listed


def test_settings_survive_the_table_of_trials():
    space = SearchSpace(
        {
            "train.model": Choice(({"widths": [4]}, {"widths": [4, 8], "depths": [1, 1]})),
            "train.patience": Choice((None, 3)),
            "train.flip_average": Choice((True, False)),
            "train.epochs": Integer(2, 5),
        }
    )
    values = [dimension.grid for dimension in space.dimensions.values()]
    for row in itertools.product(*values):
        setting = dict(zip(space.paths, row, strict=True))
        assert to_setting(space, to_params(space, setting)) == setting
    with pytest.raises(ConfigError, match="not in the space"):
        to_params(space, setting | {"train.epochs": 6})
    with pytest.raises(ConfigError, match="not in the space"):
        to_params(space, setting | {"train.model": {"widths": [5]}})


def test_passwords_are_not_shown():
    address = StorageAddress("postgresql://me:geheim@host/name")
    assert address.shown == "postgresql://me:***@host/name"
    assert not StorageAddress("folder/journal.log").is_url
    with pytest.raises(ConfigError) as caught:
        _ = StorageAddress("://geheim").shown
    assert "geheim" not in str(caught.value)
