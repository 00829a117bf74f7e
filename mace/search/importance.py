"""How much of the score's variation each setting explains."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna

from mace.search.proposing import distributions, to_params
from mace.search.results import Outcome
from mace.search.space import SearchSpace

optuna.logging.set_verbosity(optuna.logging.WARNING)

# Fewer complete settings say nothing about any of them.
LEAST = 8


@dataclass(frozen=True, kw_only=True)
class Importance:
    """The part of a path in the variance of UF1, in [0, 1], for each group that can tell."""

    path: str
    groups: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Return the mean over the groups."""
        return float(np.mean(self.groups))


def importances(outcomes: Sequence[Outcome], space: SearchSpace) -> list[Importance]:
    """Return the paths of a space, the most important first; nothing if there is too little.

    fANOVA: Hutter, Hoos and Leyton-Brown, "An Efficient Approach for Assessing Hyperparameter
    Importance", ICML 2014, as Optuna has it.
    """
    by_group = [
        found
        for group in sorted({one.group for one in outcomes})
        if (found := _importance([one for one in outcomes if one.group == group], space))
    ]
    paths = by_group[0] if by_group else {}
    rows = [
        Importance(path=path, groups=tuple(found.get(path, 0.0) for found in by_group))
        for path in paths
    ]
    return sorted(rows, key=lambda row: (-row.mean, row.path))


def _importance(outcomes: Sequence[Outcome], space: SearchSpace) -> dict[str, float]:
    complete = [one for one in outcomes if one.status == "complete" and one.uf1 is not None]
    if len(complete) < LEAST or len({one.uf1 for one in complete}) < 2:
        return {}
    kinds = {path: one for path, one in distributions(space).items() if not one.single()}
    study = optuna.create_study(direction="maximize")
    for one in complete:
        params: dict[str, Any] = to_params(space, one.setting)
        study.add_trial(
            optuna.trial.create_trial(
                params={path: params[path] for path in kinds}, distributions=kinds, value=one.uf1
            )
        )
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    return dict(optuna.importance.get_param_importances(study, evaluator=evaluator))
