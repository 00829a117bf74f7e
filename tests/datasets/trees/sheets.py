"""Writing the sheets of trees in every format that people have them in."""

import csv
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import openpyxl
import xlwt
from openpyxl.utils.exceptions import IllegalCharacterError

type Lines = Sequence[Sequence[object]]


def write_book(path: Path, sheets: Mapping[str, Lines]) -> Path:
    """Write lines of cells as .xlsx, .xls or (the first sheet only) .csv, by the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8-sig") as file:
            csv.writer(file).writerows(next(iter(sheets.values())))
    elif path.suffix == ".xls":
        old = xlwt.Workbook()
        for name, lines in sheets.items():
            sheet = old.add_sheet(name)
            for i, line in enumerate(lines):
                for j, cell in enumerate(line):
                    if cell is not None:
                        sheet.write(i, j, cell)
        old.save(str(path))
    else:
        book = openpyxl.Workbook()
        book.remove(book.worksheets[0])
        for name, lines in sheets.items():
            page = book.create_sheet(name)
            for i, line in enumerate(lines, 1):
                for j, cell in enumerate(line, 1):
                    with suppress(IllegalCharacterError):  # fuzzers think of them
                        page.cell(i, j, cell)
        book.save(path)
    return path
