"""Reading a split that any code base can write: a table (CSV), or JSON; `docs/scores.md` has both.

A CSV file has a row for each sample of each side of each fold, under a header with the columns
fold, side (train, validation, test), database, subject and clip, and if known: seed, frame, source
(the clip a copy was made from), truth, prediction, image (a path beside the file), digest, hash,
normalised and chosen_on (yes for samples that entered the normalisation's statistics, or whose
score chose an epoch or a setting).

A JSON file has `samples`, a list of objects with database, subject, clip and, if known, frame,
source, truth, image, digest and hash; and `folds`, a list of objects with name, train and test and,
if known, seed, validation, chosen_on, normalised, epoch, curves and predictions. Samples are
referred to by position or by `database/subject/clip`, with `#frame` where there is one. It may also
state `scores` (uf1, uar, accuracy), `benchmark`, and `protocol: database` where one is held out.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from mace.audit.case import Case, Item, Part
from mace.audit.pictures import with_fingerprints
from mace.errors import DataError
from mace.protocols import BENCHMARKS

REQUIRED = ("fold", "side", "database", "subject", "clip")
NAMING = ("database", "subject", "clip", "frame", "source")
FACTS = ("truth", "image", "digest", "hash")
SIDES = {"train": "train", "training": "train", "test": "test", "testing": "test"} | {
    "validation": "validation", "val": "validation", "valid": "validation", "dev": "validation",
}  # fmt: skip
YES, NO = ("yes", "true", "1", "y"), ("", "no", "false", "0", "n")


def read_split(
    path: Path, *, claims: Mapping[str, float] | None = None, benchmark: str | None = None
) -> Case:
    """Read a split from a CSV or JSON file.

    Args:
        path: the file; one that begins with `{` is JSON.
        claims: reported scores, beside those that the file states.
        benchmark: the protocol the result is called after, if the file does not say.

    Raises:
        DataError: naming file and row, if something is missing, unknown or contradictory.
    """
    text = _text(path)
    case = _from_json(path, text) if text.lstrip().startswith("{") else _from_table(path, text)
    if not case.parts:
        raise DataError(f"{path} holds no fold; expected the columns {', '.join(REQUIRED)}")
    for part in case.parts:
        for side in ("train", "test"):
            if not getattr(part, side).size:
                raise DataError(
                    f"{path}: {part.where} has no {side} sample; list both sides of every fold"
                )
    benchmark = benchmark or case.benchmark
    if benchmark is not None and benchmark not in BENCHMARKS:
        raise DataError(f"{path} names the benchmark {benchmark!r}; known: {', '.join(BENCHMARKS)}")
    return replace(case, claims={**case.claims, **(claims or {})}, benchmark=benchmark)


@dataclass
class _Fold:
    """What is gathered of one fold while its rows are read."""

    sides: dict[str, list[int]] = field(default_factory=lambda: {"train": [], "test": []})
    normalised: list[int] | None = None
    chosen_on: list[int] | None = None
    answers: list[tuple[int, str]] | None = None


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


def _from_table(path: Path, text: str) -> Case:
    lines = text.splitlines()
    delimiter = max(",;\t", key=lambda mark: lines[0].count(mark)) if lines else ","
    try:
        # Each line by itself: else a stray quotation mark would swallow the rows that follow it.
        rows = [next(csv.reader([one], delimiter=delimiter, strict=True), []) for one in lines]
    except csv.Error as error:
        raise DataError(f"{path} is no table ({error}); expected a CSV file") from error
    header = [_plain(cell) for cell in rows[0]] if rows else []
    for column in REQUIRED:
        if header.count(column) != 1:
            raise DataError(
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
        for column in REQUIRED:
            if not row[column]:
                raise DataError(f"{path}, row {number}: the cell {column} is empty; fill it in")
        _enter(path, number, row, items.position(row), folds, header)
    pictures = [row.get("image", "") for row in items.rows]
    return Case(
        what=str(path),
        items=with_fingerprints(path, [_item(row) for row in items.rows], pictures),
        parts=tuple(
            Part(
                fold=name,
                seed=seed,
                train=_array(fold.sides["train"] + fold.sides.get("validation", [])),
                test=_array(fold.sides["test"]),
                chosen_on=_optional(fold.chosen_on),
                normalised=_optional(fold.normalised),
                answers=None if fold.answers is None else tuple(fold.answers),
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
        fold.answers = fold.answers or []
        if row["prediction"]:
            fold.answers.append((item, row["prediction"]))


def _from_json(path: Path, text: str) -> Case:
    try:
        data = json.loads(text)
        rows = [
            {str(key): str(value) for key, value in row.items() if value is not None}
            for row in data["samples"]
        ]
        items = [_item(row) for row in rows]
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
        benchmark=data.get("benchmark"),
        other_databases=data.get("protocol") == "database",
    )


def _json_fold(
    path: Path, fold: Mapping[str, Any], position: Mapping[str, int], items: Sequence[Item]
) -> Part:
    name = str(fold["name"])

    def index(references: Sequence[Any]) -> list[int]:
        found = []
        for one in references:
            i = one if type(one) is int else position.get(one)
            if i is None or not 0 <= i < len(items):
                raise DataError(f"{path}: fold {name} names the sample {one!r}, which is not there")
            found.append(i)
        return found

    def optional(key: str) -> list[int] | None:
        return None if fold.get(key) is None else index(fold[key])

    answers = fold.get("predictions")
    if isinstance(answers, Mapping):
        answers = tuple(zip(index(list(answers)), map(str, answers.values()), strict=True))
    elif answers is not None:
        answers = tuple(zip(index(fold["test"]), map(str, answers), strict=True))
    epoch = fold.get("epoch")
    curves = {str(key): [float(v) for v in curve] for key, curve in fold.get("curves", {}).items()}
    validation = optional("validation")
    chosen = optional("chosen_on")
    looked = validation if chosen is None else chosen + (validation or [])
    return Part(
        fold=name,
        seed=str(fold.get("seed", "0")),
        train=_array(index(fold["train"]) + (validation or [])),
        test=_array(index(fold["test"])),
        chosen_on=_optional(looked),
        normalised=_optional(optional("normalised")),
        epoch=None if epoch is None else int(epoch),
        curves=curves,
        answers=answers,
    )


def _item(row: Mapping[str, str]) -> Item:
    optional = {name: row.get(name, "") for name in ("frame", "source", "truth", "digest", "hash")}
    return Item(database=row["database"], subject=row["subject"], clip=row["clip"], **optional)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text in UTF-8; expected a CSV or JSON file") from error


def _plain(name: str) -> str:
    plain = name.strip().lower().replace(" ", "_")
    return {"source_clip": "source", "dataset": "database", "label": "truth"}.get(plain, plain)


def _array(index: Sequence[int]) -> np.ndarray:
    return np.array(index, np.int64)


def _optional(index: Sequence[int] | None) -> np.ndarray | None:
    return None if index is None else _array(index)
