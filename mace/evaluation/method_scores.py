"""The figures of one method, as plain numbers that JSON can hold; needs no network and no JAX."""

from typing import Any

import numpy as np
from jaxtyping import Int

from mace import metrics
from mace.evaluation.bootstrap import Interval, ScoreDraws, bootstrap, percentile_interval
from mace.evaluation.bootstrap import subject_counts as count_by_subject
from mace.evaluation.predictions import Predictions
from mace.protocols.benchmarks import Benchmark
from mace.protocols.counts import check_counts

RESAMPLES = 2000
CONFIDENCE = 0.95
SCORES = ("uf1", "uar", "accuracy")
METRICS = {
    "uf1": metrics.uf1,
    "uar": metrics.uar,
    "accuracy": metrics.accuracy,
    "macro_precision": metrics.macro_precision,
    "weighted_f1": metrics.weighted_f1,
}


def describe(predictions: Predictions, *, draws: ScoreDraws | None = None) -> dict[str, Any]:
    """Return every score of a method.

    `uf1`, `uar`, `accuracy`, `macro_precision` and `weighted_f1` are means over the seeds of scores
    from pooled counts; `intervals` their bootstrap over subjects; `per_seed` the single ones;
    `confusion` the counts added over the seeds (rows truth), `per_class` its scores, and
    `per_database` the scores of the same predictions on each database's clips. The score of a class
    without a true sample is None, and it is left out of the means.
    """
    draws = draw_scores(predictions) if draws is None else draws
    counts = predictions.confusions()
    total = counts.sum(axis=0)
    intervals: dict[str, Interval] = {
        name: percentile_interval(getattr(draws, name), confidence=CONFIDENCE) for name in SCORES
    }
    return {
        **mean_scores(counts),
        "n": len(predictions),
        "subjects": len(set(predictions.groups.tolist())),
        "classes": list(predictions.classes),
        "intervals": {name: list(interval) for name, interval in intervals.items()},
        "per_seed": {name: [METRICS[name](confusion) for confusion in counts] for name in SCORES},
        "confusion": total.tolist(),
        "confusion_per_seed": counts.tolist(),
        "per_class": {
            name: {
                "precision": _number(scores.precision),
                "recall": _number(scores.recall),
                "f1": _number(scores.f1),
                "support": scores.support // len(counts),
            }
            for name, scores in zip(predictions.classes, metrics.per_class(total), strict=True)
        },
        "per_database": by_database(predictions),
    }


def draw_scores(predictions: Predictions) -> ScoreDraws:
    """Return the scores of random draws of whole subjects; see `bootstrap`."""
    counts = count_by_subject(
        predictions.labels, predictions.predicted, predictions.groups, len(predictions.classes)
    )
    return bootstrap(counts, resamples=RESAMPLES)


def mean_scores(counts: Int[np.ndarray, "s k k"]) -> dict[str, float]:
    """Return the mean of every score over the seeds' confusion matrices."""
    return {
        name: float(np.mean([score(confusion) for confusion in counts]))
        for name, score in METRICS.items()
    }


def by_database(predictions: Predictions) -> dict[str, dict[str, float]]:
    """Return the scores of each database's clips, from the same predictions."""
    database = np.array(predictions.databases)
    parts = {}
    for name in sorted(set(predictions.databases)):
        own = predictions.take(np.flatnonzero(database == name))
        people = len(set(own.groups.tolist()))
        parts[name] = mean_scores(own.confusions()) | {"n": len(own), "subjects": people}
    return parts


def against(benchmark: Benchmark, predictions: Predictions) -> dict[str, Any]:
    """Return the benchmark's counts, and in words where the scored clips differ from them."""
    return {
        "name": benchmark.name,
        "title": benchmark.title,
        "n": len(predictions),
        "samples": benchmark.samples,
        "subjects": benchmark.subjects,
        "deviations": check_counts(benchmark, predictions.label_names, predictions.people),
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value
