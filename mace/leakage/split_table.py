"""Splits as a table: a row for each sample of each side of each fold."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mace.errors import DataError
from mace.evaluation.logs.sample import database_of
from mace.evaluation.logs.tables import COLUMNS
from mace.leakage.case import Case, Item, Part, positions
from mace.leakage.pictures import with_fingerprints
from mace.protocols.benchmarks import Benchmark

REQUIRED = ("fold", "side", "database", "subject", "clip")
NAMING = ("database", "subject", "clip", "frame", "source")
FACTS = ("truth", "image", "digest", "hash")
SIDES = {"train": "train", "training": "train", "test": "test", "testing": "test"} | {
    "validation": "validation", "val": "validation", "valid": "validation", "dev": "validation",
}  # fmt: skip
YES, NO = ("yes", "true", "1", "y"), ("", "no", "false", "0", "n")


class NoSplit(DataError):
    """A table that lacks a column which every split has."""


@dataclass
class _Fold:
    """What is gathered of one fold while its rows are read."""

    sides: dict[str, list[int]] = field(default_factory=lambda: {"train": [], "test": []})
    normalised: list[int] | None = None
    chosen_on: list[int] | None = None
    predictions: list[tuple[int, str]] | None = None


class _Items:
    """The different samples of a table's rows."""

    def __init__(self) -> None:
        self.rows: list[dict[str, str]] = []
        self._known: dict[tuple[str, ...], list[int]] = {}

    def position(self, row: Mapping[str, str]) -> int:
        """Return the sample's position; rows that say different things of it are different ones.

        A cell may be left empty where another row of the sample has it.
        """
        key = tuple(row.get(name, "") for name in NAMING)
        own = {name: row.get(name, "") for name in (*NAMING, *FACTS)}
        for i in self._known.setdefault(key, []):
            known = self.rows[i]
            if all(not own[name] or not known[name] or own[name] == known[name] for name in FACTS):
                known |= {name: value for name, value in own.items() if value}
                return i
        self._known[key].append(len(self.rows))
        self.rows.append(own)
        return len(self.rows) - 1


def read_rows(path: Path, text: str, benchmark: Benchmark | None) -> Case:
    """Read a split from the text of a CSV file.

    Args:
        path: the file, for messages and for pictures beside it.
        text: what it holds.
        benchmark: tells the database of a subject where the table has no such column.

    Raises:
        NoSplit: if the header lacks a column.
        DataError: naming file and row, for anything else that is wrong.
    """
    lines = text.splitlines()
    delimiter = max(",;\t", key=lambda mark: lines[0].count(mark)) if lines else ","
    try:
        # Each line by itself: else a stray quotation mark would swallow the rows that follow it.
        rows = [next(csv.reader([line], delimiter=delimiter, strict=True), []) for line in lines]
    except csv.Error as error:
        raise DataError(f"{path} is no table ({error}); expected a CSV file") from error
    header = _header(rows[0]) if rows else []
    spelt = "database" not in header and benchmark is not None
    for column in REQUIRED:
        if header.count(column) != 1 and not (spelt and column == "database"):
            raise NoSplit(
                f"{path}: the header needs the column {column} once, it has "
                f"{', '.join(header[:20]) or 'nothing'}"
            )
    items = _Items()
    folds: dict[tuple[str, str], _Fold] = {}
    for number, cells in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise DataError(
                f"{path}, row {number}: {len(cells)} cells under {len(header)} headings"
            )
        row = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
        if spelt:
            row["database"] = database_of(row["subject"], benchmark) or ""
        for column in REQUIRED:
            if not row[column]:
                raise DataError(f"{path}, row {number}: the cell {column} is empty; fill it in")
        _enter(path, number, row, items.position(row), folds, header)
    pictures = [row.get("image", "") for row in items.rows]
    return Case(
        what=str(path),
        items=with_fingerprints(path, [Item.of(row) for row in items.rows], pictures),
        parts=tuple(
            Part(
                fold=name,
                seed=seed,
                train=positions(fold.sides["train"] + fold.sides.get("validation", [])),
                test=positions(fold.sides["test"]),
                chosen_on=positions(fold.chosen_on),
                normalised=positions(fold.normalised),
                predictions=None if fold.predictions is None else tuple(fold.predictions),
            )
            for (seed, name), fold in folds.items()
        ),
    )


def _enter(
    path: Path,
    number: int,
    row: Mapping[str, str],
    item: int,
    folds: dict[tuple[str, str], _Fold],
    header: Sequence[str],
) -> None:
    side = SIDES.get(row["side"].lower())
    if side is None:
        raise DataError(
            f"{path}, row {number}: the side {row['side']!r} is none of train, validation, test"
        )
    fold = folds.setdefault((row.get("seed", "") or "0", row["fold"]), _Fold())
    fold.sides.setdefault(side, []).append(item)
    if side == "validation":
        # Validation clips are there to choose by.
        fold.chosen_on = [*(fold.chosen_on or []), item]
    for column in ("normalised", "chosen_on"):
        if column in header:
            value = row[column].lower()
            if value not in YES + NO:
                raise DataError(
                    f"{path}, row {number}: {column} is {row[column]!r}, expected yes or no"
                )
            listed = getattr(fold, column) or []
            setattr(fold, column, [*listed, item] if value in YES else listed)
    if "prediction" in header and side == "test":
        fold.predictions = fold.predictions or []
        if row["prediction"]:
            fold.predictions.append((item, row["prediction"]))


def _header(cells: Sequence[str]) -> list[str]:
    """Return the names of the columns, in the spellings that logs may have as well."""
    names = [cell.strip().lower().replace(" ", "_") for cell in cells]
    names = [{"source_clip": "source"}.get(name, name) for name in names]
    for column, accepted in COLUMNS.items():
        if column not in names:
            names = [column if name.replace("_", "") in accepted else name for name in names]
    return names
