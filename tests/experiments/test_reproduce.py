"""The study: sound recipes, controls that differ in one thing, and a run from end to end."""

import json
from dataclasses import replace

import pytest

from mace.bundle import load_bundle
from mace.cli import main
from mace.config import config_hash, from_dict, to_dict
from mace.experiments.reproduce import Config, sweep
from mace.recipes import APPEARANCE, FLOW, Recipe


@pytest.mark.parametrize("recipe", [FLOW, APPEARANCE])
def test_recipe_survives_json(recipe):
    assert from_dict(Recipe, json.loads(json.dumps(to_dict(recipe)))) == recipe


def test_appearance_differs_from_flow_in_the_input_alone():
    assert replace(APPEARANCE, motion=FLOW.motion) == FLOW


def test_published_settings_are_fixed_epochs_of_an_atrous_network():
    assert FLOW.train.selection == "last"
    assert FLOW.train.model.dilations == (1, 2, 3)
    assert FLOW.train.model.residual


def test_controls_differ_from_the_study_in_the_network_alone():
    base = Config()
    controls = list(sweep())
    assert len({config_hash(config) for config in [base, *controls]}) == 4
    for control in controls:
        model = base.flow.train.model
        train = replace(control.flow.train, model=model)
        assert replace(control, flow=replace(control.flow, train=train)) == base


def test_study_without_a_seed_is_refused_before_anything_is_rendered(tmp_path, capsys):
    places = ["--data-dir", str(tmp_path / "data"), "--out", str(tmp_path / "out")]
    assert main(["reproduce", "--seeds", "0", *places]) == 2
    assert "seeds" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_main_job_from_nothing_to_table_report_and_model(tmp_path, capsys):
    places = ["--data-dir", str(tmp_path / "data"), "--out", str(tmp_path / "out")]
    assert main(["reproduce", "--preset", "tiny", *places]) == 0
    printed = capsys.readouterr().out
    for name in (
        "MACNN, flow",
        "MACNN, appearance, 4 folds",
        "Logistic regression",
        "Majority class",
    ):
        assert name in printed
    assert (tmp_path / "out" / "report" / "report.html").is_file()
    assert load_bundle(tmp_path / "out" / "model").trained_on == ("synthetic",)
    # The second time everything is found, and the figures are the same.
    assert main(["reproduce", "--preset", "tiny", *places]) == 0
    assert capsys.readouterr().out == printed
