"""Named benchmarks: which clips of which databases, in which classes, and how many there must be.

A score belongs to its sample: 442, 441 and 435 clips of one composite are in the literature under
one name (`mace.protocols.counts` says how a set differs from its benchmark). Counts are those of
`source`; a database without counts for each class has its total only.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

BenchmarkName = Literal[
    "megc2019",
    "megc2018-hde",
    "megc2018-cde",
    "casme2-5",
    "casme2-3",
    "samm-5",
    "smic-3",
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
        class_set: the set of classes its labels come from: 3, 5 or objective.
        classes: its classes, in the order of the field's integer labels.
        samples: clips in all.
        subjects: people in all, or None where the source does not say.
        folds: `loso`, or `database` for training on one database and testing on the other.
        parts: the counts of each database.
        source: where the counts come from.
    """

    name: BenchmarkName
    title: str
    databases: tuple[str, ...]
    class_set: Literal["3", "5", "objective"]
    classes: tuple[str, ...]
    samples: int
    subjects: int | None
    folds: Literal["loso", "database"] = "loso"
    parts: Mapping[str, Part]
    source: str

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
)

BENCHMARKS: Mapping[str, Benchmark] = {benchmark.name: benchmark for benchmark in _ALL}
