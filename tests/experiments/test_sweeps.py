"""Every study's settings: sound, different, and found again by their hashes."""

import json

import pytest

from mace.config import config_hash, from_dict, to_dict
from mace.experiments.studies import STUDIES
from mace.models.make import make_model


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_sweep_makes_valid_settings(study):
    settings = study.sweep()
    names = [setting.name for setting in settings]
    assert len(set(names)) == len(names)
    assert len({config_hash(setting) for setting in settings}) == len(settings)
    for setting in settings:
        assert from_dict(type(setting), json.loads(json.dumps(to_dict(setting)))) == setting
        make_model(setting.recipe.train.model, 5)
        setting.method()
    for pair in study.pairs:
        assert set(pair) <= set(names)
    assert "Expected:" in study.about
    assert "Cost:" in study.about
    assert "Command: `" in study.about.replace("\n", " ")
