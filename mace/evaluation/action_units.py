"""Labels of which a clip may show several, each a binary problem of its own, under the same folds.

Action units, as the CD6ME protocol has them: each unit that a clip's annotation lists is present,
every other is absent; binary F1 over the pooled predictions of all folds, then the mean over the
units, and for each database the mean over its units, then over databases. Source: Varanka, Li, Peng
and Zhao, "Data leakage and evaluation issues in micro-expression analysis", IEEE Trans. Affective
Computing 15(1), 2024. 4DME's emotions, of which a clip may have several, likewise.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool
from sklearn.metrics import f1_score, roc_auc_score

from mace.adaptation.search import WindowFit
from mace.data.motion_set import MotionSet
from mace.errors import ConfigError, DataError
from mace.evaluation.config import NETWORK, EvaluationConfig
from mace.evaluation.cross_validation import evaluate_methods
from mace.evaluation.method_scores import BenchmarkCounts
from mace.evaluation.methods.bundles import bundle_for
from mace.evaluation.methods.make import make_methods
from mace.evaluation.methods.windows import fit_window
from mace.evaluation.methods.zero_shot import ZeroShot
from mace.evaluation.protocol_folds import make_folds
from mace.evaluation.results import Evaluation
from mace.evaluation.selection import subset
from mace.files import atomic_path
from mace.progress import progress
from mace.protocols.benchmarks import Benchmark
from mace.protocols.counts import check_counts
from mace.protocols.names import canonical_database

if TYPE_CHECKING:
    import pandas as pd

LEAST = 20
"""Units that fewer clips show are no part of the mean, unless a benchmark names the units."""


@dataclass(frozen=True, eq=False, kw_only=True)
class UnitScores:
    """What `evaluate_units` found.

    Attributes:
        units: a row for each unit: `unit`, `clips` that show it, `of` how many, and for each method
            `f1` and, where it has probabilities, `auc`, as `METHOD f1`; the last row is the mean.
        databases: with a benchmark over several databases, a row for each: `database`, `clips`, and
            for each method the mean of its units' F1, that of a unit which no clip of the database
            shows being 0; the last row is the mean. None otherwise.
        benchmark: how the clips differ from the benchmark's, if there is one.
    """

    units: "pd.DataFrame"
    databases: "pd.DataFrame | None" = None
    benchmark: BenchmarkCounts | None = None


def evaluate_units(
    motion_set: MotionSet,
    *,
    config: EvaluationConfig,
    known: Sequence[str] | None,
    run_dir: Path,
    title: str,
    description: Mapping[str, str],
    command: str,
    workers: int,
    log: Callable[[str], None],
    benchmark: Benchmark | None = None,
) -> UnitScores:
    """Evaluate each action unit that some clips list and others do not; goes on where it was.

    Args:
        motion_set: the clips; those that list no unit are left out, unless a benchmark counts them
            as showing none.
        config: as for classes; a network that is evaluated as it is is asked for the unit.
        known: the units that such a network names; None where one is trained for each unit.
        run_dir: a folder of results for each unit, `AU12`, `units.csv` and, with several databases
            of a benchmark, `databases.csv`.
        title: what tables call the network.
        description: further facts for the reports.
        command: that makes the results.
        workers: processes.
        log: takes lines of progress.
        benchmark: one with several labels to a clip, whose units, or emotions, are evaluated; the
            mean is over all of them. Without one, it is over the units that `LEAST` clips show, or
            over all where none has as many.

    Raises:
        DataError: if no clip lists a unit, or each unit is listed by all clips or none.
        ConfigError: if the network names none of them.
    """
    import pandas as pd

    chosen, shown = _labels(motion_set, benchmark)
    there_or_not = {name: there for name, there in shown.items() if 0 < there.sum() < len(there)}
    if not there_or_not:
        raise DataError("all clips list the same action units, so none can be told from another")
    asked = [name for name in there_or_not if known is None or name in known]
    if not asked:
        raise ConfigError(
            f"the clips list the units {', '.join(there_or_not)}, of which the network names none; "
            "leave out --zero-shot to train for each of them"
        )
    called = {name: _called(name, benchmark) for name in shown}
    unnamed = [called[name] for name in there_or_not if name not in asked]
    if unnamed:
        log(f"left out, since the network does not name them: {', '.join(unnamed)}")
    alike = [called[name] for name in shown if name not in there_or_not]
    if benchmark is not None and alike:
        log(f"left out, since no clip or every clip shows them: {', '.join(alike)}")
    # Whatever a unit's own result is called after, it is not the benchmark.
    config = replace(config, protocol=replace(config.protocol, benchmark=None))
    windows = _windows(chosen, config)
    evaluations: dict[str, Evaluation] = {}
    for name in asked:
        there = shown[name]
        log(f"{called[name]}: {there.sum()} of {len(there)} clips")
        if config.zero_shot is not None:
            config = replace(config, zero_shot=replace(config.zero_shot, unit=name))
        methods = make_methods(config)
        if isinstance(network := methods[NETWORK], ZeroShot):
            methods = {**methods, NETWORK: replace(network, windows=windows)}
        evaluations[name] = evaluate_methods(
            replace(
                chosen,
                labels=there.astype(np.int32),
                classes=("absent", "present"),
                fingerprint="",
            ),
            config=config,
            run_dir=run_dir / called[name],
            title=title,
            description={**description, "action unit": name},
            command=command,
            workers=workers,
            methods=methods,
            log=log,
        )
    rows = [
        {"unit": called[name], "clips": int(shown[name].sum()), "of": len(chosen)}
        | unit_scores(evaluation)
        for name, evaluation in evaluations.items()
    ]
    counted = [row for row in rows if benchmark is not None or row["clips"] >= LEAST] or rows
    units = pd.DataFrame([*rows, {"unit": f"mean of {len(counted)}", **_mean(counted)}])
    _write(units, run_dir / "units.csv")
    databases = None
    if benchmark is not None and len(benchmark.databases) > 1:
        parts = list(_of_databases(chosen, evaluations, {name: shown[name] for name in asked}))
        databases = pd.DataFrame([*parts, {"database": f"mean of {len(parts)}", **_mean(parts)}])
        _write(databases, run_dir / "databases.csv")
    return UnitScores(
        units=units,
        databases=databases,
        benchmark=None if benchmark is None else _against(chosen, benchmark),
    )


def _labels(
    motion_set: MotionSet, benchmark: Benchmark | None
) -> tuple[MotionSet, dict[str, Bool[np.ndarray, " n"]]]:
    """Return the clips that count, and for each label which of them show it."""
    if benchmark is not None and benchmark.labels == "emotions":
        names = [motion_set.classes[label] for label in motion_set.labels]
        listed = [frozenset(benchmark.labels_of(name)) for name in names]
        return motion_set, _shown(listed, benchmark.classes)
    index = np.flatnonzero([bool(units) for units in motion_set.units])
    if not index.size:
        raise DataError(
            "no clip lists action units; prepare a data set whose sheet has them, or name a table "
            "with --units-from"
        )
    if benchmark is not None:
        return motion_set, _shown(motion_set.units, benchmark.classes)
    chosen = subset(motion_set, index)
    return chosen, _shown(chosen.units, sorted(frozenset().union(*chosen.units), key=int))


def _shown(
    listed: Sequence[frozenset[str]], names: Sequence[str]
) -> dict[str, Bool[np.ndarray, " n"]]:
    return {name: np.array([name in labels for labels in listed]) for name in names}


def _called(name: str, benchmark: Benchmark | None) -> str:
    return name if benchmark is not None and benchmark.labels == "emotions" else f"AU{name}"


def _against(motion_set: MotionSet, benchmark: Benchmark) -> BenchmarkCounts:
    """Return where the clips differ from the benchmark's, in their number and what they show."""
    people = [motion_set.subjects[group] for group in motion_set.groups]
    labels = ["+".join(sorted(units)) for units in motion_set.units]
    if benchmark.labels == "emotions":
        labels = [motion_set.classes[label] for label in motion_set.labels]
    return BenchmarkCounts(
        name=benchmark.name,
        title=benchmark.title,
        n=len(motion_set),
        samples=benchmark.samples,
        subjects=benchmark.subjects,
        deviations=tuple(check_counts(benchmark, labels, people)),
    )


def _mean(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the mean of every score, and of the clips their sum."""
    names = [name for name in rows[0] if name not in ("unit", "database", "clips", "of")]
    means = {name: float(np.mean([row[name] for row in rows])) for name in names}
    return {"clips": sum(row["clips"] for row in rows), **means}


def _write(table: "pd.DataFrame", path: Path) -> None:
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.4f")


def _of_databases(
    motion_set: MotionSet,
    evaluations: Mapping[str, Evaluation],
    shown: Mapping[str, Bool[np.ndarray, " n"]],
) -> Iterator[dict[str, Any]]:
    """Yield a row for each database, in the order of their names."""
    of_clip = np.array([canonical_database(clip.split("/", 1)[0]) for clip in motion_set.clips])
    for database in sorted(set(of_clip.tolist())):
        own = of_clip == database
        row: dict[str, Any] = {"database": database, "clips": int(own.sum())}
        for method in next(iter(evaluations.values())).methods:
            scores = [
                _f1(shown[name][own], predicted[own])
                for name, evaluation in evaluations.items()
                for predicted in evaluation.methods[method].predicted
            ]
            row[f"{_titled(method)} f1"] = float(np.mean(scores))
        yield row


def _f1(there: Bool[np.ndarray, " n"], predicted: np.ndarray) -> float:
    """Return the F1 of what is present, 0 where nothing is."""
    return float(f1_score(there, predicted == 1, zero_division=0))  # pyright: ignore[reportArgumentType]


def _titled(method: str) -> str:
    return "network" if method == NETWORK else method


def _windows(motion_set: MotionSet, config: EvaluationConfig) -> dict[str, WindowFit]:
    """Return what fits each fold of a network that is shown its window: the same for all units."""
    asked = config.zero_shot
    if asked is None or asked.adapt is None:
        return {}
    folds = make_folds(motion_set, config.protocol)
    bundle = bundle_for(asked.bundle, motion_set)
    with progress("fitting the window", len(folds)) as advance:
        windows = {}
        for fold in folds:
            windows[fold.name] = fit_window(bundle, motion_set, fold, asked.adapt)
            advance(note=fold.name)
    return windows


def unit_scores(evaluation: Evaluation) -> dict[str, Any]:
    """Return `METHOD f1`, and `METHOD auc` for methods with probabilities, means over seeds."""
    scores: dict[str, Any] = {}
    there = evaluation.labels == 1
    for name, method in evaluation.methods.items():
        scores[f"{_titled(name)} f1"] = float(np.mean([_f1(there, p) for p in method.predicted]))
        if method.probabilities is not None and name != "majority":
            scores[f"{_titled(name)} auc"] = float(
                np.mean([roc_auc_score(there, row[:, 1]) for row in method.probabilities])
            )
    return scores
