"""A cross-validation by a population: the records of one fold after the other, but for rounding."""

import json
from dataclasses import replace

import numpy as np
import pytest
from evaluation_cases import make_set

from mace.augment import NO_AUGMENT
from mace.errors import ConfigError, TrainingError
from mace.evaluation import (
    EvaluationConfig,
    ProtocolConfig,
    ZeroShotConfig,
    cross_validate,
    populated,
)
from mace.models import ModelConfig
from mace.pretrained import BundleFile
from mace.training import OptimiserConfig, TrainConfig

SET = make_set(subjects=4, clips=6, size=16)
MODEL = ModelConfig(widths=(4,), depths=(1,), stem_stride=4, norm="group", dropout=0.1)
CONFIG = EvaluationConfig(
    train=TrainConfig(
        model=MODEL,
        augment=NO_AUGMENT,
        optimiser=OptimiserConfig(learning_rate=0.01),
        epochs=2,
        batch_size=8,
        selection="best",
    ),
    protocol=ProtocolConfig(kind="kfold", folds=2),
    seeds=(0, 1),
    explain=False,
    logistic_regression=None,
    svm=None,
    validation=0.4,
)


def lines(folder):
    found = [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]
    return {(one["key"], one["seed"], one["fold"]): one for one in found}


def test_the_records_of_one_after_the_other(tmp_path):
    cross_validate(SET, config=CONFIG, run_dir=tmp_path / "one", command="mace evaluate")
    cross_validate(
        SET, config=CONFIG, run_dir=tmp_path / "all", command="mace evaluate", population=True
    )
    one, together = lines(tmp_path / "one"), lines(tmp_path / "all")
    assert set(one) == set(together)
    for key, record in one.items():
        other = together[key]
        assert set(record) == set(other)
        assert record["origin"] == other["origin"]
        assert record["clips"] == other["clips"]
        assert set(record["history"]) == set(other["history"])
        np.testing.assert_allclose(record["probabilities"], other["probabilities"], atol=1e-3)
        for name, curve in record["history"].items():
            np.testing.assert_allclose(curve, other["history"][name], rtol=1e-3, err_msg=name)


def test_folds_that_are_there_are_not_trained_again(tmp_path, monkeypatch):
    asked = []

    def answers(motion_set, learner, wanted):
        asked.append([(fold.name, seed) for fold, seed, _ in wanted])
        if len(asked) == 2:
            raise TrainingError("killed")
        return [learner.answer(motion_set, fold, None, (fold.train_index, None), explain=False)
                for fold, _, _ in wanted]  # fmt: skip

    class Answered(populated.Network):
        def answer(self, motion_set, fold, fitted, split, *, explain):
            from evaluation_cases import Guess

            return Guess()(motion_set, fold, seed=0, explain=False)

    monkeypatch.setattr("mace.evaluation.cross_validation.population_answers", answers)
    monkeypatch.setattr("mace.evaluation.populated.LARGEST_BATCH", 2)
    methods = {"network": Answered(train=CONFIG.train)}
    arguments = {"config": CONFIG, "run_dir": tmp_path, "methods": methods, "population": True}
    with pytest.raises(TrainingError, match="killed"):
        cross_validate(SET, **arguments)
    assert len(lines(tmp_path)) == 2
    cross_validate(SET, **arguments)
    assert len(lines(tmp_path)) == 4
    assert [len(batch) for batch in asked] == [2, 2, 2]
    assert asked[1] == asked[2]


def test_what_a_population_cannot_do_is_said_at_the_start(tmp_path):
    file = BundleFile(path=tmp_path, checksum="")
    shared = replace(CONFIG, train=replace(CONFIG.train, devices=2))
    for config, message in (
        (replace(CONFIG, zero_shot=ZeroShotConfig(bundle=file)), "evaluated as it is"),
        (shared, "members of its own"),
    ):
        with pytest.raises(ConfigError, match=message):
            cross_validate(SET, config=config, run_dir=tmp_path / "x", population=True)


def test_a_fold_that_diverges_says_which(tmp_path):
    wild = OptimiserConfig(learning_rate=10.0, weight_decay=10.0)
    config = replace(CONFIG, train=replace(CONFIG.train, optimiser=wild, epochs=60))
    with pytest.raises(TrainingError, match="seed 0, without 1 of 2: the loss is not a number"):
        cross_validate(SET, config=config, run_dir=tmp_path, population=True)
