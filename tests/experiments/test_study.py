"""The common runner: a study from end to end, going on where it was, and bad input."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest

from mace.config import config_hash, from_dict, to_dict
from mace.data.config import VariantConfig
from mace.data.motion_set import MotionSet
from mace.errors import ConfigError, DataError
from mace.evaluation.config import ProtocolConfig
from mace.evaluation.methods.method import FoldPredictions
from mace.experiments.study import STUDY, Places, Setting, StepNetwork, Study, run_study
from mace.experiments.study_figures import draw_dots
from mace.experiments.study_page import finished, section
from mace.experiments.study_results import read_rows
from mace.models.config import ModelConfig

MODEL = ModelConfig(arch="resnet", widths=(4,), depths=(1,), stem_stride=4, norm="group")
RECIPE = replace(
    STUDY,
    variants=VariantConfig(extra=0),
    train=replace(STUDY.train, model=MODEL, epochs=1, batch_size=8, flip_average=False),
)


def tiny_set() -> MotionSet:
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(2, dtype=np.int32), 8)
    inputs = rng.normal(size=(16, 1, 28, 28, 3)).astype(np.float32)
    # The second class moves up as a whole: easily learnt.
    inputs += np.where(labels == 1, 2.0, -2.0).astype(np.float32)[:, None, None, None, None]
    groups = np.repeat(np.arange(4, dtype=np.int32), 4)
    return MotionSet(
        inputs=inputs,
        labels=labels,
        groups=groups,
        subjects=tuple(f"synthetic/s{i}" for i in range(4)),
        clips=tuple(f"synthetic/s{g}/c{i}" for i, g in enumerate(groups)),
        classes=("down", "up"),
        motion=RECIPE.motion,
    )


@dataclass(frozen=True, kw_only=True)
class Tiny(Setting):
    def inputs(self, places):
        return tiny_set()

    def method(self):
        return StepNetwork(train=self.recipe.train, steps=4)

    def measure(self, evaluation, *, seed):
        return {"seed squared": float(seed**2)}


@dataclass(frozen=True, kw_only=True)
class Knows:
    """Predicts `shift` classes past the true one."""

    shift: int

    def __call__(self, motion_set, fold, *, seed, explain):
        return FoldPredictions(predicted=(motion_set.labels[fold.test_index] + self.shift) % 2)


@dataclass(frozen=True, kw_only=True)
class Known(Tiny):
    shift: int = 0

    def method(self):
        return Knows(shift=self.shift)


TWO_FOLDS = ProtocolConfig(kind="kfold", folds=2)


def study(settings, **changes) -> Study:
    return Study(
        name="tiny",
        about="Is up up?\n\nExpected: yes.",
        sweep=lambda: settings,
        draw=draw_dots,
        **changes,
    )


def test_study_trains_records_shows_and_goes_on(tmp_path, capsys):
    setting = Tiny(name="a net", recipe=RECIPE, protocol=TWO_FOLDS)
    places = Places(data_dir=tmp_path, out=tmp_path / "out")
    results = tmp_path / "tiny.jsonl"
    tiny = study([setting], extras={"seed squared": "seed, squared"})
    run_study(tiny, seeds=1, places=places, results=results)
    assert capsys.readouterr().out.startswith("tiny: a net, seed 0: UF1 ")
    before = results.read_bytes()
    run_study(tiny, seeds=1, places=places, results=results)
    assert results.read_bytes() == before
    (row,) = read_rows(results)
    assert row["key"] == config_hash(setting)
    assert row["fingerprint"] == tiny_set().fingerprint
    assert row["clips"] == 16
    assert row["interval"][0] <= row["interval"][1] <= 1
    assert set(row["provenance"]["packages"]) >= {"jax", "mace-mer"}
    assert str(tmp_path) not in results.read_text()
    text = section(tiny, tmp_path)
    assert text.startswith("## Is up up?\n\nExpected: yes.")
    assert "| a net | 1 |" in text
    assert "seed, squared" in text


def test_settings_and_seeds_have_results_of_their_own(tmp_path):
    settings = [
        Known(name=name, recipe=RECIPE, protocol=TWO_FOLDS, shift=shift)
        for name, shift in (("right", 0), ("wrong", 1))
    ]
    tiny = study(settings, pairs=(("wrong", "right"),))
    places = Places(data_dir=tmp_path, out=tmp_path / "out")
    results = tmp_path / "tiny.jsonl"
    run_study(tiny, seeds=2, places=places, results=results, only="right")
    run_study(tiny, seeds=2, places=places, results=results)
    settings = finished(tiny, tmp_path)
    assert (settings["right"].uf1, settings["wrong"].uf1) == (1.0, 0.0)
    assert settings["right"].extra("seed squared") == 0.5
    assert "- right against wrong: +1.000 (+1.000 to +1.000), **better**." in section(
        tiny, tmp_path
    )


def test_steps_do_not_depend_on_the_number_of_clips():
    few, many = tiny_set(), StepNetwork(train=RECIPE.train, steps=6)
    folds = Tiny(name="x", recipe=RECIPE, protocol=TWO_FOLDS).folds(few, seed=0)
    predictions = many(few, replace(folds[0], train_index=np.arange(4)), seed=0, explain=False)
    # Four clips are one step an epoch.
    assert predictions.history["step"][-1] == 6


def test_setting_survives_json_and_its_name_is_not_its_identity():
    setting = Setting(name="one", recipe=RECIPE)
    assert from_dict(Setting, json.loads(json.dumps(to_dict(setting)))) == setting
    assert config_hash(setting) == config_hash(replace(setting, name="other"))


@pytest.mark.parametrize(
    ("settings", "arguments", "said"),
    [
        (["a"], {"seeds": 0}, "expected 1 or more"),
        (["a"], {"seeds": 1, "only": "b"}, "it has: a"),
        (["a", "a"], {"seeds": 1}, "two settings of tiny have one name"),
    ],
)
def test_impossible_runs_are_refused_at_the_start(tmp_path, settings, arguments, said):
    tiny = study([Tiny(name=name) for name in settings])
    places = Places(data_dir=tmp_path, out=tmp_path / "out")
    with pytest.raises(ConfigError, match=said):
        run_study(tiny, places=places, results=tmp_path / "r.jsonl", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_data_that_are_not_prepared_are_named(tmp_path):
    places = Places(data_dir=tmp_path, out=tmp_path / "out")
    with pytest.raises(DataError, match="mace prepare synthetic --config demo"):
        Setting(name="x").inputs(places)
