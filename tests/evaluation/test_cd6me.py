"""Action units across six databases: what meb prints for "always present", and small cases."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from evaluation_cases import make_set

from mace.data.motion_set import MotionSet
from mace.evaluation.action_units import evaluate_units
from mace.evaluation.config import EvaluationConfig, ProtocolConfig
from mace.evaluation.methods.baselines import Majority
from mace.evaluation.methods.method import FoldPredictions
from mace.evaluation.selection import benchmark_of, restrict
from mace.protocols.benchmarks import BENCHMARKS

CD6ME = BENCHMARKS["cd6me"]


@dataclass(frozen=True)
class Always:
    """Predicts that everything is there."""

    def __call__(self, motion_set, fold, *, seed, explain):
        return FoldPredictions(predicted=np.ones(fold.test_index.size, np.int64))


@dataclass(frozen=True)
class First:
    """Predicts that the first clips of a fold show it, as many as it is told."""

    count: int

    def __call__(self, motion_set, fold, *, seed, explain):
        return FoldPredictions(predicted=(np.arange(fold.test_index.size) < self.count).astype(int))


def set_of(units: dict[str, list[set[str]]], **changes) -> MotionSet:
    """A set whose clips list these units, by database; each database has one person."""
    clips = [f"{name}/01/c{i}" for name, listed in units.items() for i in range(len(listed))]
    listed = [frozenset(shown) for of_clips in units.values() for shown in of_clips]
    return MotionSet(
        inputs=np.zeros((len(clips), 1, 4, 4, 1), np.float32),
        labels=np.zeros(len(clips), np.int32),
        groups=np.array([list(units).index(name.split("/")[0]) for name in clips], np.int32),
        subjects=tuple(f"{name}/01" for name in units),
        clips=tuple(clips),
        classes=("negative",),
        units=tuple(listed),
        **changes,
    )


def evaluated(motion_set, out, monkeypatch, method, benchmark=CD6ME, lines=None):
    methods = {"network": method, "majority": Majority()}
    monkeypatch.setattr("mace.evaluation.action_units.make_methods", lambda config: methods)
    _, protocol = benchmark_of(ProtocolConfig(benchmark=benchmark.name))
    return evaluate_units(
        restrict(motion_set, benchmark),
        config=EvaluationConfig(protocol=protocol, seeds=(0,), explain=False),
        known=None,
        run_dir=out,
        title="always",
        description={},
        command="mace evaluate",
        workers=0,
        log=(lines if lines is not None else []).append,
        benchmark=benchmark,
    )


def test_always_present_scores_what_meb_prints(tmp_path, monkeypatch):
    # experiments/benchmarks/"Constant, LBPTOP, MDMO and OF + SVM.ipynb" of tvaranka/meb.
    units = {
        name: [
            {unit for unit, count in part.classes.items() if clip < count}
            for clip in range(part.samples)
        ]
        for name, part in CD6ME.parts.items()
    }
    scores = evaluated(set_of(units), tmp_path, monkeypatch, Always())
    table = scores.units.set_index("unit")["network f1"] * 100
    assert table.round(2).to_dict() == {
        "AU1": 26.04, "AU2": 24.23, "AU4": 51.70, "AU5": 12.38, "AU6": 5.74, "AU7": 22.08,
        "AU9": 10.89, "AU10": 7.12, "AU12": 15.95, "AU14": 24.00, "AU15": 4.99, "AU17": 8.12,
        "mean of 12": 17.77,
    }  # fmt: skip
    databases = scores.databases.set_index("database")["network f1"] * 100
    assert databases.round(2).to_dict() == {
        "casme": 16.08, "casme2": 19.40, "casme3": 15.12, "four_dme": 20.16, "mmew": 20.72,
        "samm": 15.33, "mean of 6": pytest.approx(17.80, abs=0.006),
    }  # fmt: skip
    assert scores.benchmark.deviations == ()
    assert (tmp_path / "databases.csv").read_text().startswith("database,clips,network f1,")


def test_f1_by_hand_and_what_nobody_shows_counts_nothing(tmp_path, monkeypatch):
    units = {
        # 12 is shown by two and one; 4 by one of the other alone; nobody shows the other ten.
        "CASME": [{"12"}, {"12", "39"}, set(), set()],
        "samm": [{"4"}, {"12"}, set()],
        "smic": [{"12"}, {"4"}],  # no part of the protocol
    }
    lines = []
    scores = evaluated(set_of(units), tmp_path, monkeypatch, First(1), lines=lines)
    # One clip of each database is said to show each. AU12: TP 1, FP 1, FN 2; AU4: TP 1, FP 1.
    table = scores.units.set_index("unit")
    assert table.loc["AU12", "network f1"] == pytest.approx(2 / (2 + 1 + 2))
    assert table.loc["AU4", "network f1"] == pytest.approx(2 / (2 + 1))
    assert table.loc["mean of 2", "network f1"] == pytest.approx((2 / 5 + 2 / 3) / 2)
    assert (table.loc["AU12", "clips"], table.loc["AU12", "of"]) == (3, 7)
    # CASME: AU12 2/3, AU4 0 for nobody shows it. SAMM: AU12 0, AU4 1.
    databases = scores.databases.set_index("database")
    assert databases["network f1"].to_dict() == pytest.approx(
        {"casme": 1 / 3, "samm": 1 / 2, "mean of 2": 5 / 12}
    )
    assert any("no clip or every clip shows them: AU1, AU2, AU5" in line for line in lines)
    assert "no sample of mmew, the protocol has 300" in scores.benchmark.deviations


def test_emotions_of_which_a_clip_has_two_are_each_scored(tmp_path, monkeypatch):
    base = make_set(subjects=3, clips=3, size=8)
    names = tuple(f"four_dme/{i}" for i in range(3))
    clips = tuple(f"four_dme/{i // 3}/{i}" for i in range(9))
    motion_set = replace(
        base,
        subjects=names,
        clips=clips,
        classes=("negative", "negative+surprise", "others"),
        fingerprint="",
    )
    scores = evaluated(
        motion_set, tmp_path, monkeypatch, First(2), benchmark=BENCHMARKS["four_dme-5"]
    )
    # Each person shows negative, both, others, in this order; the first two are said to show it.
    assert scores.units.set_index("unit")["network f1"].to_dict() == pytest.approx(
        {"negative": 1, "surprise": 2 / 3, "others": 0, "mean of 3": 5 / 9}
    )
    assert scores.units["clips"].tolist() == [6, 3, 3, 12]
    assert scores.databases is None
