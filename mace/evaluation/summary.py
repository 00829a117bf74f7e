"""What an evaluation comes to, as plain numbers that JSON can hold."""

from typing import Any

import numpy as np

from mace import metrics
from mace.evaluation.bootstrap import Interval, ScoreDraws, bootstrap, percentile_interval
from mace.evaluation.bootstrap import subject_counts as count_by_subject
from mace.evaluation.config import NETWORK
from mace.evaluation.results import Evaluation, MethodResult

RESAMPLES = 2000
CONFIDENCE = 0.95
SCORES = ("uf1", "uar", "accuracy")


def summarise(evaluation: Evaluation) -> dict[str, Any]:
    """Return the scores of every method, with intervals, counts and what they belong to.

    The top level holds the network's figures: `uf1`, `uar` and `accuracy` are means over the
    seeds of scores from pooled counts, `intervals` their bootstrap over subjects, `per_seed` the
    single ones, `confusion` the counts added over the seeds (rows truth) and `per_class` its
    scores. `baselines` holds the same for each baseline with `ahead`, the network's lead in UF1
    and its interval by the same draws; `databases` the network's scores on each database's part.
    A score of a class without a sample is None.
    """
    draws = {name: _draws(evaluation, method) for name, method in evaluation.methods.items()}
    results = {
        name: _method_summary(evaluation, method, draws[name])
        for name, method in evaluation.methods.items()
    }
    network = results.pop(NETWORK)
    for name, result in results.items():
        lead = percentile_interval(draws[NETWORK].uf1 - draws[name].uf1, confidence=CONFIDENCE)
        result["ahead"] = {"uf1": network["uf1"] - result["uf1"], "interval": list(lead)}
    return {
        "title": evaluation.title,
        **network,
        "n": len(evaluation.clips),
        "subjects": len(evaluation.subjects),
        "classes": list(evaluation.classes),
        "baselines": results,
        "databases": _by_database(evaluation, evaluation.methods[NETWORK]),
        "synthetic": evaluation.synthetic,
        "config_hash": evaluation.config_hash,
        "fingerprint": evaluation.fingerprint,
        "command": evaluation.command,
        "bootstrap": {"resamples": RESAMPLES, "confidence": CONFIDENCE, "unit": "subject"},
        "provenance": dict(evaluation.provenance),
    }


def mean_scores(counts: np.ndarray) -> dict[str, float]:
    """Return UF1, UAR and accuracy, each the mean over the seeds' confusion matrices (s, k, k)."""
    functions = {"uf1": metrics.uf1, "uar": metrics.uar, "accuracy": metrics.accuracy}
    return {
        name: float(np.mean([score(one) for one in counts])) for name, score in functions.items()
    }


def _draws(evaluation: Evaluation, method: MethodResult) -> ScoreDraws:
    counts = count_by_subject(
        evaluation.labels, method.predictions, evaluation.groups, len(evaluation.classes)
    )
    return bootstrap(counts, resamples=RESAMPLES)


def _method_summary(
    evaluation: Evaluation, method: MethodResult, draws: ScoreDraws
) -> dict[str, Any]:
    counts = method.confusions(evaluation.labels, len(evaluation.classes))
    total = counts.sum(axis=0)
    per_seed = {name: [] for name in SCORES}
    for one in counts:
        for name, value in mean_scores(one[None]).items():
            per_seed[name].append(value)
    intervals: dict[str, Interval] = {
        name: percentile_interval(getattr(draws, name), confidence=CONFIDENCE) for name in SCORES
    }
    return {
        **mean_scores(counts),
        "intervals": {name: list(interval) for name, interval in intervals.items()},
        "per_seed": per_seed,
        "seeds": list(method.seeds),
        "weighted_f1": float(np.mean([metrics.weighted_f1(one) for one in counts])),
        "macro_precision": float(np.mean([metrics.macro_precision(one) for one in counts])),
        "confusion": total.tolist(),
        "confusion_per_seed": counts.tolist(),
        "per_class": {
            name: {
                "precision": _number(scores.precision),
                "recall": _number(scores.recall),
                "f1": _number(scores.f1),
                "support": scores.support // len(counts),
            }
            for name, scores in zip(evaluation.classes, metrics.per_class(total), strict=True)
        },
        "seconds": round(method.seconds, 1),
    }


def _by_database(evaluation: Evaluation, method: MethodResult) -> dict[str, Any]:
    database = np.array([evaluation.subjects[g].split("/")[0] for g in evaluation.groups])
    parts = {}
    for name in evaluation.databases:
        index = np.flatnonzero(database == name)
        counts = np.stack(
            [
                metrics.confusion_matrix(evaluation.labels[index], one, len(evaluation.classes))
                for one in method.predictions[:, index]
            ]
        )
        parts[name] = mean_scores(counts) | {"n": int(index.size)}
    return parts


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value
