"""Action units of the training clips as a second task beside the classes."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from training_cases import CONFIG as PLAIN
from training_cases import MODEL, PLAN, make_set

from mace.augment.config import NO_AUGMENT
from mace.bundle import load_bundle
from mace.errors import ConfigError, DataError
from mace.prediction import predict
from mace.training.config import OptimiserConfig
from mace.training.final import train_final
from mace.training.fit import fit, train_population
from mace.training.hyper import same_shape
from mace.training.member import Member
from mace.unit_prediction import predict_units

pytestmark = pytest.mark.accelerator

MADE = make_set(30)
# AU12 is on the left half of the picture; a fifth of the clips has not been coded.
THERE = np.arange(30) % 4 < 2
CODED = np.arange(30) % 5 > 0
TRAIN = range(20)
NAMED = replace(MODEL, units=("1", "12"), head="grid")
CONFIG = replace(
    PLAIN, model=NAMED, unit_weight=1.0, epochs=20, optimiser=OptimiserConfig(learning_rate=0.01),
    augment=replace(NO_AUGMENT, flip=True), normalise="none",
)  # fmt: skip


def listing(coded=CODED):
    inputs = MADE.inputs.copy()
    inputs[THERE, :, 14:, :14, 2] += 2.0
    units = [frozenset({"12"} if there else {"4"}) for there in THERE]
    return replace(
        MADE,
        inputs=inputs,
        units=tuple(u if known else frozenset() for u, known in zip(units, coded, strict=True)),
        fingerprint="",
    )


SET = listing()


def distance(one, other):
    gaps = jax.tree.map(lambda a, b: np.abs(np.asarray(a) - np.asarray(b)).max(), one, other)
    return float(max(jax.tree.leaves(gaps)))


@pytest.fixture(scope="module")
def fitted():
    return fit(SET, TRAIN, config=CONFIG)


def test_units_of_other_clips_are_named_and_those_of_mirrored_ones(fitted):
    images = SET.inputs[20:, 0]
    mirrored = images[:, :, ::-1] * np.array([-1, 1, 1], np.float32)
    for shown in (images, mirrored):
        named = predict_units(fitted, shown)
        assert named.names == ("1", "12")
        np.testing.assert_array_equal(named.called[:, 1], THERE[20:])
        assert not named.called[:, 0].any()
    assert (predict(fitted, images).argmax(axis=1) == SET.labels[20:]).all()


def test_clips_that_list_nothing_cost_nothing(fitted):
    # Nobody has coded a clip, then: the layer gets no gradient, and stays as it was drawn.
    config = replace(CONFIG, epochs=1, optimiser=OptimiserConfig(weight_decay=0.0))
    uncoded = [i for i in TRAIN if not CODED[i]]
    few = fit(SET, uncoded, config=config).variables["params"]["head"]
    more = fit(SET, uncoded, config=replace(config, epochs=2)).variables["params"]["head"]
    assert distance(few["units"], more["units"]) == 0
    assert distance(few["classes"], more["classes"]) > 0
    # Of coded ones presence alone is learnt.
    kernel = np.asarray(fitted.variables["params"]["head"]["units"]["bias"]).reshape(2, 3)
    assert (kernel[:, 0] != 0).all()
    np.testing.assert_array_equal(kernel[:, 1:], np.zeros((2, 2)))


def test_without_a_weight_it_is_training_on_the_classes_bit_for_bit():
    plain = replace(CONFIG, unit_weight=0.0, epochs=1)
    member = fit(SET, TRAIN, config=plain)
    none = fit(
        listing(coded=np.zeros(30, bool)),
        TRAIN,
        config=replace(plain, model=replace(NAMED, units=())),
    )
    assert member.model.units == ()
    jax.tree.map(np.testing.assert_array_equal, member.variables, none.variables)


def test_members_that_differ_in_the_weight_share_a_program():
    strong, weak, none = (
        Member(config=replace(CONFIG, unit_weight=weight, epochs=2), train_index=TRAIN)
        for weight in (1.0, 0.1, 0.0)
    )
    assert same_shape(strong.config, weak.config)
    assert not same_shape(strong.config, none.config)
    results = train_population(SET, [strong, weak], plan=PLAN)
    first, second = (result.network().variables for result in results)
    assert distance(first["params"]["stem"], second["params"]["stem"]) > 1e-4
    assert distance(second, fit(SET, TRAIN, config=weak.config).variables) < 1e-4


@pytest.mark.slow
@pytest.mark.usefixtures("two_devices")
def test_two_devices_share_a_batch_with_units():
    config = replace(CONFIG, epochs=1)
    alone = fit(SET, TRAIN, config=config).variables
    assert distance(alone, fit(SET, TRAIN, config=replace(config, devices=2)).variables) < 1e-4


def test_a_bundle_from_nothing_names_no_units(tmp_path):
    train_final(SET, replace(CONFIG, epochs=1), seed=0, out=tmp_path / "net")
    bundle = load_bundle(tmp_path / "net")
    assert bundle.model.units == ()
    assert predict(bundle, SET.inputs[:, 0]).shape == (30, 3)


@pytest.mark.parametrize(
    ("units", "says"),
    [((), "the clips list none"), ((frozenset({"45", "4"}),) * 30, "the clips list 4, 45")],
)
def test_a_weight_without_annotation_is_refused(units, says):
    given = replace(MADE, units=units, fingerprint="")
    with pytest.raises(DataError, match=f"of the action units 1, 12 that the .*{says}"):
        fit(given, TRAIN, config=CONFIG)


def test_a_weight_without_units_in_the_network_is_refused():
    with pytest.raises(ConfigError, match="the network names no action units"):
        replace(PLAIN, unit_weight=0.1)
