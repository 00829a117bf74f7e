"""Predictions as a table: CSV (commas, semicolons or tabs) or a spreadsheet.

The header names the columns database, subject, clip, truth and prediction, in any order and case;
other columns are passed over. Without names (`,0,1,2,3,4` of pandas, or no header at all) the
columns are those five in this order, after an index if there is one. The column database may be
missing where a benchmark tells the database of each subject. The long table of an evaluation,
`predictions.csv`, is read too: its first method, all seeds.
"""

import csv
import io
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from mace.errors import DataError
from mace.evaluation.logs.sample import Log, LogSample, database_of, database_remarks, shown
from mace.protocols.benchmarks import Benchmark
from mace.protocols.names import NUMBERED, canonical_database

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "database": ("database", "dataset", "db", "data"),
    "subject": ("subject", "sub", "participant", "subjectid", "subid", "person"),
    "clip": ("clip", "filename", "file", "sample", "video", "clipname"),
    "truth": (
        *("truth", "label", "gt", "groundtruth", "true", "target", "ytrue", "truelabel"),
        *("gtlabel", "actual"),
    ),
    "prediction": (
        *("prediction", "predicted", "pred", "answer", "ypred", "predict", "predictedlabel"),
        "predlabel",
    ),
}
LONG = ("clip", "subject", "fold", "seed", "method", "label", "prediction")
DELIMITERS = ",;\t"
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"

type _Line = tuple[int, list[str], str]
"""Number, cells and, for messages, the row as it is written."""


def is_sheet(data: bytes) -> bool:
    """Say whether bytes are a spreadsheet (.xlsx or .xls), by content."""
    return data.startswith((_ZIP, _OLE))


def delimiter_of(header: str) -> str | None:
    """Return what parts the cells of a table, or None for a log in MEGC form."""
    counts = {mark: header.count(mark) for mark in DELIMITERS}
    mark = max(counts, key=counts.__getitem__)
    # A tab may part the words of a MEGC log as well: two of them make no five columns.
    return mark if counts[mark] and (mark != "\t" or counts[mark] > 2) else None


def read_table(
    path: Path, lines: Sequence[tuple[int, str]], delimiter: str, benchmark: Benchmark | None
) -> Log:
    """Read the samples of a CSV table from its lines that hold something, with their numbers.

    Raises:
        DataError: naming file and line.
    """
    rows = [(number, _cells(path, number, line, delimiter), line) for number, line in lines]
    return _samples(path, rows, benchmark)


def read_sheet(path: Path, data: bytes, benchmark: Benchmark | None) -> Log:
    """Read the samples of the one sheet that holds anything.

    Raises:
        DataError: naming file and row; if several sheets hold something, for none of them may be
            passed over in silence.
    """
    try:
        sheets = _xlsx(data) if data.startswith(_ZIP) else _xls(data)
    # A damaged file makes these readers raise whatever their parsers happen to stumble over.
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0][:120] or type(error).__name__
        raise DataError(
            f"the spreadsheet {path} is damaged ({reason}); save it again, or as .csv"
        ) from error
    filled = [rows for rows in map(_rows, sheets) if rows]
    if not filled:
        raise DataError(f"{path} holds no sample; expected the columns {', '.join(COLUMNS)}")
    if len(filled) > 1:
        raise DataError(
            f"{path} has {len(filled)} sheets that hold something; save the one with the "
            "predictions as a file of its own, or put all rows into one"
        )
    return _samples(path, filled[0], benchmark)


def _rows(cells: Sequence[Sequence[object]]) -> list[_Line]:
    return [
        (number, texts, ", ".join(texts))
        for number, row in enumerate(cells, start=1)
        if any(texts := [_text(cell) for cell in row])
    ]


def _samples(path: Path, rows: Sequence[_Line], benchmark: Benchmark | None) -> Log:
    position, width, rest = _header(path, rows, benchmark)
    samples: list[LogSample] = []
    nobodys: list[str] = []
    methods: dict[str, None] = {}
    for number, cells, line in rest:
        if not any(cells):
            continue
        if len(cells) != width:
            raise DataError(
                f"{path}, line {number}: {shown(line)} has {len(cells)} cells, but the header "
                f"has {width}"
            )
        values = {column: cells[i] for column, i in position.items()}
        if "method" in values:
            methods.setdefault(method := values.pop("method"))
            if method != next(iter(methods)):
                continue
        empty = [column for column, value in values.items() if not value]
        if empty:
            raise DataError(
                f"{path}, line {number}: {shown(line)} has no {empty[0]}; fill in the cell"
            )
        if "seed" in values:
            parts = values["clip"].split("/", 2)
            if len(parts) != 3:
                raise DataError(
                    f"{path}, line {number}: the clip {values['clip']!r} is not written "
                    "database/subject/clip, as in the long table of an evaluation"
                )
            values |= dict(zip(("database", "subject", "clip"), parts, strict=True))
        if "database" not in values:
            database = database_of(values["subject"], benchmark)
            if database is None:
                raise DataError(
                    f"{path}, line {number}: nothing says which database the subject "
                    f"{values['subject']!r} is of; add a column database"
                )
            values["database"] = database
            nobodys.append(values["subject"])
        samples.append(LogSample(**values, line=number))
    remarks = database_remarks(nobodys, benchmark)
    if len(methods) > 1:
        first, *others = methods
        remarks = [*remarks, f"{path} is scored for {first}; it holds {', '.join(others)} as well"]
    return Log(samples=tuple(samples), remarks=tuple(remarks))


def _header(
    path: Path, rows: Sequence[_Line], benchmark: Benchmark | None
) -> tuple[dict[str, int], int, Sequence[_Line]]:
    """Return the place of each column, the number of cells in a row, and the rows of samples."""
    number, cells, line = rows[0]
    names = [_plain(cell) for cell in cells]
    places = {
        column: [i for i, name in enumerate(names) if name in accepted]
        for column, accepted in COLUMNS.items()
    }
    if set(LONG) <= set(names) and not places["database"]:
        position = {name: names.index(name) for name in LONG if name not in ("fold", "label")}
        return position | {"truth": names.index("label")}, len(names), rows[1:]
    if not any(places.values()):
        unnamed = _unnamed(names) and len(names) - len(COLUMNS) in (0, 1)
        bare = len(names) == len(COLUMNS) and canonical_database(cells[0]) in NUMBERED
        if unnamed or bare:
            first = len(names) - len(COLUMNS)
            position = {column: first + i for i, column in enumerate(COLUMNS)}
            return position, len(names), rows[1:] if unnamed else rows
    if not places["database"]:
        if benchmark is None and all(places[column] for column in COLUMNS if column != "database"):
            raise DataError(
                f"{path}, line {number}: the header {shown(line)} lacks the column database; add "
                "it (`own` will do for data of your own), or say which protocol's the result is "
                "(--benchmark)"
            )
        if benchmark is not None:
            del places["database"]
    for column, where in places.items():
        if len(where) != 1:
            problem = "lacks the column" if not where else "has more than one column for"
            raise DataError(
                f"{path}, line {number}: the header {shown(line)} {problem} {column}; expected "
                f"{', '.join(COLUMNS)}"
            )
    return {column: where[0] for column, where in places.items()}, len(names), rows[1:]


def _unnamed(names: Sequence[str]) -> bool:
    """Whether a header holds pandas' numbers only, counted from 0, after an index or not."""
    own = names[1:] if names[0] in ("", "unnamed0", "index") else names
    return list(own) == [str(i) for i in range(len(own))]


def _cells(path: Path, number: int, line: str, delimiter: str) -> list[str]:
    try:
        rows = list(csv.reader(io.StringIO(line), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise DataError(f"{path}, line {number}: {shown(line)} is no row ({error})") from error
    return [cell.strip() for cell in rows[0]] if rows else []


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def _text(cell: object) -> str:
    """Return a cell of a spreadsheet as text; a whole number has no decimal point."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return re.sub(r"\s+", " ", str(cell)).strip()


def _xlsx(data: bytes) -> list[list[Sequence[object]]]:
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and extensions that are not read
        book = openpyxl.load_workbook(io.BytesIO(data), data_only=True)
    return [list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets]


def _xls(data: bytes) -> list[list[Sequence[object]]]:
    import xlrd

    book = xlrd.open_workbook(file_contents=data, logfile=io.StringIO())
    return [[sheet.row_values(i) for i in range(sheet.nrows)] for sheet in book.sheets()]
