"""Action units in the place of classes: a binary problem a unit, under the same folds.

As the CD6ME protocol has it: each unit that a clip's annotation lists is present, every other is
absent; binary F1 over the pooled predictions of all folds, then the mean over the units that enough
clips show. Source: Varanka, Li, Peng and Zhao, "Data leakage and evaluation issues in
micro-expression analysis", IEEE Trans. Affective Computing 15(1), 2024.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool
from sklearn.metrics import roc_auc_score

from mace.adaptation.search import WindowFit
from mace.data.motion_set import MotionSet
from mace.errors import ConfigError, DataError
from mace.evaluation.bundles import bundle_for
from mace.evaluation.config import NETWORK, EvaluationConfig
from mace.evaluation.cross_validation import evaluate_methods, make_folds
from mace.evaluation.make import make_methods
from mace.evaluation.results import Evaluation
from mace.evaluation.selection import subset
from mace.evaluation.windows import fit_window
from mace.evaluation.zero_shot import ZeroShot
from mace.files import atomic_path
from mace.metrics import class_f1
from mace.progress import progress

if TYPE_CHECKING:
    import pandas as pd

LEAST = 20
"""Units that fewer clips show are no part of the mean."""


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
) -> "pd.DataFrame":
    """Evaluate each action unit that some clips list and others do not; goes on where it was.

    Args:
        motion_set: the clips; those that list no unit are left out.
        config: as for classes; a network that is evaluated as it is is asked for the unit.
        known: the units that such a network names; None where one is trained for each unit.
        run_dir: a folder of results for each unit, `AU12`, and `units.csv`, which is returned.
        title: what tables call the network.
        description: further facts for the reports.
        command: that makes the results.
        workers: processes.
        log: takes lines of progress.

    Returns:
        A row for each unit: `unit`, `clips` that show it, `of` how many, and for each method `f1`
        and, where it has probabilities, `auc`, as `METHOD f1`; the last row is the mean over the
        units that `LEAST` clips show, or over all where none has as many.

    Raises:
        DataError: if no clip lists a unit, or each unit is listed by all clips or none.
        ConfigError: if the network names none of them.
    """
    import pandas as pd

    index = np.array([k for k, units in enumerate(motion_set.units) if units], np.int64)
    if not len(index):
        raise DataError(
            "no clip lists action units; prepare a data set whose sheet has them, or name a table "
            "with --units-from"
        )
    chosen = subset(motion_set, index)
    shown = {
        unit: np.array([unit in units for units in chosen.units])
        for unit in sorted(frozenset().union(*chosen.units), key=int)
    }
    shown = {unit: there for unit, there in shown.items() if 0 < there.sum() < len(there)}
    asked = [unit for unit in shown if known is None or unit in known]
    if not shown:
        raise DataError("all clips list the same action units, so none can be told from another")
    if not asked:
        raise ConfigError(
            f"the clips list the units {', '.join(shown)}, of which the network names none; leave "
            "out --zero-shot to train for each of them"
        )
    if len(asked) < len(shown):
        unasked = ", ".join(f"AU{unit}" for unit in shown if unit not in asked)
        log(f"left out, since the network does not name them: {unasked}")
    windows = _windows(chosen, config)
    rows = []
    for unit in asked:
        there = shown[unit]
        log(f"AU{unit}: {there.sum()} of {len(there)} clips")
        if config.zero_shot is not None:
            config = replace(config, zero_shot=replace(config.zero_shot, unit=unit))
        methods = make_methods(config)
        if isinstance(network := methods[NETWORK], ZeroShot):
            methods = {**methods, NETWORK: replace(network, windows=windows)}
        evaluation = evaluate_methods(
            replace(
                chosen,
                labels=there.astype(np.int32),
                classes=("absent", "present"),
                fingerprint="",
            ),
            config=config,
            run_dir=run_dir / f"AU{unit}",
            title=title,
            description={**description, "action unit": unit},
            command=command,
            workers=workers,
            methods=methods,
            log=log,
        )
        rows.append({"unit": f"AU{unit}", "clips": int(there.sum()), "of": len(there)})
        rows[-1] |= unit_scores(evaluation, there)
    counted = [row for row in rows if row["clips"] >= LEAST] or rows
    names = [name for name in rows[0] if name not in ("unit", "clips", "of")]
    mean = {name: float(np.mean([row[name] for row in counted])) for name in names}
    clips = sum(row["clips"] for row in counted)
    table = pd.DataFrame([*rows, {"unit": f"mean of {len(counted)}", "clips": clips, **mean}])
    with atomic_path(run_dir / "units.csv") as temporary:
        table.to_csv(temporary, index=False, float_format="%.4f")
    return table


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


def unit_scores(evaluation: Evaluation, there: Bool[np.ndarray, " n"]) -> dict[str, Any]:
    """Return `METHOD f1`, and `METHOD auc` for methods with probabilities, means over seeds."""
    scores: dict[str, Any] = {}
    labels = there.astype(np.int64)
    for name, method in evaluation.methods.items():
        called = "network" if name == NETWORK else name
        scores[f"{called} f1"] = float(
            np.mean([class_f1(counts)[1] for counts in method.confusions(labels, 2)])
        )
        if method.probabilities is not None and name != "majority":
            scores[f"{called} auc"] = float(
                np.mean([roc_auc_score(there, row[:, 1]) for row in method.probabilities])
            )
    return scores
