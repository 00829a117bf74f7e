"""A SAMM as it lies on disk: the sheet under its prose, absolute frame numbers, mixed padding."""

import re
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import openpyxl
from openpyxl.utils.exceptions import IllegalCharacterError
from trees.drawn import write_frames, write_strays

HEADER = (
    "Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame",
    "Duration", "Micro", "Action Units", "Estimated Emotion", "Objective Classes", "Notes",
)  # fmt: skip
COUNTS = {
    "Anger": 57, "Happiness": 26, "Other": 26, "Surprise": 15, "Contempt": 12, "Disgust": 9,
    "Fear": 8, "Sadness": 6,
}  # fmt: skip
PROSE = (
    "SAMM Micro-Expression FACS Codes",
    "Please cite the following papers when using this data:",
    "Davison, A., Lansley, C., Costen, N., Tan, K., Yap, M.H.: SAMM, 2016",
    None,
    '"/" = or',
    '"?" = unclear offset',
    "L2/R2 = unilateral",
    "A2 = asymmetric",
    "The Subject is the number of the participant",  # holds a header's word, and is none
    None,
    None,
    None,
    None,
)
ODD_AUS = (
    "(R6 or R12)+R15", "L12 or L14", "R14A or 17A or 24A", "ref(7B)+43", "10A/B",
    "R14+17+soft focus", "12+15 ", 12,
)  # fmt: skip
PEOPLE = (6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 28, 30, 31,
          32, 33, 34, 35, 36, 37)  # fmt: skip


@dataclass
class SammRow:
    subject: str
    clip: str
    onset: object
    apex: object
    offset: object
    aus: object
    emotion: str
    objective: object
    first: int
    last: int

    def cells(self, line: int) -> list[object]:
        duration = f"=SUM(F{line}-D{line})+1"
        frames = [self.onset, self.apex, self.offset]
        tail = [duration, "Micro - 1/2", self.aus, self.emotion, self.objective, None]
        return [self.subject, self.clip, 1, *frames, *tail]


def samm_rows() -> list[SammRow]:
    """159 rows, subject by subject, with the two apexes that are typing errors."""
    emotions = [name for name, count in COUNTS.items() for _ in range(count)]
    emotions = [emotions[(index * 70) % len(emotions)] for index in range(len(emotions))]
    names = [(person, f"{k // 3 + 1}_{k % 3 + 1}") for k in range(6) for person in PEOPLE]
    names = [name for name in names if name not in {(28, "2_1"), (32, "2_1")}]
    names = [*names[: len(emotions) - 2], (28, "4_1"), (32, "3_1")]
    rows = []
    for index, ((person, take), emotion) in enumerate(zip(sorted(names), emotions, strict=True)):
        start = 1000 + 700 * index
        subject = f"{person:03d}"
        aus = ODD_AUS[index % len(ODD_AUS)]
        row = SammRow(
            subject, f"{subject}_{take}", start, start + 4, start + 8, aus, emotion,
            index % 7 + 1, start - 2, start + 9,
        )  # fmt: skip
        if row.clip == "028_4_1":
            row.onset, row.apex, row.offset, row.first, row.last = 1104, 1143, 1134, 1104, 1134
        if row.clip == "032_3_1":
            row.onset, row.apex, row.offset, row.first, row.last = 4896, 1930, 4972, 4896, 4972
        rows.append(row)
    return rows


def write_sheet(
    path: Path,
    rows: list[SammRow],
    *,
    prose: bool = True,
    header: bool = True,
    durations: dict[str, object] | None = None,
) -> None:
    """Write the sheet and the results of its formulas, the right ones if none are given."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "MICRO_ONLY"
    line = 0
    for text in PROSE if prose else ():
        line += 1
        sheet.cell(line, 1, text)
    if header:
        line += 1
        for column, text in enumerate(HEADER, 1):
            sheet.cell(line, column, text)
    results = {} if durations is None else durations
    for row in rows:
        line += 1
        for column, cell in enumerate(row.cells(line), 1):
            with suppress(IllegalCharacterError):  # fuzzers think of them, Excel refuses them
                sheet.cell(line, column, cell)
        if durations is None:
            results[f"G{line}"] = int(str(row.offset)) - int(str(row.onset)) + 1
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    cache_values(path, {"xl/worksheets/sheet1.xml": results})


def cache_values(path: Path, sheets: dict[str, dict[str, object]]) -> None:
    """Put results beside the formulas of a saved .xlsx: openpyxl writes formulas alone."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for part, values in sheets.items():

        def with_value(match: re.Match[str], values: dict[str, object] = values) -> str:
            return f"{match[1]}<v>{values[match[2]]}</v></c>" if match[2] in values else match[0]

        text = parts[part].decode()
        text = re.sub(
            r'(<c r="([A-Z]+[0-9]+)"[^>]*><f>[^<]*</f>)<v ?/?>(?:</v>)?</c>', with_value, text
        )
        assert all(f"<v>{value}</v>" in text for value in values.values())
        parts[part] = text.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


def make_samm(
    root: Path,
    *,
    sheet: Literal["prose", "plain", "headerless"] = "prose",
    keep: int | None = None,
) -> list[SammRow]:
    """Write a SAMM below `root` and return its rows; `keep` leaves only the first few rows."""
    rows = samm_rows()[:keep]
    name = "SAMM_Micro_FACS_Codes_v2.xlsx" if sheet == "prose" else (
        "SAMM_20181215_Micro_FACS_Codes_v2.xlsx"
    )  # fmt: skip
    write_sheet(root / name, rows, prose=sheet == "prose", header=sheet != "headerless")
    for index, row in enumerate(rows):
        # Four or five digits, also within one subject.
        digits = 4 + index % 2
        folder = root / "SAMM" / row.subject / row.clip
        numbers = range(row.first, row.last + 1)
        write_frames(folder, ((f"{row.subject}_{n:0{digits}d}.jpg", n) for n in numbers))
    write_strays(root / "SAMM" / rows[0].subject / rows[0].clip)
    return rows
