"""Runs side by side: the same clips, paired by subject."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from mace.errors import DataError
from mace.evaluation.bootstrap import Interval, percentile_interval
from mace.evaluation.comparison.published import Elsewhere, Published
from mace.evaluation.loading import load_evaluation
from mace.evaluation.logs.predictions import predictions_from_logs
from mace.evaluation.method_scores import (
    CONFIDENCE,
    SCORES,
    BenchmarkCounts,
    Bootstrap,
    PartScores,
    against,
    describe,
    draw_scores,
)
from mace.evaluation.predictions import Predictions, predictions_of
from mace.metrics import MeanScores
from mace.protocols.benchmarks import Benchmark
from mace.protocols.labels import canonical_class
from mace.protocols.names import subject_key


def load_predictions(
    path: Path, *, classes: Sequence[str] | None = None, benchmark: Benchmark | None = None
) -> Predictions:
    """Return the predictions of a run folder or of a log, called after its path.

    Args:
        path: the folder or the log.
        classes: names of the classes, in the order of a log's integer labels.
        benchmark: tells the database of a subject where a log does not.

    Raises:
        DataError: if it is neither.
    """
    if path.is_dir():
        return predictions_of(load_evaluation(path))
    return predictions_from_logs([path], classes=classes, benchmark=benchmark)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How far a run is ahead of the reference.

    Attributes:
        difference: in a score.
        interval: of it, by a paired bootstrap over people.
    """

    difference: float
    interval: Interval


@dataclass(frozen=True, kw_only=True)
class ComparedRun(MeanScores):
    """A run on the clips that all have predicted.

    Attributes:
        title: what it calls itself.
        seeds: number of its seeds.
        n_own: number of all its clips.
        intervals: of `uf1`, `uar` and `accuracy`.
        per_database: scores on each database's clips.
        ahead: of the reference, in each of the three.
        benchmark: its own clips against the protocol's, if a protocol was named.
    """

    title: str
    seeds: int
    n_own: int
    intervals: Mapping[str, Interval]
    per_database: Mapping[str, PartScores]
    ahead: Mapping[str, Difference]
    benchmark: BenchmarkCounts | None


@dataclass(frozen=True, kw_only=True)
class ComparedRuns:
    """Runs side by side.

    Attributes:
        runs: by name, the reference first.
        reference: name of the run that the others are compared with.
        n: number of clips that all have predicted.
        subjects: number of their people.
        classes: their names.
        benchmark: those clips against the protocol's, if one was named.
        warnings: what a reader must know, in sentences.
        bootstrap: how the intervals were drawn.
    """

    runs: Mapping[str, ComparedRun]
    reference: str
    n: int
    subjects: int
    classes: tuple[str, ...]
    benchmark: BenchmarkCounts | None
    warnings: tuple[str, ...]
    bootstrap: Bootstrap = field(default_factory=Bootstrap)


def compare_predictions(
    predictions: Mapping[str, Predictions], *, benchmark: Benchmark | None = None
) -> ComparedRuns:
    """Compare every entry with the first, on the clips that all have predicted.

    Clips are paired by `mace.protocols.names.clip_key`, however each entry spells them.

    The bootstrap draws the same subjects for each entry, so the interval of a difference is that
    of a paired comparison; one that holds 0 says that these subjects cannot tell the two apart.

    Args:
        predictions: at least one method's, by the name to show.
        benchmark: the protocol whose counts are set beside those of each entry and of the clips
            that are compared.

    Raises:
        DataError: if there is no common clip, or the truth of one differs.
    """
    common, warnings = _common(predictions)
    draws = {name: draw_scores(entry) for name, entry in common.items()}
    reference = next(iter(common))
    runs: dict[str, ComparedRun] = {}
    for name, entry in common.items():
        scores = describe(entry, draws=draws[name])
        runs[name] = ComparedRun(
            **{part.name: getattr(scores, part.name) for part in fields(MeanScores)},
            title=entry.name,
            seeds=len(entry.predicted),
            n_own=len(predictions[name]),
            intervals=scores.intervals,
            per_database=scores.per_database,
            ahead={
                score: Difference(
                    difference=getattr(scores, score) - getattr(runs.get(reference, scores), score),
                    interval=percentile_interval(
                        getattr(draws[name], score) - getattr(draws[reference], score),
                        confidence=CONFIDENCE,
                    ),
                )
                for score in SCORES
            },
            benchmark=None if benchmark is None else against(benchmark, predictions[name]),
        )
    first = common[reference]
    return ComparedRuns(
        runs=runs,
        reference=reference,
        n=len(first),
        subjects=len(set(first.groups.tolist())),
        classes=first.classes,
        benchmark=None if benchmark is None else against(benchmark, first),
        warnings=tuple(warnings),
    )


def published_rows(results: Sequence[Published | Elsewhere]) -> list[dict[str, Any]]:
    """Return published results as JSON has them, with what is known of them in words."""
    return [asdict(result) | {"remarks": list(result.remarks)} for result in results]


def _common(predictions: Mapping[str, Predictions]) -> tuple[dict[str, Predictions], list[str]]:
    names = list(predictions)
    if not names:
        raise DataError("there is nothing to compare; name a run folder or a log")
    classes = _classes(predictions)
    positions = {
        name: {key: i for i, key in enumerate(entry.keys)} for name, entry in predictions.items()
    }
    order = sorted(set.intersection(*(set(position) for position in positions.values())))
    if not order:
        raise DataError(
            f"{' and '.join(names)} have no clip in common, so they cannot be compared; evaluate "
            f"both on the same data set ({_examples(predictions)})"
        )
    common = {
        name: _recoded(entry.take([positions[name][key] for key in order]), classes)
        for name, entry in predictions.items()
    }
    truth = common[names[0]].labels
    for name in names[1:]:
        differ = np.flatnonzero(common[name].labels != truth)
        if differ.size:
            raise DataError(
                f"{name} and {names[0]} disagree about the true class of {differ.size} clips, the "
                f"first being {common[name].clips[differ[0]]}; compare results on one class set"
            )
    warnings = []
    for name, entry in predictions.items():
        warnings += entry.remarks
        if len(entry) != len(order):
            warnings.append(
                f"{name} has {len(entry)} clips, of which the {len(order)} that all share are "
                f"compared{_gone(name, predictions)}"
            )
    return common, warnings


def _gone(name: str, predictions: Mapping[str, Predictions]) -> str:
    """Name the databases of an entry that another entry has no clip of."""
    own = Counter(predictions[name].databases)
    texts = []
    for other, entry in predictions.items():
        absent = [f"{database} ({own[database]})" for database in own.keys() - {*entry.databases}]
        if absent:
            texts.append(f"; {other} has none of {', '.join(sorted(absent))}")
    return "".join(texts)


def _examples(predictions: Mapping[str, Predictions]) -> str:
    return "; ".join(f"{name} holds {entry.clips[0]}" for name, entry in predictions.items())


def _classes(predictions: Mapping[str, Predictions]) -> tuple[str, ...]:
    sets = [{canonical_class(name) for name in entry.classes} for entry in predictions.values()]
    whole = set().union(*sets)
    largest = max(predictions.values(), key=lambda entry: len(entry.classes))
    order = tuple(canonical_class(name) for name in largest.classes)
    if whole != set(order):
        listed = "; ".join(
            f"{name}: {', '.join(entry.classes)}" for name, entry in predictions.items()
        )
        raise DataError(f"the classes differ ({listed}); compare results on one class set")
    return order


def _recoded(predictions: Predictions, classes: tuple[str, ...]) -> Predictions:
    # A log may lack a class, or hold the classes in another order, or spell people otherwise.
    code = np.array([classes.index(canonical_class(name)) for name in predictions.classes])
    people = [subject_key(*person.split("/", 1)) for person in predictions.people]
    subjects = tuple(sorted(set(people)))
    return Predictions(
        name=predictions.name,
        classes=classes,
        clips=predictions.clips,
        subjects=subjects,
        groups=np.array([subjects.index(person) for person in people], np.int64),
        labels=code[predictions.labels],
        predicted=code[predictions.predicted],
    )
