"""The network that comes with the package."""

import json
from dataclasses import replace

import jax
import numpy as np
import pytest

from mace.bundle import load_bundle
from mace.datasets.synthetic.pairs.cast import CastConfig, make_cast
from mace.datasets.synthetic.pairs.config import PairConfig
from mace.datasets.synthetic.pairs.draw import draw_plans
from mace.datasets.synthetic.pairs.field import exact_fields
from mace.datasets.synthetic.pairs.prototypes import labels_of_emotions
from mace.motion.conventions import OWN_FRAMING
from mace.prediction import predict
from mace.pretrained.bundle_files import PACKAGED
from mace.pretraining.pair_tests import present_still
from mace.recipes import FLOW

LARGEST = 3_000_000


@pytest.fixture(scope="module")
def bundle():
    return load_bundle(PACKAGED)


def test_it_is_small_and_says_what_it_is(bundle):
    assert sum(path.stat().st_size for path in PACKAGED.iterdir()) < LARGEST
    assert bundle.classes == ("negative", "positive", "surprise")
    assert bundle.trained_on == ("synthetic",)
    assert bundle.reference is not None
    assert bundle.motion.framing == OWN_FRAMING


def test_it_costs_what_the_main_recipe_costs(bundle):
    # The same layers on fewer pixels: a frame of `mace live` takes no longer.
    assert replace(bundle.model, dropout=0.0) == replace(FLOW.train.model, dropout=0.0)
    assert bundle.motion.size <= FLOW.motion.size


def test_its_card_shows_what_was_measured():
    card = (PACKAGED / "MODEL_CARD.md").read_text(encoding="utf-8")
    measured = json.loads((PACKAGED / "measured.json").read_text(encoding="utf-8"))
    assert measured["part"] == "test"
    for name, row in measured["scores"].items():
        assert f"| {name} | {row['network']['uf1']:.3f} " in card
    assert "must not be used" in card


@pytest.mark.parametrize("view", ["own", "public"])
def test_it_names_clear_movements_of_people_it_does_not_know(bundle, view):
    cast = make_cast([960_001, 960_002], config=CastConfig.quiet())
    movement = replace(PairConfig.quiet().movement, peak_px=(1.5, 1.5))
    plans = jax.device_get(
        draw_plans(jax.random.key(0), cast, count=96, config=PairConfig.quiet(movement=movement))
    )
    fields = np.asarray(jax.jit(exact_fields)(plans, cast.on_device()), np.float16)
    found = predict(bundle, present_still(fields, view, size=28)).argmax(axis=1)
    assert (found == labels_of_emotions("3")[plans.emotion]).mean() > 0.9
