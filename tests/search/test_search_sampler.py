import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution, IntDistribution
from search_cases import LEARNING_RATE, SPACE

from mace.errors import ConfigError
from mace.search.config import SearchConfig
from mace.search.sampler import NumberedSampler, proposals
from mace.search.space import SearchSpace, choice


def drawn(sampler_name, count, *, space=SPACE, seed=0, group="1", before=()):
    """Proposals, told back with a score; `before` are numbers after which the process restarts."""
    config = SearchConfig(sampler=sampler_name, seed=seed)
    storage = optuna.storages.InMemoryStorage()

    def study():
        return optuna.create_study(
            study_name="s",
            storage=storage,
            sampler=NumberedSampler(config, space, group),
            direction="maximize",
            load_if_exists=True,
        )

    current, settings = study(), []
    for index in range(count):
        if index in before:
            current = study()
        trial = current.ask(space.distributions)
        settings.append(space.to_setting(trial.params))
        current.tell(trial, 1.0 - abs(settings[-1].get("train.mixup", 0.0) - 0.3))
    return settings


@pytest.mark.parametrize("sampler", ["random", "qmc", "grid", "tpe"])
def test_proposals_do_not_depend_on_restarts(sampler):
    undisturbed = drawn(sampler, 14)
    assert drawn(sampler, 14, before=(1, 5, 12)) == undisturbed
    assert drawn(sampler, 14, seed=1) != undisturbed
    assert drawn(sampler, 14, group="2") != undisturbed
    for setting in undisturbed:
        assert 1e-4 <= setting[LEARNING_RATE] <= 1e-1


@pytest.mark.parametrize("sampler", ["random", "qmc"])
def test_proposals_fill_the_space(sampler):
    values = [setting["train.mixup"] for setting in drawn(sampler, 64)]
    assert len(set(values)) == 64
    assert abs(np.mean(values) - 0.5) < 0.12


@pytest.mark.parametrize("sampler", ["random", "qmc", "tpe"])
def test_a_proposal_that_was_cut_off_amid_its_parameters_ends_as_it_would_have(sampler):
    def study():
        return optuna.create_study(
            sampler=NumberedSampler(SearchConfig(sampler=sampler), SPACE, "1")
        )

    whole, torn = study(), study()
    params = whole.ask(SPACE.distributions).params
    trial = torn.ask({LEARNING_RATE: SPACE.distributions[LEARNING_RATE]})
    assert trial.suggest_float("train.mixup", 0.0, 1.0) == params["train.mixup"]


def test_a_grid_holds_every_combination_once():
    config = SearchConfig(sampler="grid", trials=1000)
    assert proposals(config, SPACE) == 4 * 3 * 2
    settings = drawn("grid", 24)
    assert len({tuple(setting.values()) for setting in settings}) == 24
    rates = sorted({setting[LEARNING_RATE] for setting in settings})
    assert rates == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1])
    with pytest.raises(ConfigError, match="points"):
        NumberedSampler(config, SearchSpace({"train.mixup": FloatDistribution(0, 1)}), "1")


def test_a_list_is_tried_in_order_and_leaves_out_what_it_does_not_name():
    listed = [{}, {"train.mixup": 0.2}, {"train.mixup": 0.4, "train.model.widths": [8]}]
    space = SearchSpace(listed=listed)
    assert proposals(SearchConfig(trials=99), space) == 3
    assert drawn("tpe", 3, space=space) == listed


def test_settings_survive_the_table_of_trials():
    space = SearchSpace(
        {
            "train.model": choice(({"widths": [4]}, {"widths": [4, 8], "depths": [1, 1]})),
            "train.patience": choice((None, 3)),
            "train.flip_average": choice((True, False)),
            "train.epochs": IntDistribution(2, 5),
        }
    )
    for setting in space.grid():
        assert space.to_setting(space.to_params(setting)) == setting
    assert len(space.grid()) == 2 * 2 * 2 * 4
    with pytest.raises(ConfigError, match="not in the space"):
        space.to_params(setting | {"train.epochs": 6})
    with pytest.raises(ConfigError, match="not in the space"):
        space.to_params(setting | {"train.model": {"widths": [5]}})
