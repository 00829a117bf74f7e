"""Benchmarks as a choice of clips, and leaks trained on purpose."""

import io
from dataclasses import replace

import numpy as np
import pytest
from evaluation_cases import make_set

from mace.errors import DataError
from mace.evaluation.config import EvaluationConfig, ProtocolConfig
from mace.evaluation.cross_validation import evaluate_methods
from mace.evaluation.leaky import BestTestEpoch, show_leaks
from mace.evaluation.loading import load_evaluation
from mace.evaluation.methods.network import Network
from mace.evaluation.report.report import write_report
from mace.evaluation.score_text import print_leaks
from mace.evaluation.selection import benchmark_of, join, restrict
from mace.evaluation.summary import summarise
from mace.leakage.audit_report import audit_case
from mace.leakage.run_folder import case_of_run
from mace.metrics import confusion_matrix, uf1
from mace.models.config import ModelConfig
from mace.protocols.benchmarks import BENCHMARKS
from mace.protocols.folds import loso
from mace.training.config import TrainConfig


def renamed(motion_set, database: str, classes=None):
    def name(old: str) -> str:
        return old.replace("synthetic", database)

    return replace(
        motion_set,
        subjects=tuple(map(name, motion_set.subjects)),
        clips=tuple(map(name, motion_set.clips)),
        classes=classes or motion_set.classes,
        fingerprint="",
    )


def test_benchmark_takes_its_databases_and_classes():
    own = renamed(make_set(subjects=3), "casme2", ("others", "surprise", "happiness"))
    own = replace(own, units=tuple(frozenset({str(i)}) for i in range(18)))
    other = renamed(make_set(subjects=2), "smic", ("negative", "positive", "surprise"))
    joined = join([own, other])
    assert len(joined) == 30
    assert joined.classes == ("happiness", "negative", "others", "positive", "surprise")
    five = restrict(joined, BENCHMARKS["casme2-5"])
    assert five.classes == BENCHMARKS["casme2-5"].classes
    assert five.subjects == own.subjects
    assert five.units == own.units
    names = [five.classes[label] for label in five.labels]
    assert names == [own.classes[label] for label in own.labels]
    assert np.array_equal(five.inputs, own.inputs)
    three = restrict(joined, BENCHMARKS["megc2019"])
    # Of CASME II only surprise is a class of both sets here.
    assert len(three) == 12 + 6
    assert set(three.units) == {
        frozenset(),
        *(own.units[i] for i in np.flatnonzero(own.labels == 1)),
    }
    with pytest.raises(DataError, match="no clip is of SAMM"):
        restrict(joined, BENCHMARKS["samm-5"])
    with pytest.raises(DataError, match="in two of the data sets"):
        join([own, own])


def test_people_of_several_data_sets_are_one_person_however_they_are_spelt():
    def spelt(subjects, clips):
        motion_set = make_set(subjects=2, clips=3)
        return replace(motion_set, subjects=subjects, clips=clips, fingerprint="")

    # As `casme2` and as `megc2019` store them.
    own = spelt(("casme2/01", "casme2/02"), tuple(f"casme2/0{i // 3 + 1}/EP{i}" for i in range(6)))
    clips = tuple(f"casme2/sub0{i // 3 + 2}/EP{i + 6}" for i in range(6))
    joined = join([own, spelt(("casme2/sub02", "casme2/sub03"), clips)])
    assert joined.subjects == ("casme2/01", "casme2/02", "casme2/sub03")
    assert joined.groups.tolist() == [0] * 3 + [1] * 6 + [2] * 3
    again = spelt(("casme2/sub01", "casme2/sub03"), ("casme2/sub01/EP01", *clips[1:]))
    with pytest.raises(DataError, match=r"EP01 is in two of the data sets \(as casme2/01/EP1\)"):
        join([own, again])


def test_holdout_benchmark_brings_its_folds():
    benchmark, protocol = benchmark_of(ProtocolConfig(benchmark="megc2018-hde"))
    assert benchmark is BENCHMARKS["megc2018-hde"]
    assert protocol.kind == "database"
    assert benchmark_of(ProtocolConfig())[0] is None


@pytest.fixture(scope="module")
def leaky_run(tmp_path_factory):
    """A tiny network under its own folds and under each leak."""
    folder = tmp_path_factory.mktemp("leaky")
    motion_set = make_set(subjects=4, size=28)
    motion_set = replace(motion_set, inputs=np.repeat(motion_set.inputs, 2, axis=1), fingerprint="")
    model = ModelConfig(widths=(8,), depths=(1,), stem_stride=4)
    config = EvaluationConfig(
        train=TrainConfig(model=model, epochs=3, batch_size=8),
        protocol=ProtocolConfig(kind="kfold", folds=2),
        seeds=(0,),
        explain=False,
    )
    evaluation = evaluate_methods(
        motion_set,
        config=config,
        run_dir=folder,
        methods={"network": Network(train=config.train)},
        command="mace evaluate --leaky",
    )
    rows = show_leaks(motion_set, evaluation, config=config, run_dir=folder, folds=2)
    return folder, rows


@pytest.mark.slow
def test_leaks_stand_beside_their_honest_counterparts(leaky_run):
    _, rows = leaky_run
    assert [row.honest for row in rows] == [True, False, True, False, False]
    for row in rows:
        if row.inflation is not None:
            honest = next(candidate for candidate in rows if candidate.name == row.against)
            assert row.inflation.uf1 == pytest.approx(row.uf1 - honest.uf1)
    assert [row.n for row in rows] == [24, 24, 24, 24, 48]


@pytest.mark.slow
def test_audit_finds_every_leak_and_only_them(leaky_run):
    folder, _ = leaky_run
    codes = {
        path.name: {finding.code for finding in audit_case(case_of_run(path)).findings}
        for path in sorted((folder / "leaky").iterdir())
    }
    assert codes["best-test-epoch"] == {"settings-test"}
    assert codes["folds-by-subjects"] == set()
    assert "subject-overlap" in codes["random-clips"]
    assert {"subject-overlap", "clip-overlap", "picture-overlap"} <= codes["random-pairs"]
    assert audit_case(case_of_run(folder)).clean


@pytest.mark.slow
def test_leaks_are_marked_as_wrong_wherever_they_are_shown(leaky_run, tmp_path):
    folder, rows = leaky_run
    evaluation = load_evaluation(folder)
    assert evaluation.leaks == rows
    assert summarise(evaluation).wrong_on_purpose == rows
    page = write_report([evaluation], folder=tmp_path).read_text()
    assert "Wrong on purpose" in page
    assert "best test epoch of each fold (wrong)" in page
    printed = io.StringIO()
    print_leaks(rows, file=printed)
    assert printed.getvalue().count("(wrong)") == 3
    assert "do not quote" in printed.getvalue()


def test_the_best_test_epoch_predicts_as_it_was_chosen():
    own = make_set(subjects=3)
    noise = np.random.default_rng(0).normal(size=own.inputs.shape).astype(np.float32)
    pairs = np.concatenate([own.inputs, own.inputs + noise * own.inputs.std()], axis=1)
    motion_set = replace(own, inputs=pairs, fingerprint="")
    model = ModelConfig(widths=(4,), depths=(1,), stem_stride=4)
    train = TrainConfig(model=model, epochs=3, batch_size=4, pair_average=True)
    fold = loso(motion_set.groups)[0]
    predictions = BestTestEpoch(train=train)(motion_set, fold, seed=0, explain=False)
    counts = confusion_matrix(
        motion_set.labels[fold.test_index], predictions.predicted, len(motion_set.classes)
    )
    assert uf1(counts) == pytest.approx(max(predictions.history["test_uf1"]))
