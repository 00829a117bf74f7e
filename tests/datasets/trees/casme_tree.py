"""A CASME as it lies on disk: sections A and B or the merged sheet, with the known oddities."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import openpyxl
import xlwt
from trees.drawn import write_frames, write_strays

# Subject and Filename are followed by a column without header, as are the frames.
HEADER = (
    "Subject", "Filename", None, "OnsetF", "ApexF1", "ApexF2", "OffsetF", None, "AUs",
    "Reliability", None, "Emotion",
)  # fmt: skip
COUNTS = {
    "tense": 69, "disgust": 44, "repression": 38, "surprise": 20, "happiness": 9, "sadness": 6,
    "fear": 2, "contempt": 1,
}  # fmt: skip
SECTION_A_ROWS = 92
# 0-based rows of the merged sheet whose frames the community has corrected.
BAD_ROWS = (40, 42, 43, 54, 140)


@dataclass
class CasmeRow:
    subject: int
    clip: str
    onset: object
    apex: object
    apex2: object
    offset: object
    aus: object
    emotion: str
    first: int = 1
    last: int = 9

    @property
    def cells(self) -> list[object]:
        frames = [self.onset, self.apex, self.apex2, self.offset]
        return [self.subject, self.clip, None, *frames, None, self.aus, 0.9, None, self.emotion]


def casme_rows() -> list[CasmeRow]:
    """189 rows in the order of the merged sheet, section A (subjects 1 to 7) first."""
    emotions = [name for name, count in COUNTS.items() for _ in range(count)]
    # Spread over the subjects, the way a real sheet has them.
    emotions = [emotions[(index * 80) % len(emotions)] for index in range(len(emotions))]
    rows = []
    for index, emotion in enumerate(emotions):
        section_a = index < SECTION_A_ROWS
        people, offset = (7, 0) if section_a else (12, SECTION_A_ROWS)
        subject = (index - offset) % people + (1 if section_a else 8)
        take = (index - offset) // people
        clip = f"EP{take // 6 + 1:02d}" + (f"_{take % 6 + 1}" if take % 6 else "")
        rows.append(CasmeRow(subject, clip, 2, 5, 6, 8, "4+7", emotion))
    rows[0].aus = "L10+?"
    rows[1].aus = 12
    rows[2].apex, rows[2].apex2 = "/", 6  # only the second apex
    rows[3].apex, rows[3].apex2 = None, None  # no apex
    rows[4].onset, rows[4].apex, rows[4].offset = "2", " 5 ", 8.0
    contempt = next(row for row in rows if row.emotion == "contempt")
    contempt.emotion = "comtempt"
    next(row for row in rows if row.emotion == "tense").emotion = "Tense "
    return rows


def spoil_known_rows(rows: list[CasmeRow]) -> None:
    """Make the rows that the merged sheet has wrong as wrong as they may be there."""
    fixed = {40: (100, 149), 42: (101, 119), 43: (57, 74), 54: (30, 40), 140: (130, 142)}
    for index, (first, last) in fixed.items():
        rows[index].first, rows[index].last = first - 1, last + 1
    for index in (40, 42, 43):
        rows[index].onset, rows[index].apex, rows[index].offset = 420, "/", 19
        rows[index].apex2 = None
    rows[54].onset, rows[54].apex, rows[54].offset = 31, 35, 4
    rows[140].onset, rows[140].apex, rows[140].offset = 131, 135, 42
    rows[54].apex2 = rows[140].apex2 = None


def frame_names(row: CasmeRow, index: int, style: str, cropped: bool) -> Iterator[tuple[str, int]]:
    prefix = "reg_" if cropped else ""
    for number in range(row.first, row.last + 1):
        if style == "img":
            yield f"{prefix}img{number}.jpg", number
        else:
            padded = str(number) if index < SECTION_A_ROWS else f"{number:03d}"
            yield f"{prefix}{row.clip}-{padded}.jpg", number


def write_xls(path: Path, rows: list[CasmeRow], table: list[list[object]] | None = None) -> None:
    """Write the sheet of rows, or any cells."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    for line, cells in enumerate(table or [list(HEADER), *(row.cells for row in rows)]):
        for column, cell in enumerate(cells):
            if cell is not None:
                sheet.write(line, column, cell)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(str(path))


def write_xlsx(path: Path, rows: list[CasmeRow]) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for cells in [list(HEADER), *(row.cells for row in rows)]:
        sheet.append(cells)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


def make_casme(
    root: Path,
    *,
    form: Literal["sections", "merged"] = "sections",
    cropped: bool = False,
    style: Literal["clip", "img"] = "clip",
    keep: int | None = None,
) -> list[CasmeRow]:
    """Write a CASME below `root` and return its rows; `keep` leaves only the first few rows."""
    rows = casme_rows()
    if form == "merged":
        spoil_known_rows(rows)
        write_xlsx(root / "CASME.xlsx", rows[:keep])
    else:
        halves = {"A": rows[:SECTION_A_ROWS][:keep], "B": rows[SECTION_A_ROWS:][:keep]}
        for letter, half in halves.items():
            write_xls(_section(root, letter) / f"Section {letter}.xls", half)
    for index, row in enumerate(rows):
        in_a = index < SECTION_A_ROWS
        if keep is not None and (index if in_a or form == "merged" else index - 92) >= keep:
            continue
        if form == "merged":
            kind = "CASME_cropped_selected" if cropped else "CASME_raw_selected"
            folder = root / kind / f"sub{row.subject:02d}" / row.clip
        else:
            folder = _section(root, "A" if in_a else "B") / f"sub{row.subject:02d}" / row.clip
        write_frames(folder, frame_names(row, index, style, cropped))
        if index == 0:
            write_strays(folder)
    return rows


def _section(root: Path, letter: str) -> Path:
    return root / "RAW" / f"CASME_{letter}" / f"Section {letter}"
