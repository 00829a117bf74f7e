"""The label files that circulate for the MEGC2019 composite, in each of their forms."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mace.datasets.reading.records import Change
from mace.errors import DataError
from mace.files import decode_text

CLASSES = ("negative", "positive", "surprise")
"""Names of the labels 0, 1 and 2."""

LABEL_SUFFIXES = (".csv", ".txt", ".tsv")

DATABASES = {
    "casme2": "casme2",
    "casmeii": "casme2",
    "samm": "samm",
    "smic": "smic",
    "smichs": "smic",
}
"""Spellings of the databases, without signs and capitals."""

_HEADERS = {
    "database": ("dataset", "database", "db", "data"),
    "subject": ("sub", "subject"),
    "clip": ("filenameo", "filename", "clip"),
    "label": ("label",),
    "image": ("imagename",),
    "class": ("class",),
}
_POSITIONS = {"database": 0, "subject": 1, "clip": 2, "label": 3}


@dataclass(frozen=True, kw_only=True)
class Label:
    """One row of a label file.

    Attributes:
        row: of the file, from 1.
        database: name of the data set, in our spelling.
        subject: as the database's folders are named, where that is known.
        clip: its name.
        class_3: name of its class.
        stems: names that its image may have, without suffix.
    """

    row: int
    database: str
    subject: str
    clip: str
    class_3: str
    stems: tuple[str, ...]

    @property
    def name(self) -> str:
        """`database/subject/clip`, unique in the composite."""
        return f"{self.database}/{self.subject}/{self.clip}"


@dataclass(frozen=True, kw_only=True)
class LabelFile:
    """A label file as read: every row is a label or a drop among `changes`.

    Attributes:
        path: the file.
        rows: number of data rows.
        labels: the rows that can be used.
        changes: what was left out or is remarkable.
    """

    path: Path
    rows: int
    labels: tuple[Label, ...]
    changes: tuple[Change, ...]


def read_labels(path: Path) -> LabelFile | None:
    """Read a label file; None if the file is something else.

    Forms: `database,subject,clip,label` without a header, the same with an empty `,,,` line after
    each row, or with a header such as `dataset,sub,filename_o,label,apex,imagename,sub_filename`.
    A row that cannot be used is a drop among the changes, never passed over in silence.
    """
    lines = _lines(path)
    if not lines:
        return None
    header = {re.sub(r"[^a-z0-9]", "", cell.lower()): i for i, cell in enumerate(lines[0][1])}
    columns = {
        name: next((header[known] for known in accepted if known in header), None)
        for name, accepted in _HEADERS.items()
    }
    if all(columns[name] is not None for name in _POSITIONS):
        places = {name: place for name, place in columns.items() if place is not None}
        lines = lines[1:]
    else:
        # pandas puts a column of row numbers before what it writes, and numbers above it.
        numbered = [cell.strip() for cell in lines[0][1]] in (list("0123"), ["", *"0123"])
        shift = len(lines[0][1]) - len(_POSITIONS) if numbered else 0
        lines = lines[1:] if numbered else lines
        places = {name: place + shift for name, place in _POSITIONS.items()}
        # Judged by most of the rows, so that one bad cell does not hide the file.
        fitting = sum(_database(_cell(cells, places["database"])) is not None for _, cells in lines)
        if not lines or 2 * fitting <= len(lines):
            return None
    if "class" not in places:
        _check_counting(path, lines, places["label"])
    return _label_file(path, lines, places)


def _check_counting(path: Path, lines: Sequence[tuple[int, list[str]]], place: int) -> None:
    """Refuse labels counted from 1: every one of them would be taken for another class."""
    used = {_cell(cells, place).removesuffix(".0") for _, cells in lines}
    if "3" in used and "0" not in used:
        raise DataError(
            f"{path.name} has the labels 1 to 3 and no 0; expected 0 negative, 1 positive, 2 "
            "surprise: write them so, or in words"
        )


def _label_file(
    path: Path, lines: Sequence[tuple[int, list[str]]], places: Mapping[str, int]
) -> LabelFile:
    found: dict[str, Label] = {}
    contradicted: set[str] = set()
    changes: list[Change] = []
    padded = 0

    def drop(row: int, clip: str, code: str, reason: str) -> None:
        changes.append(
            Change(kind="drop", code=code, where=path.name, row=row, clip=clip, reason=reason)
        )

    for row, cells in lines:
        raw = {name: _cell(cells, place) for name, place in places.items()}
        clip = f"{raw['subject']}/{raw['clip']}"
        database, class_3 = _database(raw["database"]), _class(raw["label"])
        if raw.get("class") and not raw["class"].isdigit():
            # A table of `mace flow-images` names its classes, and may be of any data set.
            database, class_3 = database or raw["database"].lower(), raw["class"].lower()
        if database is None:
            known = ", ".join(sorted(set(DATABASES.values())))
            reason = f"the database is {raw['database']!r}, expected one of {known}"
            drop(row, clip, "database-unknown", reason)
        elif not raw["subject"] or not raw["clip"]:
            drop(row, clip, "name-missing", "the row names no subject or no clip")
        elif class_3 is None:
            reason = f"the label is {raw['label']!r}, expected 0, 1 or 2"
            drop(row, clip, "label-unknown", reason)
        else:
            label = _label(row, database, class_3, raw)
            padded += label.subject != raw["subject"]
            before = found.get(label.name)
            if before is None:
                found[label.name] = label
            elif before.class_3 == class_3:
                reason = f"row {before.row} says the same; counted once"
                drop(row, label.name, "row-repeated", reason)
            else:
                reason = f"row {before.row} calls it {before.class_3}, this row {class_3}"
                drop(row, label.name, "row-contradicted", f"{reason}; neither is used")
                contradicted.add(label.name)
    for name in sorted(contradicted):
        reason = "a later row gives another label; neither is used"
        drop(found.pop(name).row, name, "row-contradicted", reason)
    if padded:
        reason = f"{padded} rows write their subject otherwise, such as 6 for 006; read as 006"
        changes.append(
            Change(
                kind="remark",
                code="subject-zeros",
                where=path.name,
                row=None,
                clip="",
                reason=reason,
            )
        )
    return LabelFile(
        path=path, rows=len(lines), labels=tuple(found.values()), changes=tuple(changes)
    )


def _label(row: int, database: str, class_3: str, raw: Mapping[str, str]) -> Label:
    subject = _subject(database, raw["subject"])
    stems = [raw["image"].rsplit(".", 1)[0]] if raw.get("image") else []
    stems += [f"{subject}_{raw['clip']}", f"{raw['subject']}_{raw['clip']}"]
    if database == "smic":
        # The frames' folders say s1_ne_01 where the label file says s01_ne_01.
        stems.append(f"{subject}_{re.sub(r'^(\D*)0+(?=\d)', r'\1', raw['clip'])}")
    return Label(
        row=row,
        database=database,
        subject=subject,
        clip=raw["clip"],
        class_3=class_3,
        stems=tuple(dict.fromkeys(stems)),
    )


def _subject(database: str, raw: str) -> str:
    """The subject as the database's folders are named: sub01, s01, 006."""
    digits = re.fullmatch(r"[A-Za-z]*0*(\d+)(?:\.0)?", raw)
    if digits is None or database not in DATABASES.values():
        return raw
    number = int(digits[1])
    return {"casme2": f"sub{number:02d}", "smic": f"s{number:02d}", "samm": f"{number:03d}"}[
        database
    ]


def _database(raw: str) -> str | None:
    return DATABASES.get(re.sub(r"[^a-z0-9]", "", raw.lower()))


def _class(raw: str) -> str | None:
    if raw.lower() in CLASSES:
        return raw.lower()
    return {"0": CLASSES[0], "1": CLASSES[1], "2": CLASSES[2]}.get(raw.removesuffix(".0"))


def _cell(cells: Sequence[str], place: int) -> str:
    return cells[place].strip() if place < len(cells) else ""


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """The rows that hold anything, with their 1-based numbers."""
    try:
        data = path.read_bytes()
    except OSError:
        return []
    text = decode_text(data)
    if text is None:
        return []
    first = next((line for line in text.splitlines() if line.strip(" ,;\t")), "")
    delimiter = max(",;\t", key=first.count)
    # Each line by itself: else a stray quotation mark would swallow the rows that follow it.
    lines = re.split(r"\r\n|\r|\n", text)
    try:
        rows = [next(csv.reader([line], delimiter=delimiter), []) for line in lines]
    except csv.Error:
        return []
    return [(i, cells) for i, cells in enumerate(rows, start=1) if any(c.strip() for c in cells)]
