import json
import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evaluation_cases import Guess, make_set

from mace.cli import main
from mace.data.motion_set import MotionSet
from mace.errors import ConfigError, DataError, TrainingError, WorkerError
from mace.evaluation.config import EvaluationConfig, ProtocolConfig
from mace.evaluation.cross_validation import evaluate_methods
from mace.evaluation.loading import load_evaluation
from mace.evaluation.logs.predictions import predictions_from_logs
from mace.evaluation.method_scores import figures_json
from mace.evaluation.methods.baselines import Majority
from mace.evaluation.methods.method import FoldPredictions
from mace.evaluation.results import Evaluation
from mace.evaluation.store import RunFolder
from mace.evaluation.summary import summarise
from mace.protocols.folds import Fold

METHODS = {"network": Guess(), "majority": Majority()}
CONFIG = EvaluationConfig(seeds=(0, 1))


def evaluate(motion_set: MotionSet, run_dir: Path, **changes) -> Evaluation:
    arguments = {"config": CONFIG, "methods": METHODS, "command": "mace evaluate"} | changes
    return evaluate_methods(motion_set, run_dir=run_dir, **arguments)


@dataclass(frozen=True)
class Failing:
    """Predicts like `Guess`, but fails at one subject as long as a file is there."""

    flag: str
    at: str = "synthetic/s03"

    def __call__(
        self, motion_set: MotionSet, fold: Fold, *, seed: int, explain: bool
    ) -> FoldPredictions:
        if fold.name == self.at and Path(self.flag).exists():
            raise TrainingError("the loss is not a number")
        return Guess()(motion_set, fold, seed=seed, explain=explain)


@dataclass(frozen=True)
class Blind:
    """Predicts like `Guess`, and cannot say where it looks."""

    def __call__(
        self, motion_set: MotionSet, fold: Fold, *, seed: int, explain: bool
    ) -> FoldPredictions:
        return Guess()(motion_set, fold, seed=seed, explain=False)


@dataclass(frozen=True)
class Deadly:
    """Ends its process at one subject, as a system that is out of memory does."""

    at: str = "synthetic/s03"

    def __call__(
        self, motion_set: MotionSet, fold: Fold, *, seed: int, explain: bool
    ) -> FoldPredictions:
        if fold.name == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        return Guess()(motion_set, fold, seed=seed, explain=explain)


@dataclass(frozen=True)
class Counting:
    """Notes every fold it is asked for."""

    log: str

    def __call__(
        self, motion_set: MotionSet, fold: Fold, *, seed: int, explain: bool
    ) -> FoldPredictions:
        with Path(self.log).open("a") as file:
            file.write(f"{seed} {fold.name}\n")
        return Guess()(motion_set, fold, seed=seed, explain=explain)


def test_every_clip_is_predicted_once_a_seed(motion_set, tmp_path):
    evaluation = evaluate(motion_set, tmp_path)
    network = evaluation.methods["network"]
    assert network.predicted.shape == (2, 36)
    assert network.predicted.min() >= 0
    assert network.probabilities is not None
    assert network.probabilities.sum(axis=-1) == pytest.approx(1)
    assert evaluation.methods["majority"].seeds == (0,)
    assert set(network.heat) == set(motion_set.clips)
    assert evaluation.synthetic
    expected = Guess()(
        motion_set, Fold("", np.arange(6, 36), np.arange(6)), seed=1, explain=False
    ).predicted
    assert network.predicted[1, :6].tolist() == expected.tolist()


def test_reading_back_gives_the_same_evaluation(motion_set, tmp_path):
    evaluation = evaluate(motion_set, tmp_path)
    again = load_evaluation(tmp_path)
    assert summarise(again) == summarise(evaluation)
    stored = json.loads((tmp_path / "results.json").read_text())
    assert stored == figures_json(summarise(evaluation))


def test_every_prediction_is_a_row_of_one_table(motion_set, tmp_path):
    evaluation = evaluate(motion_set, tmp_path)
    table = pd.read_csv(tmp_path / "predictions.csv")
    names = [f"p_{name}" for name in evaluation.classes]
    assert list(table.columns) == [
        *("clip", "subject", "fold", "seed", "method", "label", "prediction"),
        *names,
    ]
    assert len(table) == 36 * (2 + 1)
    network = table[(table["method"] == evaluation.title) & (table["seed"] == 1)]
    assert tuple(network["clip"]) == evaluation.clips
    assert (network["fold"] == network["subject"]).all()  # leave one subject out
    classes = np.array(evaluation.classes)
    assert (network["label"] == classes[evaluation.labels]).all()
    assert (network["prediction"] == classes[evaluation.methods["network"].predicted[1]]).all()
    np.testing.assert_allclose(network[names].sum(axis=1), 1, atol=1e-5)
    assert set(table["method"]) == {evaluation.title, "majority"}


def test_that_table_alone_gives_the_same_scores(motion_set, tmp_path, capsys):
    evaluation = evaluate(motion_set, tmp_path)
    told = figures_json(summarise(evaluation))
    assert main(["score", str(tmp_path / "predictions.csv"), "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores["uf1"] == pytest.approx(told["uf1"])
    assert (scores["n"], scores["subjects"]) == (told["n"], told["subjects"])
    predictions = predictions_from_logs([tmp_path / "predictions.csv"])
    assert predictions.predicted.tolist() == evaluation.methods["network"].predicted.tolist()
    assert predictions.clips == evaluation.clips
    assert any("majority as well" in remark for remark in predictions.remarks)
    table = (tmp_path / "predictions.csv").read_text().splitlines()
    (tmp_path / "other.csv").write_text("\n".join([table[0], "c0," + table[1].partition(",")[2]]))
    with pytest.raises(DataError, match="line 2: the clip 'c0' is not written database/subject"):
        predictions_from_logs([tmp_path / "other.csv"])


def test_results_do_not_depend_on_the_workers_or_on_a_failure(motion_set, tmp_path):
    flag = tmp_path / "fail"
    flag.touch()
    methods = {"network": Failing(str(flag))}
    with pytest.raises(TrainingError, match="not a number"):
        evaluate(motion_set, tmp_path / "2", methods=methods, workers=2)
    with pytest.raises(DataError, match="unfinished: network, seed 0, fold synthetic/s03"):
        load_evaluation(tmp_path / "2")
    finished = (tmp_path / "2" / "predictions.jsonl").read_text()
    assert finished
    flag.unlink()
    mended = evaluate(motion_set, tmp_path / "2", methods=methods)
    assert (tmp_path / "2" / "predictions.jsonl").read_text().startswith(finished)
    alone = evaluate(motion_set, tmp_path / "1", methods=methods)
    first, second = alone.methods["network"], mended.methods["network"]
    assert np.array_equal(first.predicted, second.predicted)
    assert first.histories == second.histories


def test_a_worker_that_dies_is_a_sentence_and_finished_folds_are_kept(motion_set, tmp_path):
    with pytest.raises(WorkerError, match="a worker process died"):
        evaluate(motion_set, tmp_path, methods={"network": Deadly()}, workers=1)
    lines = (tmp_path / "predictions.jsonl").read_text().splitlines()
    assert 0 < len(lines) < 12


def test_interrupted_evaluation_keeps_finished_folds(motion_set, tmp_path):
    log = tmp_path / "asked"
    methods = {"network": Counting(str(log))}
    evaluate(motion_set, tmp_path / "run", methods=methods)
    predictions = tmp_path / "run" / "predictions.jsonl"
    lines = predictions.read_text().splitlines(keepends=True)
    assert len(lines) == 12
    # A crash in the middle of the fifth line: four folds are finished.
    predictions.write_text("".join(lines[:4]) + lines[4][:40])
    log.write_text("")
    evaluation = evaluate(motion_set, tmp_path / "run", methods=methods)
    assert len(log.read_text().splitlines()) == 8
    assert predictions.read_text().startswith("".join(lines[:4]))
    whole = evaluate(motion_set, tmp_path / "whole", methods=methods)
    assert summarise(evaluation).confusion == summarise(whole).confusion


def test_more_seeds_reuse_the_finished_ones(motion_set, tmp_path):
    log = tmp_path / "asked"
    methods = {"network": Counting(str(log))}
    evaluate(motion_set, tmp_path / "run", methods=methods, config=EvaluationConfig(seeds=(0,)))
    evaluate(motion_set, tmp_path / "run", methods=methods, config=EvaluationConfig(seeds=(0, 7)))
    seeds = [line.split()[0] for line in log.read_text().splitlines()]
    assert seeds == ["0"] * 6 + ["7"] * 6


def test_other_settings_or_data_find_no_finished_fold(motion_set, tmp_path):
    first = evaluate(motion_set, tmp_path, methods={"network": Guess(0.9)})
    second = evaluate(motion_set, tmp_path, methods={"network": Guess(0.5)})
    assert summarise(first).uf1 > summarise(second).uf1
    moved = replace(motion_set, inputs=motion_set.inputs + 1, fingerprint="")
    evaluate(moved, tmp_path, methods={"network": Guess(0.5)})
    lines = (tmp_path / "predictions.jsonl").read_text().splitlines()
    assert len(lines) == 3 * 2 * 6


def test_two_processes_never_write_one_folder(motion_set, tmp_path):
    folder = RunFolder(tmp_path)
    with folder.held(), pytest.raises(ConfigError, match="another evaluation is writing"):
        evaluate(motion_set, tmp_path)
    evaluate(motion_set, tmp_path)


def test_files_of_another_evaluation_go_when_one_begins(motion_set, tmp_path):
    evaluate(motion_set, tmp_path)
    (tmp_path / "flag").touch()
    failing = METHODS | {"network": Failing(str(tmp_path / "flag"))}
    with pytest.raises(TrainingError):
        evaluate(motion_set, tmp_path, methods=failing)
    for name in ("results.json", "predictions.csv", "predictions-seed0.log"):
        assert not (tmp_path / name).exists()
    evaluate(motion_set, tmp_path)
    assert (tmp_path / "predictions-seed1.log").exists()


def test_a_line_says_which_code_made_it(motion_set, tmp_path, monkeypatch):
    revisions = iter(["a" * 40, "b" * 40])

    def provenance():
        return {"git_revision": next(revisions)}

    monkeypatch.setattr("mace.evaluation.cross_validation.provenance", provenance)
    one = replace(CONFIG, seeds=(0,))
    assert evaluate(motion_set, tmp_path, config=one).provenance["git_revision"] == "a" * 40
    both = evaluate(motion_set, tmp_path)
    assert both.provenance["git_revision"] == f"{'a' * 40}, {'b' * 40}"


def test_what_cannot_say_where_it_looks_is_not_asked_again(motion_set, tmp_path):
    asked = {"config": replace(CONFIG, explain=True), "methods": METHODS | {"network": Blind()}}
    evaluate(motion_set, tmp_path, **asked)
    lines = (tmp_path / "predictions.jsonl").read_bytes()
    evaluate(motion_set, tmp_path, **asked)
    assert (tmp_path / "predictions.jsonl").read_bytes() == lines


def test_summary_of_a_perfect_method(motion_set, tmp_path):
    evaluation = evaluate(motion_set, tmp_path, methods=METHODS | {"network": Guess(1.0)})
    summary = summarise(evaluation)
    assert summary.uf1 == summary.uar == summary.accuracy == 1.0
    assert summary.intervals["uf1"] == (1.0, 1.0)
    assert summary.confusion == [[24, 0, 0], [0, 24, 0], [0, 0, 24]]
    assert summary.per_class["surprise"].support == 12
    assert summary.n == 36
    assert summary.per_database["synthetic"].n == 36
    majority = summary.baselines["majority"]
    assert majority.accuracy == pytest.approx(1 / 3)
    assert majority.ahead.uf1 == pytest.approx(1 - majority.uf1)
    assert majority.ahead.interval.low > 0


def test_kfold_protocol(motion_set, tmp_path):
    config = EvaluationConfig(protocol=ProtocolConfig(kind="kfold", folds=3), seeds=(0,))
    evaluation = evaluate(motion_set, tmp_path, config=config)
    assert len(evaluation.methods["network"].histories[0]) == 3


def test_bad_requests_are_refused(motion_set, tmp_path):
    with pytest.raises(ConfigError, match="seeds"):
        EvaluationConfig(seeds=(1, 1))
    with pytest.raises(ConfigError, match="lack 'network'"):
        evaluate(motion_set, tmp_path, methods={"majority": Majority()})
    with pytest.raises(DataError, match="1 subject"):
        evaluate(make_set(subjects=1), tmp_path)
    with pytest.raises(DataError, match="holds no evaluation"):
        load_evaluation(tmp_path / "nowhere")
