"""The named benchmarks: their counts, and how a set that differs is described."""

import numpy as np
import pytest

from mace.errors import ConfigError, DataError
from mace.protocols.benchmarks import BENCHMARKS, Benchmark, class_benchmark
from mace.protocols.counts import check_counts, exclusions, likely_benchmark, select
from mace.protocols.folds import leave_one_database_out
from mace.protocols.labels import named_label
from mace.protocols.names import clip_key, databases_of, subject_key

# The figures of the field, written out a second time on purpose.
TOTALS = {
    "megc2019": (442, 68),
    "megc2018-hde": (253, 47),
    "megc2018-cde": (253, 47),
    "casme2-5": (246, 26),
    "casme2-3": (145, 24),
    "samm-5": (136, None),
    "smic-3": (164, 16),
    "casme3-3": (699, None),
    "casme3-7": (860, 94),
    "dfme-7": (7526, None),
    "dfme-test-a": (474, None),
    "dfme-test-b": (299, None),
    "four_dme-5": (267, None),
    "cd6me": (2031, None),
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
            assert set(part.classes) == set(benchmark.classes)
            if benchmark.labels == "one":
                assert sum(part.classes.values()) == part.samples
    if benchmark.counts and benchmark.labels == "one":
        assert sum(benchmark.counts.values()) == benchmark.samples


def test_composite_of_2019():
    assert BENCHMARKS["megc2019"].counts == {"negative": 250, "positive": 109, "surprise": 83}
    people = [part.subjects for part in BENCHMARKS["megc2019"].parts.values()]
    assert people == [24, 28, 16]


@pytest.mark.parametrize(
    "name", [n for n, b in BENCHMARKS.items() if b.counts and b.labels == "one"]
)
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
    people = [group.replace("smic/", "SMIC-HS/s") for group in groups]
    assert check_counts(BENCHMARKS["megc2019"], labels, people) == check_counts(
        BENCHMARKS["megc2019"], labels, groups
    )
    found = check_counts(BENCHMARKS["smic-3"], [*labels, "tense"], [*groups, "smic/01"])
    assert "1 sample of the class tense, which it leaves out" in found
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


def test_a_database_that_is_gone_is_named():
    labels, groups = sample(BENCHMARKS["megc2019"])
    own = [i for i, group in enumerate(groups) if not group.startswith("samm/")]
    found = check_counts(BENCHMARKS["megc2019"], [labels[i] for i in own], [groups[i] for i in own])
    assert "no sample of samm, the protocol has 133" in found
    assert not any("negative of samm" in text for text in found)


def test_another_annotation_is_suspected_where_a_class_has_more():
    labels, groups = sample(BENCHMARKS["casme2-5"])
    assert check_counts(BENCHMARKS["casme2-5"], labels[:-1], groups[:-1])[1:] == [
        "98 others of casme2, the protocol has 99 (1 fewer)"
    ]
    found = check_counts(
        BENCHMARKS["casme2-5"], [*labels, *["surprise"] * 3], [*groups, *groups[:3]]
    )
    assert "--coding 2014" in found[-1]


def test_clips_without_a_usable_apex_are_left_out_where_the_benchmark_did():
    labels = ["negative", "negative", "negative", "others"]
    groups = ["casme2/01", "casme2/04", "smic/s01", "casme2/05"]
    apex = ["annotated", "midpoint", "midpoint", "midpoint"]
    assert exclusions(BENCHMARKS["megc2019"], labels, groups, apex) == {
        1: "of casme2, without a usable apex in the sheet",
        3: "of the class others",
    }
    assert select(BENCHMARKS["megc2019"], labels, groups, apex) == [0, 2]
    five = exclusions(BENCHMARKS["casme2-5"], ["disgust", "others"], groups[:2], apex[:2])
    assert five == {}


# Spellings in folders, sheets, public label files and logs; all of one line are one clip.
ONE_CLIP = [
    [
        *(("casme2", "01", "EP02_01f"), ("CASME II", "sub01", "EP02_01f")),
        *(("casme2", "1.0", "ep02_01f"), ("casme2", "sub01", "sub01_EP02_01f .png")),
    ],
    [("samm", "006", "006_1_2"), ("SAMM", "6", "006_1_2"), ("samm", "6.0", "6_1_2")],
    [("smic", "s20", "s20_ne_01"), ("SMIC-HS-E", "20", "s20_ne_1"), ("smic", "S20", "ne_01")],
    [("casme3", "spNO.901", "a_12"), ("CAS(ME)^3", "901", "spNO.901_a_12")],
    [("CAS(ME)^2", "s15", "anger1_1"), ("casme_squared", "15", "anger1_1")],
]


@pytest.mark.parametrize("spellings", ONE_CLIP)
def test_one_clip_in_every_spelling(spellings):
    assert len({clip_key(*spelling) for spelling in spellings}) == 1
    assert len({subject_key(*spelling[:2]) for spelling in spellings}) == 1


def test_different_things_stay_apart():
    clips = [
        *(("casme2", "1", "EP1_11"), ("casme2", "1", "EP11_1"), ("casme2", "1", "EP11_1f")),
        *(("casme2", "11", "EP1_11"), ("casme", "1", "EP1_11"), ("CAS(ME)2", "1", "EP1_11")),
        *(("samm", "6", "006_1_2"), ("samm", "6", "006_1_3"), ("samm", "7", "006_1_2")),
        # Names of other people's data are theirs to choose.
        *(("mine", "p1", "a"), ("mine", "s1", "a"), ("mine", "1", "a"), ("mine", "1", "A")),
    ]
    assert len({clip_key(*clip) for clip in clips}) == len(clips)


def test_databases_by_the_spelling_of_their_subjects():
    assert databases_of("sub01")[0] == "casme2"
    assert databases_of("s1")[0] == "smic"
    assert databases_of("006") == ("samm",)
    assert databases_of("spNO.12") == ("casme3",)
    assert databases_of("12") == databases_of("anna") == ()


def test_integer_labels_are_the_benchmarks_classes_in_its_order():
    classes = BENCHMARKS["samm-5"].classes
    assert [named_label(label, classes) for label in ("0", "04", "1.0")] == [
        *("anger", "others", "happiness")
    ]
    assert named_label("Other", classes) == named_label("others", classes)
    assert named_label("5", classes) == "5"
    assert named_label("0", ()) == "0"


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


def cd6me_sample() -> tuple[list[str], list[str]]:
    """Clips of each database, of which the first show as many units as the protocol counts."""
    labels, groups = [], []
    for database, part in BENCHMARKS["cd6me"].parts.items():
        for clip in range(part.samples):
            labels.append("+".join(unit for unit, count in part.classes.items() if clip < count))
            groups.append(f"{database}/{clip % 9 + 1:02d}")
    return labels, groups


def test_units_across_six_databases_are_counted_each_on_its_own():
    benchmark = BENCHMARKS["cd6me"]
    # The row of totals of the same table.
    assert list(benchmark.counts.values()) == [
        *(304, 280, 708, 134, 60, 252, 117, 75, 176, 277, 52, 86)
    ]
    labels, groups = cd6me_sample()
    assert check_counts(benchmark, labels, groups) == []
    # CASME II as it is distributed has 255 rows; other units than the twelve do not matter.
    row = groups.index("casme2/04")
    labels[0] += "+24"
    shorter = labels[:row] + labels[row + 1 :], groups[:row] + groups[row + 1 :]
    deviations = check_counts(benchmark, *shorter)
    assert deviations[:2] == [
        "2030 samples, the protocol has 2031 (1 fewer)",
        "255 samples of casme2, the protocol has 256 (1 fewer)",
    ]
    assert "129 AU4 of casme2, the protocol has 130 (1 fewer)" in deviations
    assert exclusions(benchmark, ["4", "", "12"], ["casme/01", "mmew/3", "smic/01"]) == {
        2: "of smic, another database"
    }


def test_several_emotions_of_a_clip_count_each():
    benchmark = BENCHMARKS["four_dme-5"]
    labels = ["positive", "negative+surprise", "Others", "tense"]
    assert exclusions(benchmark, labels, ["4DME/1"] * 4) == {3: "of the class tense"}
    deviations = check_counts(benchmark, labels, ["four_dme/1"] * 4)
    assert deviations == [
        "4 samples, the protocol has 267 (263 fewer)",
        "1 sample of the class tense, which it leaves out",
    ]


def test_what_has_several_labels_is_no_protocol_of_single_ones():
    with pytest.raises(ConfigError, match="cd6me scores action units, several to a clip"):
        class_benchmark("cd6me")
    assert class_benchmark("dfme-7").fold_count == 10
    seven = BENCHMARKS["dfme-7"].classes
    assert likely_benchmark(["dfme/S0001"], seven) is BENCHMARKS["dfme-7"]
    assert likely_benchmark(["four_dme/1"], BENCHMARKS["four_dme-5"].classes) is None
