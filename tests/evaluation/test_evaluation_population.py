"""A cross-validation by a population: the records of one fold after the other, but for rounding."""

import json
from dataclasses import replace

import numpy as np
import pytest
from evaluation_cases import make_set

from mace.augment.config import NO_AUGMENT
from mace.errors import ConfigError, TrainingError
from mace.evaluation.config import EvaluationConfig, ProtocolConfig, ZeroShotConfig
from mace.evaluation.cross_validation import evaluate_methods
from mace.evaluation.store import RunFolder
from mace.models.config import ModelConfig
from mace.pretrained.bundle_files import BundleFile
from mace.training.config import OptimiserConfig, TrainConfig

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
    kernel_ridge=None,
    validation=0.4,
)


def lines(folder):
    records = [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]
    return {(record["key"], record["seed"], record["fold"]): record for record in records}


def test_the_records_of_one_after_the_other(tmp_path):
    evaluate_methods(SET, config=CONFIG, run_dir=tmp_path / "one", command="mace evaluate")
    evaluate_methods(
        SET, config=CONFIG, run_dir=tmp_path / "all", command="mace evaluate", population=True
    )
    alone, together = lines(tmp_path / "one"), lines(tmp_path / "all")
    assert set(alone) == set(together)
    for key, record in alone.items():
        other = together[key]
        assert set(record) == set(other)
        assert record["data_use"] == other["data_use"]
        assert record["clips"] == other["clips"]
        assert set(record["history"]) == set(other["history"])
        np.testing.assert_allclose(record["probabilities"], other["probabilities"], atol=1e-3)
        for name, curve in record["history"].items():
            np.testing.assert_allclose(curve, other["history"][name], rtol=1e-3, err_msg=name)


def test_one_program_for_all_folds_and_folds_that_are_there_are_not_trained_again(tmp_path):
    said = []
    arguments = {"config": CONFIG, "population": True, "log": said.append}
    evaluate_methods(SET, run_dir=tmp_path / "whole", **arguments)
    assert said[0].startswith("plan: step")
    assert said[-1].startswith("4 members, ")

    def stop(_):
        raise KeyboardInterrupt

    folder = tmp_path / "stopped"
    append = RunFolder.append
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFolder, "append", lambda *record: (append(*record), stop(record)))
        with pytest.raises(KeyboardInterrupt):
            evaluate_methods(SET, run_dir=folder, **arguments)
    assert len(lines(folder)) == 1
    said.clear()
    evaluate_methods(SET, run_dir=folder, **arguments)
    assert said[-1].startswith("3 members, 0 programs compiled")
    whole, again = lines(tmp_path / "whole"), lines(folder)
    assert whole.keys() == again.keys()
    for key in whole:
        assert whole[key]["probabilities"] == again[key]["probabilities"]


def test_what_a_population_cannot_do_is_said_at_the_start(tmp_path):
    file = BundleFile(path=tmp_path, checksum="")
    config = replace(CONFIG, zero_shot=ZeroShotConfig(bundle=file))
    with pytest.raises(ConfigError, match="evaluated as it is"):
        evaluate_methods(SET, config=config, run_dir=tmp_path / "x", population=True)


def test_a_fold_that_diverges_says_which(tmp_path):
    wild = OptimiserConfig(learning_rate=10.0, weight_decay=10.0)
    config = replace(CONFIG, train=replace(CONFIG.train, optimiser=wild, epochs=60))
    with pytest.raises(TrainingError, match=r"without [12] of 2: the loss is not a number"):
        evaluate_methods(SET, config=config, run_dir=tmp_path, population=True)
