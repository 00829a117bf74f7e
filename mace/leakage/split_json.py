"""Splits as JSON: `samples`, and `folds` that refer to them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mace.errors import DataError
from mace.leakage.case import Case, Item, Part, positions
from mace.leakage.pictures import with_fingerprints


def read_json(path: Path, text: str) -> Case:
    """Read a split from JSON.

    Raises:
        DataError: if it is none, or a fold names a sample that is not there.
    """
    try:
        data = json.loads(text)
        rows = [
            {str(key): str(value) for key, value in row.items() if value is not None}
            for row in data["samples"]
        ]
        items = [Item.of(row) for row in rows]
        position = {item.name: i for i, item in enumerate(items)}
        parts = [_json_fold(path, fold, position, items) for fold in data["folds"]]
        claims = {name: float(value) for name, value in data.get("scores", {}).items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{path} is no split ({type(error).__name__}: {error}); expected JSON with `samples` "
            "and `folds` as docs/scores.md shows them"
        ) from error
    unknown = set(claims) - {"uf1", "uar", "accuracy"}
    if unknown:
        raise DataError(f"{path} states {min(unknown)!r}; scores are uf1, uar and accuracy")
    return Case(
        what=str(path),
        items=with_fingerprints(path, items, [row.get("image", "") for row in rows]),
        parts=tuple(parts),
        claims=claims,
        benchmark=None if data.get("benchmark") is None else str(data["benchmark"]),
        other_databases=data.get("protocol") == "database",
    )


def _json_fold(
    path: Path, fold: Mapping[str, Any], position: Mapping[str, int], items: Sequence[Item]
) -> Part:
    name = str(fold["name"])

    def index(references: Sequence[Any]) -> list[int]:
        result = []
        for reference in references:
            i = reference if type(reference) is int else position.get(reference)
            if i is None or not 0 <= i < len(items):
                raise DataError(
                    f"{path}: fold {name} names the sample {reference!r}, which is not there"
                )
            result.append(i)
        return result

    def optional(key: str) -> list[int] | None:
        return None if fold.get(key) is None else index(fold[key])

    predictions = fold.get("predictions")
    if isinstance(predictions, Mapping):
        predictions = tuple(
            zip(index(list(predictions)), map(str, predictions.values()), strict=True)
        )
    elif predictions is not None:
        predictions = tuple(zip(index(fold["test"]), map(str, predictions), strict=True))
    epoch = fold.get("epoch")
    curves = {str(key): [float(v) for v in curve] for key, curve in fold.get("curves", {}).items()}
    validation = optional("validation")
    chosen = optional("chosen_on")
    looked = validation if chosen is None else chosen + (validation or [])
    return Part(
        fold=name,
        seed=str(fold.get("seed", "0")),
        train=positions(index(fold["train"]) + (validation or [])),
        test=positions(index(fold["test"])),
        chosen_on=positions(looked),
        normalised=positions(optional("normalised")),
        epoch=None if epoch is None else int(epoch),
        curves=curves,
        predictions=predictions,
    )
