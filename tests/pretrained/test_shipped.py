"""The network that comes with the package."""

import json
from dataclasses import replace

import jax
import numpy as np
import pytest

from mace.bundle import load_bundle
from mace.datasets.synthetic.movement.action_units import UNITS
from mace.datasets.synthetic.movement.prototypes import (
    EMOTION_NAMES,
    class_names,
    labels_of_emotions,
)
from mace.datasets.synthetic.pairs.cast import CastConfig, make_cast
from mace.datasets.synthetic.pairs.config import PairConfig
from mace.datasets.synthetic.pairs.draw import UNIT_COLUMNS, draw_plans, present_units
from mace.datasets.synthetic.pairs.field import exact_fields
from mace.errors import ConfigError
from mace.motion.conventions import OWN_FRAMING
from mace.network import Network
from mace.prediction import predict
from mace.pretrained.bundle_files import PACKAGED
from mace.pretraining.pair_tests import present_still
from mace.recipes import FLOW
from mace.unit_prediction import predict_units

LARGEST = 3_000_000


@pytest.fixture(scope="module")
def bundle():
    return load_bundle(PACKAGED)


def test_it_is_small_and_says_what_it_is(bundle):
    assert sum(path.stat().st_size for path in PACKAGED.iterdir()) < LARGEST
    assert bundle.classes == ("negative", "positive", "surprise")
    assert bundle.trained_on == ("synthetic",)
    assert bundle.model.units == UNITS
    assert bundle.motion.framing == OWN_FRAMING


def test_it_costs_what_the_main_recipe_costs(bundle):
    # The same layers on fewer pixels: a frame of `mace live` takes no longer.
    assert replace(bundle.model, dropout=0.0, units=()) == replace(FLOW.train.model, dropout=0.0)
    assert bundle.motion.size <= FLOW.motion.size


def test_its_card_shows_what_was_measured():
    card = (PACKAGED / "MODEL_CARD.md").read_text(encoding="utf-8")
    measured = json.loads((PACKAGED / "measured.json").read_text(encoding="utf-8"))
    assert measured["part"] == "test"
    for name, row in measured["scores"].items():
        assert f"| {name} | {row['network']['uf1']:.3f} " in card
    assert "must not be used" in card


@pytest.fixture(scope="module")
def clear():
    """Return clear movements of two people it does not know, and their motion."""
    cast = make_cast([960_001, 960_002], config=CastConfig.quiet())
    movement = replace(PairConfig.quiet().movement, peak_px=(1.5, 1.5))
    config = PairConfig.quiet(movement=movement)
    plans = jax.device_get(draw_plans(jax.random.key(0), cast.entries, count=96, config=config))
    return plans, np.asarray(jax.jit(exact_fields)(plans, cast.on_device()), np.float16)


def test_it_names_the_action_units_of_people_it_does_not_know(bundle, clear):
    plans, fields = clear
    units = predict_units(bundle, present_still(fields, "own", size=28))
    truth = present_units(plans.unit_px)
    assert units.names == UNITS
    assert (units.called == truth).mean() > 0.93
    assert ((units.thresholds > 0) & (units.thresholds < 0.7)).all()
    px = plans.unit_px[:, UNIT_COLUMNS]
    assert np.median(np.abs(units.px - px)[truth] / px[truth]) < 0.4
    side = plans.side[:, UNIT_COLUMNS]
    one_half = truth & (np.abs(side) == 1)
    assert (np.sign(units.side) == side)[one_half].mean() > 0.9


def test_a_mirror_shows_the_units_on_the_other_side(bundle, clear):
    images = present_still(clear[1], "own", size=28)
    units = predict_units(bundle, images)
    other = predict_units(bundle, images[:, :, ::-1] * np.array([-1, 1, 1], np.float32))
    np.testing.assert_allclose(other.presence, units.presence, atol=1e-4)
    np.testing.assert_allclose(other.px, units.px, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(other.side, -units.side, atol=1e-4)


def test_flow_images_that_were_stretched_have_no_px(bundle, clear):
    images = present_still(clear[1][:2], "public", size=28)
    stretched = replace(bundle, motion=replace(bundle.motion, flow="images"))
    units = predict_units(stretched, images)
    assert np.isnan(units.px).all()
    np.testing.assert_array_equal(units.presence, predict_units(bundle, images).presence)


def test_a_network_without_units_says_so(bundle, clear):
    bare = replace(bundle, model=replace(bundle.model, units=()))
    with pytest.raises(ConfigError, match="names no action units"):
        predict_units(bare, present_still(clear[1][:1], "own", size=28))


@pytest.mark.parametrize("view", ["own", "public"])
def test_it_names_clear_movements_of_people_it_does_not_know(bundle, clear, view):
    plans, fields = clear
    found = predict(bundle, present_still(fields, view, size=28)).argmax(axis=1)
    assert (found == labels_of_emotions("3")[plans.emotion]).mean() > 0.9


def test_other_emotions_are_read_from_the_units_of_clear_movements(bundle, clear):
    plans, fields = clear
    names = class_names("7")
    asked = np.isin(np.array(EMOTION_NAMES)[plans.emotion], names)
    images = present_still(fields[asked], "own", size=28)
    network = Network(bundle, name="pretrained")
    read = network.predict_proba(images, classes=names)
    truth = labels_of_emotions("7")[plans.emotion[asked]]
    # Prototypes overlap: AU4 alone is disgust, anger and more.
    assert (read.argmax(axis=1) == truth).mean() > 0.5
    assert (network.predict(images, classes=names) == np.array(names)[read.argmax(axis=1)]).all()
    with pytest.raises(ConfigError, match="listed for tense"):
        network.predict(images[:1], classes=["tense", "happiness"])
