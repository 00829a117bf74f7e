"""What is audited, given from Python: a finished cross-validation, a file, or splits of arrays."""

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from mace.errors import ConfigError, DataError
from mace.evaluation.arrays import checked_array, people_of
from mace.evaluation.fingerprints import digest, perceptual_hash
from mace.evaluation.scores import CrossValidation
from mace.leakage.audit_report import AuditReport, audit_case
from mace.leakage.case import Case, Item, Part
from mace.leakage.run_folder import case_of_run
from mace.leakage.split_file import read_split
from mace.protocols.benchmarks import BenchmarkName

type Folds = Sequence[tuple[Any, Any]]


def audit(
    split: str | PathLike[str] | CrossValidation | Folds,
    X: Any = None,
    y: Any = None,
    groups: Any = None,
    *,
    predicted: Any = None,
    benchmark: BenchmarkName | None = None,
    uf1: float | None = None,
    uar: float | None = None,
    accuracy: float | None = None,
) -> AuditReport:
    """Look for leaks: people, clips, pictures or copies of them on both sides, and more.

    A clean report says that nothing of what it lists as checked was found, no more.

    Args:
        split: what `mace.cross_validate` returned; a folder that `mace evaluate` left; a file that
            `mace audit` reads (docs/scores.md); or pairs (train, test) of positions in X, as
            scikit-learn's splitters yield them.
        X: (n, ...) images or rows, where pairs are given, to find equal and nearly equal pictures.
        y: (n,) their labels.
        groups: (n,) the person of each.
        predicted: (n,) predictions, each by the fold that tests the clip.
        benchmark: the protocol that the result is called after.
        uf1: the UF1 that is reported of the predictions.
        uar: the UAR that is reported of them.
        accuracy: the accuracy that is reported of them.

    Raises:
        ConfigError: for what the kind of split does not take.
        DataError: for a damaged file or folder, or arrays that do not fit each other.

    Examples:
        >>> import mace
        >>> from sklearn.model_selection import KFold, LeaveOneGroupOut
        >>> people = ["a", "a", "b", "b", "c", "c"]
        >>> folds = list(LeaveOneGroupOut().split(people, groups=people))
        >>> mace.audit(folds, groups=people).clean
        True
        >>> folds = list(KFold(3, shuffle=True, random_state=0).split(people))
        >>> [finding.code for finding in mace.audit(folds, groups=people).findings]
        ['subject-overlap']
    """
    reported = {"uf1": uf1, "uar": uar, "accuracy": accuracy}
    claims = {name: value for name, value in reported.items() if value is not None}
    stored = split.folder if isinstance(split, CrossValidation) else split
    if isinstance(stored, str | PathLike):
        if any(part is not None for part in (X, y, groups, predicted)):
            raise ConfigError("a run or a file states its own clips; give arrays for pairs only")
        path = Path(stored)
        if not path.is_dir():
            return audit_case(read_split(path, claims=claims, benchmark=benchmark))
        if claims or benchmark is not None:
            raise ConfigError("a run states its own scores and protocol; give them for splits only")
        return audit_case(case_of_run(path))
    try:
        pairs = list(stored)
    except TypeError:
        raise ConfigError(
            f"{stored!r} is no split; give what mace.cross_validate returned, a folder, a file, or "
            "pairs (train, test), as in list(splitter.split(X, y, groups))"
        ) from None
    case = _case_of(pairs, X, y, groups, predicted)
    return audit_case(replace(case, claims=claims, benchmark=benchmark))


def _case_of(folds: Folds, X: Any, y: Any, groups: Any, predicted: Any) -> Case:
    if groups is None:
        raise ConfigError("groups is missing, the person of each clip; without it nobody can tell")
    people, index = people_of(groups, len(groups))
    for name, array in (("X", X), ("y", y), ("predicted", predicted)):
        if array is not None and len(array) != len(index):
            raise DataError(f"{name} holds {len(array)} clips and groups {len(index)}")
    rows = None if X is None else np.asarray(X)
    y = None if y is None else checked_array(y, "y")
    predicted = None if predicted is None else checked_array(predicted, "predicted")
    items = []
    for i, group in enumerate(index):
        database, _, subject = people[group].partition("/")
        picture = None if rows is None else rows[i]
        items.append(
            Item(
                database=database,
                subject=subject,
                clip=str(i),
                truth="" if y is None else str(y[i]),
                digest="" if picture is None else digest(picture),
                hash="" if picture is None or picture.ndim < 2 else perceptual_hash(picture),
            )
        )
    parts = []
    for number, pair in enumerate(folds, start=1):
        try:
            train, test = (np.arange(len(index))[side] for side in pair)
        except (IndexError, TypeError, ValueError) as error:
            raise DataError(
                f"fold {number} is no pair (train, test) of positions in {len(index)} clips"
            ) from error
        predictions = (
            None if predicted is None else tuple((int(i), str(predicted[i])) for i in test)
        )
        parts.append(Part(fold=str(number), train=train, test=test, predictions=predictions))
    return Case(what="the split", items=tuple(items), parts=tuple(parts))
