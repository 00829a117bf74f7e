"""Going on from a pre-trained network."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from training_cases import CONFIG as PLAIN
from training_cases import MODEL, make_set

from mace.errors import CheckpointError, ConfigError
from mace.training import program
from mace.training.config import FineTuneConfig
from mace.training.fine_tune import start_variables
from mace.training.fit import fit
from mace.training.fitted import make_bundle

pytestmark = pytest.mark.accelerator

SET = make_set()
TRAIN = range(20)
# A batch size of its own, so that no other test shares, and counts, these programs.
CONFIG = replace(PLAIN, batch_size=10)
# Batch norm, dropout and a running mean of parameters: everything that changes without a gradient.
BUSY = replace(CONFIG, ema=0.9, epochs=2)


@pytest.fixture(scope="module")
def bundle():
    fitted = fit(SET, TRAIN, config=replace(CONFIG, epochs=3), seed=9)
    return make_bundle(fitted, face={}, trained_on=("made",))


def tuned(config, **settings):
    return replace(config, fine_tune=FineTuneConfig(**settings))


def differ(one, other):
    flags = jax.tree.map(lambda a, b: not np.array_equal(a, b), one, other)
    return {part: any(jax.tree.leaves(tree)) for part, tree in flags.items()}


@pytest.mark.parametrize(
    ("freeze", "still"),
    [("none", set()), ("stem", {"stem"}), ("all_but_head", {"stem", "stage1_block1"})],
)
def test_frozen_parts_stay_bit_for_bit(bundle, freeze, still):
    config = tuned(BUSY, freeze=freeze)
    found = fit(SET, TRAIN, config=config, start=bundle).variables
    for kind in ("params", "batch_stats"):
        changed = differ(found[kind], bundle.variables[kind])
        assert {part for part, other in changed.items() if not other} == still & changed.keys()


@pytest.mark.slow
def test_a_huge_anchor_keeps_the_network_where_it_began(bundle):
    held = fit(SET, TRAIN, config=tuned(CONFIG, anchor=1e12), start=bundle).variables["params"]
    free = fit(SET, TRAIN, config=CONFIG, start=bundle).variables["params"]

    def moved(params):
        steps = jax.tree.map(
            lambda a, b: np.square(a - b).sum(), params, bundle.variables["params"]
        )
        return float(sum(jax.tree.leaves(steps))) ** 0.5

    assert moved(held) < 1e-6
    assert moved(free) > 0.01


def test_without_either_it_is_ordinary_training_from_there(bundle, monkeypatch):
    found = fit(SET, TRAIN, config=CONFIG, seed=4, start=bundle)
    # The same parameters by another way: a program that draws just these.
    drawn = program.initial_state

    def planted(*arguments, **settings):
        return replace(
            drawn(*arguments, **settings),
            params=jax.tree.map(jax.numpy.asarray, bundle.variables["params"]),
            batch_stats=jax.tree.map(jax.numpy.asarray, bundle.variables["batch_stats"]),
        )

    monkeypatch.setattr(program, "initial_state", planted)
    # The one that is kept has drawn others before.
    fresh = program.training_program.__wrapped__
    monkeypatch.setattr("mace.training.population.training_program", fresh)
    ordinary = fit(SET, TRAIN, config=CONFIG, seed=4)
    jax.tree.map(np.testing.assert_array_equal, found.variables, ordinary.variables)


def test_every_fold_and_seed_begins_at_the_same_place(bundle):
    config = tuned(replace(CONFIG, epochs=1), anchor=1e12, freeze="stem")
    one = fit(SET, range(0, 12), config=config, seed=1, start=bundle).variables["params"]
    other = fit(SET, range(8, 24), config=config, seed=2, start=bundle).variables["params"]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), one, other)


def test_the_last_layer_is_kept_for_the_same_classes_in_any_order(bundle):
    order = ("up", "down", "still")
    start = start_variables(bundle, model=MODEL, classes=order)
    kernel = bundle.variables["params"]["head"]["classes"]["kernel"]
    np.testing.assert_array_equal(
        start["params"]["head"]["classes"]["kernel"], kernel[:, [2, 0, 1]]
    )
    other = start_variables(bundle, model=MODEL, classes=("left", "right"))
    assert "classes" not in other["params"]["head"]


def test_the_layer_of_the_units_is_kept_where_they_are_learnt_and_the_network_names_them(bundle):
    units = {"kernel": np.arange(36.0).reshape(4, 9), "bias": np.arange(9.0)}
    params = bundle.variables["params"]
    named = replace(
        bundle,
        model=replace(MODEL, units=("1", "4", "12")),
        variables={"params": params | {"head": params["head"] | {"units": units}}},
    )

    def head(*names):
        model = replace(MODEL, units=names)
        return start_variables(named, model=model, classes=SET.classes)["params"]["head"]

    np.testing.assert_array_equal(head("12", "1")["units"]["bias"], [6, 7, 8, 0, 1, 2])
    np.testing.assert_array_equal(head("4")["units"]["kernel"], units["kernel"][:, 3:6])
    assert "units" not in head()
    assert "units" not in head("4", "9")  # drawn anew


def test_other_classes_get_a_new_last_layer_that_nothing_holds_back(bundle):
    two = replace(SET, labels=SET.labels % 2, classes=("left", "right"), fingerprint="")
    config = tuned(CONFIG, anchor=1e12, freeze="all_but_head")
    found = fit(two, TRAIN, config=config, start=bundle).variables["params"]
    again = fit(two, TRAIN, config=replace(config, epochs=1), start=bundle).variables["params"]
    assert found["head"]["classes"]["kernel"].shape[-1] == 2
    assert differ(found["head"], again["head"])["classes"]
    assert not differ(found, bundle.variables["params"] | {"head": found["head"]})["stem"]


def test_a_run_that_was_interrupted_goes_on_to_the_same_end(bundle, tmp_path, interrupted_at):
    config = tuned(CONFIG, anchor=2.0, freeze="stem")
    straight = fit(SET, TRAIN, config=config, start=bundle)
    with interrupted_at(5):
        fit(SET, TRAIN, config=config, start=bundle, run_dir=tmp_path)
    resumed = fit(SET, TRAIN, config=config, start=bundle, run_dir=tmp_path)
    jax.tree.map(np.testing.assert_array_equal, resumed.variables, straight.variables)


def test_a_run_from_another_start_is_another_run(bundle, tmp_path):
    config = replace(CONFIG, epochs=1)
    fit(SET, TRAIN, config=config, start=bundle, run_dir=tmp_path)
    variables = jax.tree.map(lambda leaf: leaf + 1, bundle.variables)
    for other in (replace(bundle, variables=variables), None):
        with pytest.raises(CheckpointError, match="made with start ="):
            fit(SET, TRAIN, config=config, start=other, run_dir=tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("two_devices")
def test_two_devices_hold_back_alike(bundle):
    config = tuned(replace(CONFIG, devices=2, epochs=1), anchor=1.0, freeze="stem")
    found = fit(SET, TRAIN, config=config, start=bundle).variables["params"]
    assert differ(found, bundle.variables["params"]) == {
        "stem": False,
        "stage1_block1": True,
        "head": True,
    }


@pytest.mark.parametrize(
    ("config", "started", "message"),
    [
        (tuned(CONFIG, freeze="stem"), False, "this run begins with a new one"),
        (replace(CONFIG, model=replace(MODEL, widths=(8,))), True, "has other layers"),
    ],
)
def test_what_contradicts_the_start_is_refused(bundle, config, started, message):
    with pytest.raises(ConfigError, match=message):
        fit(SET, TRAIN, config=config, start=bundle if started else None)
