"""The named benchmarks: their counts, and how a set that differs is described."""

import numpy as np
import pytest

from mace.errors import DataError
from mace.protocols import (
    BENCHMARKS,
    Benchmark,
    check_counts,
    leave_one_database_out,
    likely_benchmark,
    select,
)

# The figures of the field, written out a second time on purpose.
TOTALS = {
    "megc2019": (442, 68),
    "megc2018-hde": (253, 47),
    "megc2018-cde": (253, 47),
    "casme2-5": (246, 26),
    "casme2-3": (145, 24),
    "casme-4": (171, None),
    "samm-5": (136, None),
    "smic-3": (164, 16),
}


def sample(benchmark: Benchmark) -> tuple[list[str], list[str]]:
    """Labels and subjects with exactly the benchmark's counts, where it has all of them."""
    labels, groups = [], []
    for database, part in benchmark.parts.items():
        own = [name for name, count in part.classes.items() for _ in range(count)]
        people = part.subjects or 10
        labels += own
        groups += [f"{database}/{i % people + 1:02d}" for i in range(len(own))]
    return labels, groups


@pytest.mark.parametrize("name", BENCHMARKS)
def test_counts_of_the_table(name):
    benchmark = BENCHMARKS[name]
    assert (benchmark.samples, benchmark.subjects) == TOTALS[name]
    assert sum(part.samples for part in benchmark.parts.values()) == benchmark.samples
    assert tuple(benchmark.parts) == benchmark.databases
    for part in benchmark.parts.values():
        if part.classes:
            assert sum(part.classes.values()) == part.samples
            assert set(part.classes) == set(benchmark.classes)
    if benchmark.counts:
        assert sum(benchmark.counts.values()) == benchmark.samples


def test_composite_of_2019():
    assert BENCHMARKS["megc2019"].counts == {"negative": 250, "positive": 109, "surprise": 83}
    people = [part.subjects for part in BENCHMARKS["megc2019"].parts.values()]
    assert people == [24, 28, 16]


@pytest.mark.parametrize("name", [n for n, b in BENCHMARKS.items() if b.counts])
def test_exact_set_has_no_deviation(name):
    assert check_counts(BENCHMARKS[name], *sample(BENCHMARKS[name])) == []


def test_deviations_in_words():
    labels, groups = sample(BENCHMARKS["megc2019"])
    # The seven clips that the downloadable SMIC-HS-E lacks leave 435.
    smic = [i for i, group in enumerate(groups) if group.startswith("smic/")][:7]
    labels = [label for i, label in enumerate(labels) if i not in smic]
    groups = [group for i, group in enumerate(groups) if i not in smic]
    assert check_counts(BENCHMARKS["megc2019"], labels, groups) == [
        "435 samples, the protocol has 442 (7 fewer)",
        "157 samples of smic, the protocol has 164 (7 fewer)",
        "63 negative of smic, the protocol has 70 (7 fewer)",
    ]
    found = check_counts(BENCHMARKS["smic-3"], [*labels, "tense"], [*groups, "smic/01"])
    assert "1 samples of the class tense, which it leaves out" in found
    assert "145 samples of casme2, which is not part of it" in found


def test_subject_names_of_two_databases_are_two_people():
    labels = ["negative", "negative"]
    found = check_counts(BENCHMARKS["megc2019"], labels, ["casme2/01", "samm/01"])
    assert "2 subjects, the protocol has 68 (66 fewer)" in found


def test_spellings_of_classes_and_databases():
    labels, groups = sample(BENCHMARKS["samm-5"])
    spelt = ["Other" if label == "others" else label.title() for label in labels]
    assert check_counts(BENCHMARKS["samm-5"], spelt, groups) == []
    renamed = [group.replace("casme2", "CASME II") for group in sample(BENCHMARKS["casme2-5"])[1]]
    assert check_counts(BENCHMARKS["casme2-5"], sample(BENCHMARKS["casme2-5"])[0], renamed) == []


def test_select_keeps_the_benchmarks_clips():
    labels = ["negative", "others", "surprise", "positive"]
    groups = ["casme2/01", "casme2/01", "smic/s1", "casme2/02"]
    assert select(BENCHMARKS["casme2-3"], labels, groups) == [0, 3]
    assert select(BENCHMARKS["megc2019"], labels, groups) == [0, 2, 3]
    with pytest.raises(DataError, match="expected samm"):
        select(BENCHMARKS["samm-5"], labels, groups)


def test_likely_benchmark():
    composite = ["casme2/01", "samm/006", "smic/s1"]
    for classes in (["negative", "positive", "surprise"], ["0", "1", "2"]):
        found = likely_benchmark(composite, classes)
        assert found is not None
        assert found.name == "megc2019"
    assert likely_benchmark(["casme2/01"], ["a", "b"]) is None
    found = likely_benchmark(["casme2/01", "samm/006"], ["I", "II", "III", "IV", "V"])
    assert found is not None
    assert found.name == "megc2018-cde"


def test_holdout_database_trains_on_one_and_tests_on_the_other():
    databases = ["casme2"] * 4 + ["samm"] * 3
    groups = np.array([0, 0, 1, 1, 2, 2, 3])
    folds = leave_one_database_out(databases, groups)
    assert [fold.name for fold in folds] == ["casme2", "samm"]
    assert folds[1].test_index.tolist() == [4, 5, 6]
    assert folds[1].train_index.tolist() == [0, 1, 2, 3]
    with pytest.raises(DataError, match="at least two"):
        leave_one_database_out(["samm"] * 3, groups[4:])
    with pytest.raises(DataError, match="subject 1 is on the training and on the test side"):
        leave_one_database_out(["casme2", "samm"], np.array([1, 1]))
