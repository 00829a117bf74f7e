"""Named benchmarks: which clips of which databases, in which classes, and how many there must be.

A score belongs to its sample: 442, 441 and 435 clips of one composite are in the literature under
one name (`mace.protocols.counts` says how a set differs from its benchmark). Counts are those of
`source`; a database without counts for each class has its total only.

Where a clip may show several labels at once, action units or 4DME's emotions, each is scored on its
own, present or absent (`mace.evaluation.action_units`).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mace.errors import ConfigError
from mace.protocols.cd6me import CD6ME_COUNTS, CD6ME_UNITS

BenchmarkName = Literal[
    "megc2019",
    "megc2018-hde",
    "megc2018-cde",
    "casme2-5",
    "casme2-3",
    "samm-5",
    "smic-3",
    "casme3-3",
    "casme3-7",
    "dfme-7",
    "dfme-test-a",
    "dfme-test-b",
    "four_dme-5",
    "cd6me",
]

THREE: tuple[str, ...] = ("negative", "positive", "surprise")
OBJECTIVE: tuple[str, ...] = ("I", "II", "III", "IV", "V")


@dataclass(frozen=True, kw_only=True)
class Part:
    """One database's share of a benchmark.

    Attributes:
        samples: its clips.
        subjects: its people, or None where the source does not say.
        classes: its clips of each class; empty where the source does not say.
        needs_apex: whether clips were left out whose sheet has no usable apex (none, or the onset).
        annotation: which of several annotations of the database the counts are of, if it matters.
    """

    samples: int
    subjects: int | None = None
    classes: Mapping[str, int] = field(default_factory=dict)
    needs_apex: bool = False
    annotation: str = ""


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """A protocol of the field with the counts that a result under its name must have.

    Attributes:
        name: what the command line calls it.
        title: what a table calls it.
        databases: its databases, by the name their builder has.
        labels: what a clip has: one of the classes, or any number of `classes`, which are `units`
            (FACS numbers) or `emotions`.
        class_set: the set of classes its labels come from; None where there are several to a clip.
        classes: its classes, in the order of the field's integer labels.
        samples: clips in all.
        subjects: people in all, or None where the source does not say.
        folds: `loso`; `kfold`, subjects dealt to `fold_count`; `database`, each left out once; or
            `partition`, trained on the authors' `training` and tested on `tested`, which the counts
            are of.
        fold_count: folds of `kfold`.
        tested: of `partition`.
        parts: the counts of each database.
        source: where the counts come from.
    """

    name: BenchmarkName
    title: str
    databases: tuple[str, ...]
    labels: Literal["one", "units", "emotions"] = "one"
    class_set: Literal["3", "5", "7", "objective"] | None = None
    classes: tuple[str, ...]
    samples: int
    subjects: int | None
    folds: Literal["loso", "kfold", "database", "partition"] = "loso"
    fold_count: int = 0
    tested: str = ""
    parts: Mapping[str, Part]
    source: str

    def labels_of(self, label: str) -> list[str]:
        """Return what a clip shows: its label, or all that `+` joins where there may be several."""
        if self.labels == "one":
            return [label]
        return [part for part in label.split("+") if part]

    @property
    def counts(self) -> dict[str, int]:
        """Clips of each class over all databases; empty where a part does not have them."""
        if not all(part.classes for part in self.parts.values()):
            return {}
        total: Counter[str] = Counter()
        for part in self.parts.values():
            total.update(part.classes)
        return {name: total[name] for name in self.classes}


def _three(subjects: int, *counts: int, needs_apex: bool = False, annotation: str = "") -> Part:
    return Part(
        samples=sum(counts),
        subjects=subjects,
        classes=dict(zip(THREE, counts, strict=True)),
        needs_apex=needs_apex,
        annotation=annotation,
    )


_CODING_2014 = "the coding of 2014 (mace prepare casme2 --coding 2014)"
_SMIC = _three(16, 70, 51, 43)
# Two clips of the class negative have no usable apex in the sheet (none, or the onset itself).
_CASME2 = _three(24, 88, 32, 25, needs_apex=True, annotation=_CODING_2014)
_SAMM = _three(28, 92, 26, 15)
# The separate sheet of objective classes; the column of the 2019 coding has 174 in I to V.
_CASME2_OBJECTIVE = Part(
    samples=185,
    classes=dict(zip(OBJECTIVE, (25, 15, 99, 26, 20), strict=True)),
    annotation=f"{_CODING_2014} with CASME2-ObjectiveClasses.xlsx beside it",
)
_MEGC2018 = {"casme2": _CASME2_OBJECTIVE, "samm": Part(samples=68)}
_MEGC2018_SOURCE = (
    "Yap et al., Facial Micro-Expressions Grand Challenge 2018 Summary, FG 2018 (253 samples, 47 "
    "subjects); CASME II by CASME2-ObjectiveClasses.xlsx, SAMM as the rest"
)
_DFME_SEVEN = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")


def _dfme_test(name: BenchmarkName, letter: str, samples: int) -> Benchmark:
    return Benchmark(
        name=name,
        title=f"DFME, 7 classes, test {letter}",
        databases=("dfme",),
        class_set="7",
        classes=_DFME_SEVEN,
        samples=samples,
        subjects=None,
        folds="partition",
        tested=f"test {letter}",
        parts={"dfme": Part(samples=samples)},
        source="the sheets of DFME as they are given out: 1,856 clips for training, 474 and 299",
    )


def _units(samples: int, *counts: int) -> Part:
    return Part(samples=samples, classes=dict(zip(CD6ME_UNITS, counts, strict=True)))


_ALL = (
    Benchmark(
        name="megc2019",
        title="MEGC 2019 composite (CDE)",
        databases=("casme2", "samm", "smic"),
        class_set="3",
        classes=THREE,
        samples=442,
        subjects=68,
        parts={"casme2": _CASME2, "samm": _SAMM, "smic": _SMIC},
        source="See et al., MEGC 2019, FG 2019; combined_3class_gt.csv of the organisers",
    ),
    Benchmark(
        name="megc2018-hde",
        title="MEGC 2018 holdout database (HDE)",
        databases=("casme2", "samm"),
        class_set="objective",
        classes=OBJECTIVE,
        samples=253,
        subjects=47,
        folds="database",
        parts=_MEGC2018,
        source=_MEGC2018_SOURCE,
    ),
    Benchmark(
        name="megc2018-cde",
        title="MEGC 2018 composite (CDE)",
        databases=("casme2", "samm"),
        class_set="objective",
        classes=OBJECTIVE,
        samples=253,
        subjects=47,
        parts=_MEGC2018,
        source=_MEGC2018_SOURCE,
    ),
    Benchmark(
        name="casme2-5",
        title="CASME II, 5 classes",
        databases=("casme2",),
        class_set="5",
        classes=("happiness", "disgust", "repression", "surprise", "others"),
        samples=246,
        subjects=26,
        parts={
            "casme2": Part(
                samples=246,
                subjects=26,
                classes={
                    "happiness": 32,
                    "disgust": 63,
                    "repression": 27,
                    "surprise": 25,
                    "others": 99,
                },
                annotation=_CODING_2014,
            )
        },
        source="CASME2-coding-20140508.xlsx",
    ),
    Benchmark(
        name="casme2-3",
        title="CASME II, 3 classes",
        databases=("casme2",),
        class_set="3",
        classes=THREE,
        samples=145,
        subjects=24,
        parts={"casme2": _CASME2},
        source="the CASME II part of MEGC 2019",
    ),
    Benchmark(
        name="samm-5",
        title="SAMM, 5 classes",
        databases=("samm",),
        class_set="5",
        classes=("anger", "happiness", "contempt", "surprise", "others"),
        samples=136,
        subjects=None,
        parts={
            "samm": Part(
                samples=136,
                classes={
                    "anger": 57,
                    "happiness": 26,
                    "contempt": 12,
                    "surprise": 15,
                    "others": 26,
                },
            )
        },
        source="SAMM_Micro_FACS_Codes_v2.xlsx",
    ),
    Benchmark(
        name="smic-3",
        title="SMIC-HS, 3 classes",
        databases=("smic",),
        class_set="3",
        classes=THREE,
        samples=164,
        subjects=16,
        parts={"smic": _SMIC},
        source="Li et al., FG 2013",
    ),
    Benchmark(
        name="casme3-3",
        title="CAS(ME)^3 part A, 3 classes",
        databases=("casme3",),
        class_set="3",
        classes=THREE,
        samples=699,
        subjects=None,
        parts={
            "casme3": Part(samples=699, classes=dict(zip(THREE, (457, 55, 187), strict=True))),
        },
        source="Li et al., CAS(ME)^3, IEEE TPAMI 45(3), 2023; cas(me)3_part_A_ME_label_JpgIndex_v2",
    ),
    Benchmark(
        name="casme3-7",
        title="CAS(ME)^3 part A, 7 classes",
        databases=("casme3",),
        class_set="7",
        classes=("happiness", "surprise", "anger", "disgust", "fear", "sadness", "others"),
        samples=860,
        subjects=94,
        parts={
            "casme3": Part(
                samples=860,
                subjects=94,
                classes={
                    "happiness": 55,
                    "surprise": 187,
                    "anger": 64,
                    "disgust": 250,
                    "fear": 86,
                    "sadness": 57,
                    "others": 161,
                },
            )
        },
        source="Li et al., CAS(ME)^3, IEEE TPAMI 45(3), 2023; cas(me)3_part_A_ME_label_JpgIndex_v2",
    ),
    Benchmark(
        name="dfme-7",
        title="DFME, 7 classes",
        databases=("dfme",),
        class_set="7",
        classes=_DFME_SEVEN,
        samples=7526,
        # 656 and 671 are both printed.
        subjects=None,
        folds="kfold",
        fold_count=10,
        parts={"dfme": Part(samples=7526)},
        source="Zhao et al., DFME, IEEE Trans. Affective Computing 15(3), 2024 (ten folds)",
    ),
    _dfme_test("dfme-test-a", "A", 474),
    _dfme_test("dfme-test-b", "B", 299),
    Benchmark(
        name="four_dme-5",
        title="4DME, 5 emotions, several to a clip",
        databases=("four_dme",),
        labels="emotions",
        classes=("positive", "negative", "surprise", "repression", "others"),
        samples=267,
        subjects=None,
        parts={"four_dme": Part(samples=267)},
        source="Li et al., 4DME, IEEE Trans. Affective Computing 14(4), 2023; 267 clips of gray "
        "video in 4DME_Labelling_Micro_release v1, as meb reads it",
    ),
    Benchmark(
        name="cd6me",
        title="CD6ME, action units across six databases",
        databases=tuple(CD6ME_COUNTS),
        labels="units",
        classes=CD6ME_UNITS,
        samples=2031,
        subjects=None,
        folds="database",
        parts={name: _units(*counts) for name, counts in CD6ME_COUNTS.items()},
        source="Varanka et al., Data leakage and evaluation issues in micro-expression analysis, "
        "IEEE Trans. Affective Computing 15(1), 2024, table 4 as meb prints it",
    ),
)

BENCHMARKS: Mapping[str, Benchmark] = {benchmark.name: benchmark for benchmark in _ALL}


_KINDS = {"units": "action units", "emotions": "emotions"}


def find_benchmark(name: BenchmarkName) -> Benchmark:
    """Return the benchmark of a name.

    Raises:
        ConfigError: if none is called so.
    """
    if name not in BENCHMARKS:
        raise ConfigError(f"benchmark is {name!r}, expected one of {', '.join(BENCHMARKS)}")
    return BENCHMARKS[name]


def class_benchmark(name: BenchmarkName) -> Benchmark:
    """Return a benchmark whose clips have one class each.

    Raises:
        ConfigError: for one that scores several labels of a clip, each on its own, or an unknown
            name.
    """
    benchmark = find_benchmark(name)
    if benchmark.labels != "one":
        raise ConfigError(
            f"{name} scores {_KINDS[benchmark.labels]}, several to a clip and each on its own; "
            f"only `mace evaluate --protocol.benchmark {name}` does that"
        )
    return benchmark
