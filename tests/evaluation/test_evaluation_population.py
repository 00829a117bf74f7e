"""A cross-validation by a population: the records of one fold after the other, but for rounding."""

import json
import os
import re
import signal
from dataclasses import replace

import numpy as np
import pytest
from evaluation_cases import make_set

from mace.augment.config import NO_AUGMENT
from mace.errors import TrainingError
from mace.evaluation.config import EvaluationConfig, ProtocolConfig
from mace.evaluation.cross_validation import evaluate_methods
from mace.evaluation.methods.make import make_network
from mace.evaluation.protocol_folds import make_folds
from mace.evaluation.store import RunFolder
from mace.models.config import ModelConfig
from mace.training.config import OptimiserConfig, TrainConfig
from mace.training.signals import Interrupted

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


def test_the_predictions_of_one_fold_after_the_other(tmp_path):
    evaluate_methods(SET, config=CONFIG, run_dir=tmp_path, command="mace evaluate")
    records = {(seed, fold): record for (_, seed, fold), record in lines(tmp_path).items()}
    network = make_network(CONFIG)
    for fold in make_folds(SET, CONFIG.protocol):
        alone = network(SET, fold, seed=1, explain=False)
        together = records[1, fold.name]
        np.testing.assert_allclose(alone.probabilities, together["probabilities"], atol=1e-3)
        assert set(alone.history) == set(together["history"])
        for name, curve in alone.history.items():
            np.testing.assert_allclose(curve, together["history"][name], rtol=1e-3, err_msg=name)


@pytest.mark.parametrize("ended", [1, 3])
def test_folds_that_are_there_are_not_trained_again(tmp_path, ended):
    said = []
    arguments = {"config": CONFIG, "log": said.append}
    evaluate_methods(SET, run_dir=tmp_path / "whole", **arguments)
    assert said[0].startswith("plan: step")
    assert said[-1].startswith("4 members, ")
    folder = tmp_path / "stopped"
    append = RunFolder.append

    def append_and_stop(*record):
        append(*record)
        if len(lines(folder)) == ended:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFolder, "append", append_and_stop)
        with pytest.raises(KeyboardInterrupt):
            evaluate_methods(SET, run_dir=folder, **arguments)
    assert len(lines(folder)) == ended
    said.clear()
    evaluate_methods(SET, run_dir=folder, **arguments)
    assert said[-1].startswith(f"{4 - ended} members, 0 programs compiled")
    # A single fold that is left over is computed as all of them were.
    whole, again = lines(tmp_path / "whole"), lines(folder)
    assert whole.keys() == again.keys()
    for key in whole:
        assert whole[key]["probabilities"] == again[key]["probabilities"]


def test_a_signal_leaves_what_is_finished_and_says_where(tmp_path):
    append = RunFolder.append

    def append_and_interrupt(*record):
        append(*record)
        if len(lines(tmp_path)) == 1:  # a second signal would not be caught
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFolder, "append", append_and_interrupt)
        sentence = rf"SIGTERM ended evaluating MACNN; .* kept in {re.escape(str(tmp_path))}"
        with pytest.raises(Interrupted, match=sentence) as caught:
            evaluate_methods(SET, config=replace(CONFIG, seeds=(0, 1, 2)), run_dir=tmp_path)
    assert caught.value.exit_code == 128 + signal.SIGTERM
    assert 1 <= len(lines(tmp_path)) < 6


def test_a_fold_that_diverges_says_which(tmp_path):
    wild = OptimiserConfig(learning_rate=10.0, weight_decay=10.0)
    config = replace(CONFIG, train=replace(CONFIG.train, optimiser=wild, epochs=60))
    with pytest.raises(TrainingError, match=r"without [12] of 2: the loss is not a number"):
        evaluate_methods(SET, config=config, run_dir=tmp_path)
