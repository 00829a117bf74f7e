"""The rows of a table of coded events: one CSV of all coders, as `mace prepare folder` reads it."""

import codecs
import csv
import io
import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import cast

from mace.datasets.reading.cells import CellError, cell_frame
from mace.errors import ConfigError, DataError
from mace.review.events import CodedEvent, Coding, Kind, checked

COLUMNS = (
    *("coder", "subject", "clip", "path", "kind", "onset", "apex", "offset"),
    *("emotion", "aus", "fps", "note"),
)
FOLDER = "folder"
"""The column for the folder that paths begin at, in a table that lies elsewhere."""
# The line above the header by which Excel is told what stands between cells.
_SEPARATOR = re.compile(r'"?sep=([,;\t])"?[,;\t]*', re.IGNORECASE)
_NEEDED = ("coder", "path", "kind", "onset", "offset")

type Row = dict[str, str]

type Numbers = Callable[[str], tuple[int, ...] | None]
"""The table's numbers of a video's frames; None where they are counted from 1."""


def read_codings(path: Path, *, root: Path) -> dict[str, Coding]:
    """Return what each coder of a table says of the videos below `root`, by name.

    Raises:
        ConfigError: if it is of another folder's videos.
        DataError: if there is no such table, or it cannot be read.
    """
    if not path.is_file():
        raise DataError(f"there is no {path}; `mace review` makes it with the first event")
    _, rows = read_rows(path)
    check_folder(path, rows, root=root)
    coders = dict.fromkeys(row["coder"] for _, row in rows)
    return {
        coder: coding_of(path, [(n, row) for n, row in rows if row["coder"] == coder])
        for coder in coders
    }


def read_rows(path: Path) -> tuple[list[str], list[tuple[int, Row]]]:
    """Return the header of a table and its rows with their numbers; nothing where there is none.

    Raises:
        DataError: if it cannot be read, or lacks a column.
    """
    try:
        text = _unicode(path.read_bytes(), path)
    except FileNotFoundError:
        return [], []
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    first = text.partition("\n")[0]
    stated = _SEPARATOR.fullmatch(first.strip("\r"))
    # Spreadsheets save with the mark of their country.
    delimiter = stated[1] if stated else max(",;\t", key=first.count)
    rows = csv.DictReader(
        io.StringIO(text, newline=""), delimiter=delimiter, restval="", strict=True
    )
    try:
        if stated:
            next(rows.reader)
        return _checked_rows(path, rows)
    except csv.Error as error:
        raise DataError(f"{path}, row {rows.reader.line_num}: {error}; mend the row") from error


def _checked_rows(
    path: Path, rows: "csv.DictReader[str]"
) -> tuple[list[str], list[tuple[int, Row]]]:
    """Return header and rows, all of which can be written back as they are."""
    header = [name.strip() for name in rows.fieldnames or ()]
    rows.fieldnames = header
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise DataError(f"{path} has the column {twice[0]!r} twice; rename one of them")
    if missing := [name for name in _NEEDED if name not in header]:
        raise DataError(
            f"{path} is no table of `mace review`: it has no column {', '.join(missing)}; name "
            "another with --table"
        )
    read: list[tuple[int, Row]] = []
    for row in rows:
        if None in row:
            raise DataError(
                f"{path}, row {rows.line_num}: there are more cells than columns; name the columns "
                "or remove the cells"
            )
        if any(row.values()):
            read.append((rows.line_num, row))
    return header, read


def check_folder(path: Path, rows: Iterable[tuple[int, Row]], *, root: Path) -> None:
    """Refuse the table of another folder, whose paths would be taken for those of this one.

    Raises:
        ConfigError: for a row of a video that is not below `root`.
    """
    elsewhere = root.resolve() != path.parent.resolve()
    for number, row in rows:
        stated = row.get(FOLDER, "")
        if not stated:  # a table beside its videos, or one that was made by hand
            if elsewhere and not (root / row["path"]).exists():
                raise ConfigError(
                    f"{path}, row {number}: the table does not lie with its videos and does not "
                    f"say in the column {FOLDER} where they are, and there is no {row['path']} in "
                    f"{root}; name their folder, or add the column"
                )
        elif Path(stated).resolve() != root.resolve():
            raise ConfigError(
                f"{path}, row {number}: it is of a video in {stated}, not in {root}; name that "
                f"folder, or another --table (if the videos were moved, mend the table's column "
                f"{FOLDER})"
            )


def _unicode(data: bytes, path: Path) -> str:
    """Decode a table that will be written again, so that no letter is guessed."""
    marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not saved as Unicode, so that letters such as ü would be guessed; save it "
            "as CSV UTF-8"
        ) from error


def coding_of(
    path: Path,
    rows: Sequence[tuple[int, Row]],
    *,
    numbers: Numbers = lambda video: None,
    people: Mapping[str, str] | None = None,
) -> Coding:
    """Return what rows of one coder say.

    Args:
        path: of the table, for messages.
        rows: with their numbers in it.
        numbers: as of `CoderTable`.
        people: likewise. Of several in a video the person of it is this one, or else whom most rows
            name, of equals the first.

    Raises:
        DataError: for a row that is no event.
    """
    events: dict[str, list[CodedEvent]] = {}
    named_in: dict[str, Counter[str]] = {}
    for _, row in rows:
        named_in.setdefault(video_of(row), Counter())[row.get("subject", "")] += 1
    subjects: dict[str, str] = {}
    for video, names in named_in.items():
        usual = (people or {}).get(video, "")
        subjects[video] = usual if usual in names else names.most_common(1)[0][0]
    for number, (line, row) in enumerate(rows, start=1):
        video = video_of(row)
        named = numbers(video)
        subject = row.get("subject", "")
        try:
            apex = cell_frame(row.get("apex", ""))
            event = CodedEvent(
                number,
                onset=_shown(_frame(row, "onset"), named),
                apex=None if apex is None else _shown(apex, named),
                offset=_shown(_frame(row, "offset"), named),
                kind=cast(Kind, row["kind"].strip()),
                label=row.get("emotion", ""),
                units=row.get("aus", ""),
                note=row.get("note", ""),
                subject="" if subject == subjects[video] else subject,
                more=tuple((k, v) for k, v in row.items() if v and k not in (*COLUMNS, FOLDER)),
            )
            events.setdefault(video, []).append(checked(event))
        except (CellError, ConfigError) as error:
            raise DataError(f"{path}, row {line}: {error}; mend the row") from error
    ordered = {
        video: tuple(sorted(listed, key=lambda event: (event.onset, event.offset, event.number)))
        for video, listed in events.items()
    }
    return Coding(ordered, {video: name for video, name in subjects.items() if name})


def video_of(row: Row) -> str:
    """Return the path of the video that a row is about."""
    return row.get("path", "").removeprefix("./")


def stored_number(frame: int, numbers: Sequence[int] | None) -> int:
    """Return the table's number of a frame that is counted from 1."""
    return frame if numbers is None else numbers[frame - 1]


def _shown(frame: int, numbers: Sequence[int] | None) -> int:
    if numbers is None:
        return frame
    place = bisect_left(numbers, frame)
    if numbers[place : place + 1] != (frame,):
        raise CellError(f"there is no picture of the number {frame}")
    return place + 1


def rate_of(text: str) -> float:
    """Return the frames per second that a cell states; 0 where it states none."""
    try:
        rate = float(text.replace(",", "."))
    except ValueError:
        return 0.0
    return rate if 0 < rate < math.inf else 0.0


def _frame(row: Mapping[str, str], column: str) -> int:
    frame = cell_frame(row[column])
    if frame is None:
        raise CellError(f"its {column} is blank")
    return frame
