"""A CASME II as it lies on disk: both codings, three frame trees, and what real disks add."""

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import openpyxl
import xlwt
from trees.drawn import write_frames, write_strays

HEADER = (
    "Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, "Action Units",
    "Estimated Emotion",
)  # fmt: skip
COUNTS = {
    "others": 99, "disgust": 63, "happiness": 32, "repression": 27, "surprise": 25, "sadness": 7,
    "fear": 2,
}  # fmt: skip
COUNTS_2019 = {**COUNTS, "surprise": 28, "sadness": 4}
RENAMED = (("24", "EP07_01"), ("24", "EP07_04f"), ("24", "EP10_03"))
type Tree = Literal["raw_selected", "raw", "cropped"]


@dataclass
class Casme2Row:
    subject: str
    clip: str
    onset: object
    apex: object
    offset: object
    aus: object
    emotion: str

    def cells(self, *, objective: int | None = None) -> list[object]:
        cells = [self.subject, self.clip, None, self.onset, self.apex, self.offset, None]
        return [*cells, self.aus, self.emotion, *([] if objective is None else [objective])]


# Rows of the published sheets that are odd, as they are there.
ODD = (
    Casme2Row("04", "EP12_01f", 261, "/", 321, "4", "disgust"),
    Casme2Row("05", "EP09_05f", 69, 69, 123, "1+2", "surprise"),
    Casme2Row("05", "EP16_04f", 10, 18, 18, 12, "happiness"),
    Casme2Row("12", "EP09_06", 10, 18, 18, "4+7+L10", "others"),
    Casme2Row("20", "EP16_01", 10, 18, 18, "?", "others"),
    Casme2Row("25", "EP18_04f", 10, 18, 18, "?", "others"),
    Casme2Row("01", "EP01_2", 40, 45, 50, "?", "others"),
    Casme2Row("02", "EP08_1", 40, 45, 50, "14", "repression"),
    Casme2Row("02", "EP06_02_01", 40, 45, 50, "4+7", "others"),
    Casme2Row("02", "EP06_02_02", 60, 65, 70, "4+7", "others"),
    Casme2Row("02", "EP09f", 40, 45, 50, "R14", "repression"),
    Casme2Row("24", "EP07_01", 40, 45, 50, "1+2", "sadness"),
    Casme2Row("24", "EP07_04f", 40, 45, 50, "1+2", "sadness"),
    Casme2Row("24", "EP10_03", 40, 45, 50, "1+2", "sadness"),
)


def rows_2014() -> list[Casme2Row]:
    """All 255 rows, sub04/EP12_01f in row 31 of the file."""
    left = {emotion: number - sum(row.emotion == emotion for row in ODD)
            for emotion, number in COUNTS.items()}  # fmt: skip
    emotions = [emotion for emotion, number in left.items() for _ in range(number)]
    plain = [
        Casme2Row(f"{k % 26 + 1:02d}", f"EP{k // 26 + 30:02d}_{k % 26 + 1:02d}{'f' * (k % 2)}",
                  20 + k % 90, 24 + k % 90, 28 + k % 90, ("4+7", 12, "R14", "1+2")[k % 4], emotion)
        for k, emotion in enumerate(emotions)
    ]  # fmt: skip
    rows = [*plain[:29], *map(replace, ODD), *plain[29:]]
    assert len(rows) == 255
    assert rows[29].clip == "EP12_01f"
    return rows


def rows_2019() -> list[Casme2Row]:
    rows = rows_2014()
    for row in rows:
        if (row.subject, row.clip) in RENAMED:
            row.emotion = "surprise"
    return rows


def write_sheet(path: Path, rows: list[Casme2Row], *, objective: bool = False) -> Path:
    """As .xlsx with two further empty sheets, .xls or .csv, by the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = [*HEADER, *(["Objective Classes"] if objective else [])]
    cells = [header] + [
        row.cells(objective=k % 7 + 1 if objective else None) for k, row in enumerate(rows)
    ]
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8-sig") as file:
            csv.writer(file).writerows(cells)
    elif path.suffix == ".xls":
        book = xlwt.Workbook()
        sheet = book.add_sheet("Sheet1")
        for i, line in enumerate(cells):
            for j, cell in enumerate(line):
                if cell is not None:
                    sheet.write(i, j, cell)
        book.save(str(path))
    else:
        book = openpyxl.Workbook()
        for line in cells:
            book.worksheets[0].append(line)
        book.worksheets[0].title = "Sheet1"
        book.create_sheet("Sheet2")
        book.create_sheet("Sheet3")
        book.save(path)
    return path


def write_tree(root: Path, rows: list[Casme2Row], tree: Tree = "cropped") -> Path:
    """The frames of the rows; `root` is the folder of the subjects."""
    prefix = "reg_img" if tree == "cropped" else "img"
    around = 15 if tree == "raw" else 0
    for row in rows:
        assert isinstance(row.onset, int)
        assert isinstance(row.offset, int)
        numbers = range(max(1, row.onset - around), row.offset + around + 1)
        folder = root / f"sub{row.subject}" / row.clip
        write_frames(folder, ((f"{prefix}{n}.jpg", n) for n in numbers))
    first = root / f"sub{rows[0].subject}"
    write_strays(first)
    write_strays(first / rows[0].clip)
    return root
