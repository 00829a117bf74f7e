"""`mace audit` on run folders: clean runs are not accused, spoilt ones are."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mace.cli import main
from mace.data.motion_set import MotionSet
from mace.evaluation.config import EvaluationConfig, ProtocolConfig
from mace.evaluation.cross_validation import evaluate_methods
from mace.evaluation.leaky import frame_pairs_as_samples, random_folds
from mace.evaluation.methods.baselines import LogisticRegression, Majority
from mace.evaluation.methods.method import DataUse, FoldPredictions
from mace.leakage.audit_report import audit_case
from mace.leakage.run_folder import case_of_run
from mace.protocols.folds import Fold
from mace.protocols.inner import inner_split


def make_set(*, databases: tuple[str, ...] = ("x", "y"), clips: int = 5, seed: int = 0):
    """Noise with names; four subjects a database, two frame pairs a clip."""
    rng = np.random.default_rng(seed)
    subjects = tuple(f"{database}/{s:02d}" for database in databases for s in range(1, 5))
    n = len(subjects) * clips
    return MotionSet(
        inputs=rng.normal(0, 1, (n, 2, 20, 20, 3)).astype(np.float32),
        labels=rng.integers(0, 3, n).astype(np.int32),
        groups=np.repeat(np.arange(len(subjects)), clips).astype(np.int32),
        subjects=subjects,
        clips=tuple(f"{subjects[i // clips]}/c{i % clips}" for i in range(n)),
        classes=("negative", "positive", "surprise"),
    )


@dataclass(frozen=True)
class Fake:
    """Guesses; says it learnt as a network would, and with `validation` chose an epoch honestly."""

    validation: bool = False
    on_test: bool = False
    over_all: bool = False

    def __call__(
        self, motion_set: MotionSet, fold: Fold, *, seed: int, explain: bool
    ) -> FoldPredictions:
        rng = np.random.default_rng([seed, *fold.test_index])
        fitted, held = fold.train_index, None
        if self.validation:
            fitted, held = inner_split(
                fold.train_index, motion_set.groups, motion_set.labels, fraction=0.3, seed=seed
            )
        if self.on_test:
            held = fold.test_index
        statistics = np.arange(len(motion_set)) if self.over_all else fitted
        epoch = float(rng.integers(1, 30)) if held is not None else 30.0
        return FoldPredictions(
            predicted=rng.integers(0, 3, fold.test_index.size),
            history={"chosen_epoch": [epoch]},
            data_use=DataUse(fitted=fitted, validation=held, normalised=statistics),
        )


def make_run(folder: Path, motion_set: MotionSet, method: Any = None, **changes: Any) -> Path:
    folds = changes.pop("folds", None)
    settings = {"seeds": (0, 1)} | changes
    methods = {"network": Fake() if method is None else method, "majority": Majority()}
    evaluate_methods(
        motion_set,
        config=EvaluationConfig(**settings),
        run_dir=folder,
        methods=methods,
        folds=folds,
        command="mace evaluate",
    )
    return folder


CLEAN: dict[str, dict[str, Any]] = {
    "leave one subject out": {},
    "one seed": {"seeds": (3,)},
    "folds by subject": {"protocol": ProtocolConfig(kind="kfold", folds=3, seed=2)},
    "leave one database out": {"protocol": ProtocolConfig(kind="database")},
    "early stopping": {"method": Fake(validation=True)},
    "early stopping, folds": {
        "method": Fake(validation=True),
        "protocol": ProtocolConfig(kind="kfold", folds=4),
    },
    "logistic regression in the network's place": {"method": LogisticRegression(), "seeds": (0,)},
}


@pytest.mark.parametrize("name", CLEAN)
def test_clean_run_is_not_accused(name, tmp_path, capsys):
    options = dict(CLEAN[name])
    folder = make_run(tmp_path, make_set(seed=len(name)), options.pop("method", None), **options)
    assert main(["audit", str(folder), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["findings"] == []
    assert {"normalisation", "reported scores", "near-duplicate pictures"} <= set(report["checked"])


def codes(folder: Path) -> set[str]:
    return {finding.code for finding in audit_case(case_of_run(folder)).findings}


def test_choices_and_statistics_on_test_clips_are_found(tmp_path):
    motion_set = make_set()
    assert codes(make_run(tmp_path / "a", motion_set, Fake(on_test=True))) == {"settings-test"}
    assert codes(make_run(tmp_path / "b", motion_set, Fake(over_all=True))) == {
        "normalisation-test"
    }


def test_random_splits_are_found(tmp_path):
    motion_set = make_set()
    clips = make_run(tmp_path / "clips", motion_set, folds=random_folds(len(motion_set), 4, 0))
    assert "subject-overlap" in codes(clips)
    pairs = frame_pairs_as_samples(motion_set)
    frames = make_run(tmp_path / "pairs", pairs, folds=random_folds(len(pairs), 4, 0))
    assert {"subject-overlap", "clip-overlap"} <= codes(frames)


def test_equal_and_similar_inputs_under_other_names_are_found(tmp_path):
    motion_set = make_set()
    inputs = motion_set.inputs.copy()
    inputs[7] = inputs[33]
    copied = replace(motion_set, inputs=inputs, fingerprint="")
    assert codes(make_run(tmp_path / "same", copied)) == {"picture-overlap"}
    inputs[7] += np.random.default_rng(0).normal(0, 1e-3, inputs[7].shape).astype(np.float32)
    noisy = replace(motion_set, inputs=inputs, fingerprint="")
    assert codes(make_run(tmp_path / "noisy", noisy)) == {"near-duplicate"}


def _scores(folder: Path) -> None:
    path = folder / "results.json"
    results = json.loads(path.read_text())
    results["uar"] = results["macro_precision"] + 0.2
    path.write_text(json.dumps(results))


def _log(folder: Path) -> None:
    path = folder / "predictions-seed1.log"
    lines = path.read_text().splitlines()
    clip, truth, predicted = lines[1].split()
    lines[1] = f"{clip} {truth} {(int(predicted) + 1) % 3}"
    path.write_text("\n".join(lines))


def _lost_fold(folder: Path) -> None:
    path = folder / "predictions.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))


SPOILT: dict[str, tuple[Callable[[Path], None], str]] = {
    "a score that was edited": (_scores, "score-mismatch"),
    "a log with another prediction": (_log, "score-mismatch"),
    "a fold without predictions": (_lost_fold, "missing-samples"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_spoilt_run_is_found(name, tmp_path):
    folder = make_run(tmp_path, make_set())
    SPOILT[name][0](folder)
    assert SPOILT[name][1] in codes(folder)


def test_run_called_after_a_benchmark_it_is_not(tmp_path):
    protocol = ProtocolConfig(benchmark="smic-3")
    folder = make_run(tmp_path, make_set(databases=("smic",)), protocol=protocol)
    (finding,) = audit_case(case_of_run(folder)).findings
    assert finding.code == "missing-samples"
    assert "20 samples, the protocol has 164 (144 fewer)" in finding.where


def test_damaged_run_is_one_sentence(tmp_path, capsys):
    assert main(["audit", str(tmp_path)]) == 3
    assert "holds no evaluation" in capsys.readouterr().err
    folder = make_run(tmp_path / "run", make_set())
    capsys.readouterr()
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"labels": [0]}))
    assert main(["audit", str(folder)]) == 3
    error = capsys.readouterr().err
    assert "is damaged" in error
    assert error.count("\n") == 1
