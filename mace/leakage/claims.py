"""Checks of what is reported: every sample predicted once, and the scores the predictions give."""

from collections import defaultdict

import numpy as np

from mace import metrics
from mace.leakage.case import Case, Finding, NotRecorded, finding, share
from mace.protocols.benchmarks import BENCHMARKS
from mace.protocols.counts import check_counts

# Scores are printed with three or four digits; two that differ by less are the same.
SAME = 6e-4

NAMES = {"uf1": "UF1", "uar": "UAR", "accuracy": "accuracy"}


def missing_samples(case: Case) -> list[Finding]:
    """Clips that no fold tests, folds without predictions, or fewer clips than the protocol has."""
    findings: list[Finding] = []
    if len(case.splits) > 1:
        # With one fold, training clips are rightly never tested.
        tested = {case.items[i].sample_key for i in case.tested}
        untested = [item.name for item in case.items if item.sample_key not in tested]
        worth = _bound(case, len(untested))
        findings += finding("missing-samples", "no fold tests these samples", untested, worth)
    if any(part.predictions is not None for part in case.parts):
        silent = [
            f"{part.where}: {case.items[i].name}"
            for part in case.parts
            for i in sorted(set(part.test.tolist()) - {k for k, _ in part.predictions or ()})
        ]
        worth = _bound(case, len(silent))
        findings += finding("missing-samples", "tested samples have no prediction", silent, worth)
    if case.benchmark is not None:
        # A sample that is given two truths counts once, by the first.
        first = {case.items[i].sample_key: case.items[i] for i in sorted(case.tested, reverse=True)}
        own = list(first.values())
        benchmark = BENCHMARKS[case.benchmark]
        deviations = check_counts(
            benchmark, [item.truth for item in own], [item.person for item in own]
        )
        findings += finding(
            "missing-samples",
            f"the samples are not those of {benchmark.title}",
            deviations,
            _bound(case, max(0, benchmark.samples - len(own))),
        )
    return findings


def coverage(case: Case) -> list[Finding]:
    """Samples that are tested or predicted more than once, or predicted where not tested."""
    times: dict[tuple[str, str], list[int]] = defaultdict(list)
    # By key: a sample that is spelt in two ways is one.
    keys = [f"{item.clip_key}#{item.frame}#{item.source}" for item in case.items]
    strange: list[str] = []
    touched: set[int] = set()
    for part in case.parts:
        tested = set(part.test.tolist())
        predicted = (
            part.test.tolist() if part.predictions is None else [i for i, _ in part.predictions]
        )
        for i in predicted:
            times[part.seed, keys[i]].append(i)
            if i not in tested:
                strange.append(f"{part.where}: {case.items[i].name}")
                touched.add(i)
    again = [
        (seed, i)
        for (seed, _), places in times.items()
        if len(places) > 1
        for i in dict.fromkeys(places)
    ]
    findings = finding(
        "not-once",
        "samples are predicted more than once, so some count more than others",
        [f"seed {seed}: {case.items[i].name}" for seed, i in again],
        share(case, {i for _, i in again}),
    )
    return findings + finding(
        "not-once", "samples are predicted in a fold that does not test them", strange,
        share(case, touched),
    )  # fmt: skip


def labels(case: Case) -> list[Finding]:
    """One clip with two true classes."""
    truths: dict[str, set[str]] = {}
    names: dict[str, str] = {}
    for item in case.items:
        if item.truth:
            truths.setdefault(item.clip_key, set()).add(item.truth)
            names.setdefault(item.clip_key, item.clip_name)
    if not truths:
        raise NotRecorded("true classes (column `truth`)")
    places = [
        f"{names[key]}: {' and '.join(sorted(given))}"
        for key, given in truths.items()
        if len(given) > 1
    ]
    worth = f"concerns {len(places)} of {len(truths)} clips"
    return finding("label-conflict", "clips have two true classes", places, worth)


def scores(case: Case) -> list[Finding]:
    """Reported scores that are another figure of the same predictions, or none of theirs."""
    if not case.claims:
        raise NotRecorded("reported scores")
    if not case.predictions or not any(item.truth for item in case.items):
        raise NotRecorded("the predictions that the reported scores are of")
    findings: list[Finding] = []
    counts = [case.confusion(predictions) for predictions in case.predictions.values()]
    for name, claim in case.claims.items():
        right = [getattr(metrics, name)(matrix) for matrix in counts]
        if abs(claim - float(np.mean(right))) <= SAME:
            continue
        code, what = _explain(case, name, claim, right, counts)
        worth = f"{NAMES[name]} is {np.mean(right):.4f}, {claim - np.mean(right):+.4f} in the claim"
        findings += finding(code, what, [f"{NAMES[name]} {claim:.4f}"], worth)
    return findings + finding(
        "score-mismatch",
        "files of one run contradict each other",
        case.contradictions,
        "nothing can be said about a score whose predictions are not known",
    )


def _explain(
    case: Case, name: str, claim: float, right: list[float], counts: list[np.ndarray]
) -> tuple[str, str]:
    shown = NAMES[name]
    for figure, score in (
        ("uar-macro-precision", metrics.macro_precision),
        ("other-metric", metrics.weighted_f1),
        ("other-metric", metrics.accuracy),
        ("other-metric", metrics.uar),
        ("other-metric", metrics.uf1),
    ):
        if abs(claim - float(np.mean([score(matrix) for matrix in counts]))) <= SAME:
            other = score.__name__.replace("_", " ")
            code = figure if name == "uar" or figure == "other-metric" else "other-metric"
            return code, f"the reported {shown} is the {other} of the same predictions"
    if name != "accuracy" and any(abs(claim - mean) <= SAME for mean in _fold_means(case, name)):
        return (
            "fold-averaged",
            f"the reported {shown} is a mean over folds, which means nothing where folds miss "
            "classes; pool the counts first",
        )
    if len(right) > 1 and abs(claim - max(right)) <= SAME:
        return "best-seed", f"the reported {shown} is that of the best of {len(right)} seeds"
    return "score-mismatch", f"the reported {shown} is not what the predictions give"


def _fold_means(case: Case, name: str) -> list[float]:
    """Return the means over folds, by the ways in use of treating classes a fold lacks."""
    ways: list[list[float]] = [[], [], []]
    per_class = metrics.class_f1 if name == "uf1" else metrics.class_recall
    for part in case.parts:
        if not part.predictions:
            continue
        counts = case.confusion(dict(part.predictions))
        if not counts.sum():
            continue
        by_class = per_class(counts)
        present = counts.sum(axis=1) > 0
        occurring = present | (counts.sum(axis=0) > 0)
        filled = np.nan_to_num(by_class)
        ways[0].append(float(filled[present].mean()))
        ways[1].append(float(filled[occurring].mean()))
        ways[2].append(float(filled.mean()))
    return [float(np.mean(way)) for way in ways if way]


def _bound(case: Case, missing: int) -> str:
    text = "1 sample is missing" if missing == 1 else f"{missing} samples are missing"
    if not case.predictions or not missing:
        return text
    lowest = []
    for predictions in case.predictions.values():
        counts = case.confusion(predictions)
        hits, total = np.trace(counts), counts.sum()
        if total:
            lowest.append((hits / total, hits / (total + missing)))
    if not lowest:
        return text
    now, low = np.mean(lowest, axis=0)
    return f"{text}; accuracy is {now:.3f}, and {low:.3f} if all of them were wrong"
