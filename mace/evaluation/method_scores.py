"""The scores of one method's predictions; needs no network and no JAX."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mace import metrics
from mace.config import to_dict
from mace.evaluation.bootstrap import Interval, ScoreDraws, bootstrap, percentile_interval
from mace.evaluation.bootstrap import subject_counts as count_by_subject
from mace.evaluation.predictions import Predictions
from mace.protocols.benchmarks import Benchmark
from mace.protocols.counts import check_counts

RESAMPLES = 2000
CONFIDENCE = 0.95
SCORES = ("uf1", "uar", "accuracy")


@dataclass(frozen=True, kw_only=True)
class PartScores(metrics.MeanScores):
    """Scores on some of the clips, such as those of one database.

    Attributes:
        n: number of clips.
        subjects: number of people.
    """

    n: int
    subjects: int


@dataclass(frozen=True, kw_only=True)
class MethodScores(PartScores):
    """Every score of a method.

    Attributes:
        classes: their names.
        intervals: of `uf1`, `uar` and `accuracy`, 95 %, by the bootstrap over subjects.
        per_seed: those three scores of each seed.
        confusion: counts added over the seeds (rows truth).
        confusion_per_seed: the counts of each seed.
        per_class: scores of each class from `confusion`; NaN where it has no true clip.
        per_database: scores of the same predictions on each database's clips.
    """

    classes: tuple[str, ...]
    intervals: Mapping[str, Interval]
    per_seed: Mapping[str, tuple[float, ...]]
    confusion: list[list[int]]
    confusion_per_seed: list[list[list[int]]]
    per_class: Mapping[str, metrics.ClassScores]
    per_database: Mapping[str, PartScores]


@dataclass(frozen=True, kw_only=True)
class BenchmarkCounts:
    """How the scored clips differ from those of a protocol.

    Attributes:
        name: of the protocol.
        title: its name in full.
        n: number of scored clips.
        samples: number of the protocol's.
        subjects: number of its people; None where it does not say.
        deviations: what differs, in words.
    """

    name: str
    title: str
    n: int
    samples: int
    subjects: int | None
    deviations: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Bootstrap:
    """How intervals were drawn.

    Attributes:
        resamples: number of draws.
        confidence: of the intervals.
        unit: what is drawn.
    """

    resamples: int = RESAMPLES
    confidence: float = CONFIDENCE
    unit: str = "subject"


def describe(predictions: Predictions, *, draws: ScoreDraws | None = None) -> MethodScores:
    """Return every score of a method; a class without a true clip is left out of the means."""
    draws = draw_scores(predictions) if draws is None else draws
    counts = predictions.confusions()
    total = counts.sum(axis=0)
    return MethodScores(
        **vars(metrics.mean_scores(counts)),
        n=len(predictions),
        subjects=len(set(predictions.groups.tolist())),
        classes=predictions.classes,
        intervals={
            name: percentile_interval(getattr(draws, name), confidence=CONFIDENCE)
            for name in SCORES
        },
        per_seed={
            name: tuple(getattr(metrics, name)(confusion) for confusion in counts)
            for name in SCORES
        },
        confusion=total.tolist(),
        confusion_per_seed=counts.tolist(),
        per_class={
            name: replace(scores, support=scores.support // len(counts))
            for name, scores in zip(predictions.classes, metrics.per_class(total), strict=True)
        },
        per_database=by_database(predictions),
    )


def figures_json(figures: Any) -> dict[str, Any]:
    """Return scores, a dataclass, as JSON holds them: a score that is not defined is null."""
    return _without_nan(to_dict(figures))


def draw_scores(predictions: Predictions) -> ScoreDraws:
    """Return the scores of random draws of whole subjects; see `bootstrap`."""
    counts = count_by_subject(
        predictions.labels, predictions.predicted, predictions.groups, len(predictions.classes)
    )
    return bootstrap(counts, resamples=RESAMPLES)


def by_database(predictions: Predictions) -> dict[str, PartScores]:
    """Return the scores of each database's clips, from the same predictions."""
    database = np.array(predictions.databases)
    parts = {}
    for name in sorted(set(predictions.databases)):
        own = predictions.take(np.flatnonzero(database == name))
        people = len(set(own.groups.tolist()))
        scores = metrics.mean_scores(own.confusions())
        parts[name] = PartScores(**vars(scores), n=len(own), subjects=people)
    return parts


def against(benchmark: Benchmark, predictions: Predictions) -> BenchmarkCounts:
    """Return the benchmark's counts, and in words where the scored clips differ from them."""
    return BenchmarkCounts(
        name=benchmark.name,
        title=benchmark.title,
        n=len(predictions),
        samples=benchmark.samples,
        subjects=benchmark.subjects,
        deviations=tuple(check_counts(benchmark, predictions.label_names, predictions.people)),
    )


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
