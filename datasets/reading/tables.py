"""Annotation tables as people keep them: any spreadsheet format, the header wherever it is."""

import csv
import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mace.datasets.reading.cells import cell_frame, cell_name, cell_raw, cell_text, normalise
from mace.errors import DataError
from mace.files import decode_text

_HEADER_ROWS = 60  # a header further down is none
_DELIMITERS = (",", ";", "\t", "|")

type Cells = list[object]


@dataclass(frozen=True)
class Row:
    """One data row of a table.

    Attributes:
        number: its row in the file, from 1.
        cells: by our column names.
    """

    number: int
    cells: Mapping[str, object]

    def text(self, column: str) -> str:
        """Return the cell as text, "" where it is blank or the table has no such column."""
        return cell_text(self.cells.get(column))

    def name(self, column: str) -> str:
        """Return the cell as a name: "1" also for the 1.0 that pandas makes of it."""
        return cell_name(self.cells.get(column))

    def raw(self, column: str) -> str:
        """Return the cell in the annotator's own words, `/` and `?` included."""
        return cell_raw(self.cells.get(column))

    def frame(self, column: str) -> int | None:
        """Return the cell as a frame number, None where it is blank.

        Raises:
            CellError: for a cell that holds something else.
        """
        return cell_frame(self.cells.get(column))


@dataclass(frozen=True)
class Table:
    """A table as found.

    Attributes:
        path: the file.
        sheet: name of the sheet; empty for text.
        columns: those of ours that it has.
        rows: the data rows.
        skipped: numbers of rows that hold something but nothing in the key columns, such as notes
            below the table.
        named: whether the sheet has the name that was asked for.
        others: sheets of the workbook that have the columns as well.
    """

    path: Path
    sheet: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    skipped: tuple[int, ...] = ()
    named: bool = False
    others: tuple["Table", ...] = ()


def read_table(
    path: Path,
    *,
    columns: Mapping[str, Sequence[str]],
    sheet: str | None = None,
    header: bool = True,
    keys: Sequence[str] | None = None,
) -> Table:
    """Read an .xls, .xlsx, .csv or .tsv file, told apart by content and not by its name.

    Formula cells give the values stored with them. The header is the first of the first 60 rows
    that names all columns, on the sheet of the given name or else on the first that has one and
    rows below it; further ones are its `others`.

    Args:
        path: the file.
        columns: our name of each column to the headers it may have, compared by letters and
            digits; a name that starts with `?` is optional, and known without it afterwards.
        sheet: name of the sheet to look at first.
        header: False for a table without header, whose columns are `columns` by position.
        keys: columns that a data row fills; by default the first two that are not optional.

    Raises:
        DataError: for a missing or damaged file, or one without the header.
    """
    expected = {name.removeprefix("?"): tuple(names) for name, names in columns.items()}
    required = [name for name in columns if not name.startswith("?")]
    keys = required[:2] if keys is None else keys
    sheets = _read_sheets(path, columns=len(expected))

    def is_named(name: str) -> bool:
        return sheet is not None and normalise(name) == normalise(sheet)

    sheets.sort(key=lambda item: not is_named(item[0]))
    tables: list[Table] = []
    for name, rows in sheets:
        place = (
            _find_header(rows, expected, required) if header else (0, _by_position(rows, expected))
        )
        if place is not None and place[1]:
            tables.append(replace(_table(path, name, rows, *place, keys), named=is_named(name)))
            # Without a header anything fits, and so does one text parted at several marks.
            if not header or not name:
                break
    if not tables:
        names = ", ".join(f"{name} ({' or '.join(expected[name]) or name})" for name in required)
        raise DataError(f"{path} has no table with the columns {names}; it has: {_found(sheets)}")
    tables.sort(key=lambda table: not table.rows)
    others = tuple(table for table in tables[1:] if table.rows)
    return replace(tables[0], others=others)


def _table(
    path: Path,
    sheet: str,
    rows: list[Cells],
    start: int,
    places: dict[str, int],
    keys: Sequence[str],
) -> Table:
    kept, skipped = [], []
    for number, cells in enumerate(rows[start:], start + 1):
        row = Row(number, {k: cells[i] if i < len(cells) else None for k, i in places.items()})
        if any(row.text(key) for key in keys):
            kept.append(row)
        elif any(cell_text(cell) for cell in cells):
            skipped.append(number)
    return Table(path, sheet, tuple(places), tuple(kept), tuple(skipped))


def _find_header(
    rows: list[Cells], wanted: Mapping[str, Sequence[str]], required: Sequence[str]
) -> tuple[int, dict[str, int]] | None:
    accepted = {name: {normalise(other) for other in others} for name, others in wanted.items()}
    for index, cells in enumerate(rows[:_HEADER_ROWS]):
        headers = [normalise(cell) for cell in cells]
        places: dict[str, int] = {}
        for name, names in accepted.items():
            found = next((i for i, header in enumerate(headers) if header in names), None)
            if found is not None:
                places[name] = found
        if all(name in places for name in required):
            return index + 1, places
    return None


def _by_position(rows: list[Cells], wanted: Mapping[str, Sequence[str]]) -> dict[str, int]:
    width = max((len(cells) for cells in rows), default=0)
    return {name: i for i, name in enumerate(wanted)} if width >= 2 else {}


def _found(sheets: Sequence[tuple[str, list[Cells]]]) -> str:
    """The widest of the first rows, which is probably what the author thinks of as header.

    On one line, whatever breaks a cell has: authors wrap their headers.
    """
    rows = [cells for _, rows in sheets for cells in rows[:_HEADER_ROWS]]
    texts = [
        [text for cell in cells if (text := " ".join(cell_text(cell).split())[:30])]
        for cells in rows
    ]
    widest = max(texts, key=len, default=[])
    return ", ".join(widest[:20]) or "nothing"


def _read_sheets(path: Path, *, columns: int) -> list[tuple[str, list[Cells]]]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read the table {path}: {error.strerror or error}") from error
    if not content:
        raise DataError(f"the table {path} is empty (0 bytes); copy it again")
    try:
        if content.startswith(b"PK"):
            return _read_xlsx(content)
        if content.startswith((b"\xd0\xcf\x11\xe0", b"\x09\x08", b"\x09\x04", b"\x09\x02")):
            return _read_xls(content)
        return _read_text(content, columns)
    # A damaged file makes these readers raise whatever their parsers happen to stumble over.
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0][:120] or type(error).__name__
        raise DataError(
            f"the table {path} is damaged ({reason}); open it and save it again as .xlsx or .csv"
        ) from error


def _read_xlsx(content: bytes) -> list[tuple[str, list[Cells]]]:
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and extensions that are not read
        book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    return [
        (sheet.title, [list(cells) for cells in sheet.iter_rows(values_only=True)])
        for sheet in book.worksheets
    ]


def _read_xls(content: bytes) -> list[tuple[str, list[Cells]]]:
    import xlrd

    book = xlrd.open_workbook(file_contents=content, logfile=io.StringIO())
    return [
        (sheet.name, [[_xls_value(cell) for cell in sheet.row(i)] for i in range(sheet.nrows)])
        for sheet in book.sheets()
    ]


def _xls_value(cell: Any) -> object:
    # xlrd.XL_CELL_EMPTY, _BOOLEAN, _ERROR, _BLANK
    return {0: None, 4: bool(cell.value), 5: "#N/A", 6: None}.get(cell.ctype, cell.value)


def _read_text(content: bytes, columns: int) -> list[tuple[str, list[Cells]]]:
    """Every delimiter gives one candidate; the header, or the number of columns, decides."""
    text = decode_text(content)
    if text is None:
        raise ValueError("it is no spreadsheet and no text")
    parsed: list[tuple[str, list[Cells]]] = []
    swallowed = {}
    for delimiter in _DELIMITERS:
        # One physical line for each row, so that row numbers are those an editor shows.
        lines = io.StringIO(text, newline="")
        rows: list[Cells] = [list(cells) for cells in csv.reader(lines, delimiter=delimiter)]
        parsed.append(("", rows))
        swallowed[id(rows)] = _swallowed(rows, delimiter)
    parsed.sort(key=lambda item: -sum(len(cells) >= min(columns, 2) for cells in item[1]))
    row = swallowed[id(parsed[0][1])]
    if row is not None:
        raise ValueError(f"a quotation mark in row {row} takes in the rows that follow")
    return parsed


def _swallowed(rows: Sequence[Cells], delimiter: str) -> int | None:
    """Return the row of a quoted cell that holds whole rows; notes of several lines are none."""
    width = max((len(cells) for cells in rows), default=0)
    for number, cells in enumerate(rows, 1):
        for cell in cells:
            lines = str(cell).splitlines()[1:]
            # Its end closes the cell, so that the last line may be half a row.
            if any(2 * line.count(delimiter) >= max(2, width - 1) for line in lines):
                return number
    return None
