"""A SMIC as it lies on disk: cut clips by camera and emotion, or long clips and their sheet."""

from dataclasses import dataclass
from pathlib import Path

import openpyxl
from trees.drawn import write_frames, write_strays
from trees.samm_tree import cache_values

FULL = {"ne": "negative", "po": "positive", "sur": "surprise"}
HEADER = (
    "Subject", "Filename", None, "OnsetF", "OffsetF", "Onset2F", "Offset2F", "Onset3F", "Offset3F",
    None, "FirstF", "LastF", "TotalMF1", "TotalMF2", "TotalMF3", "TotalVL", "Emotion", None, None,
)  # fmt: skip
# Clips of each subject: negative, positive, surprise; 70, 51 and 43 in all, as published.
PEOPLE = {
    1: (3, 2, 1), 2: (0, 1, 5), 3: (22, 11, 6), 4: (10, 4, 5), 5: (1, 0, 1), 6: (2, 0, 2),
    8: (9, 4, 0), 9: (0, 1, 3), 11: (3, 3, 1), 12: (0, 8, 1), 13: (0, 10, 0), 14: (3, 2, 5),
    15: (1, 1, 2), 18: (2, 0, 5), 19: (0, 1, 1), 20: (14, 3, 5),
}  # fmt: skip
NOT_OFFERED = ("s3_ne_03", "s3_ne_20", "s4_ne_05", "s4_ne_06", "s9_sur_02")


def clip_names(people: dict[int, tuple[int, int, int]] = PEOPLE) -> list[str]:
    """164 names as the folders have them: subjects without zeros, takes of two digits."""
    return [
        f"s{person}_{code}_{take:02d}"
        for person, counts in people.items()
        for code, count in zip(FULL, counts, strict=True)
        for take in range(1, count + 1)
    ]


def make_cut(
    root: Path,
    *,
    camera: str = "HS",
    cropped: bool = False,
    frames: int = 6,
    keep: int | None = None,
) -> list[str]:
    """Write clips cut to the expression: SMIC_all_raw/HS/s1/micro/negative/s1_ne_01."""
    names = clip_names()[:keep]
    kind, prefix = ("SMIC_all_cropped", "reg_") if cropped else ("SMIC_all_raw", "")
    for index, name in enumerate(names):
        person, code, _ = name.split("_")
        folder = root / kind / camera / person / "micro" / FULL[code] / name
        start = 34208 + 1000 * index
        numbers = range(start, start + frames)
        write_frames(folder, ((f"{prefix}image{n:06d}.bmp", n) for n in numbers))
    write_strays(root / kind / camera / "s1" / "micro" / "negative" / "s1_ne_01")
    # The authors' other half, which holds no expression.
    other = root / kind / camera / "s1" / "non_micro" / "s1_non_01"
    write_frames(other, ((f"{prefix}image{n:06d}.bmp", n) for n in range(5)))
    return names


@dataclass
class LongRow:
    name: str
    onset: int
    offset: int
    first: int
    last: int


def long_rows() -> list[LongRow]:
    rows = []
    for index, name in enumerate(clip_names()):
        # Six to eight digits.
        first = (34200 if index % 3 else 17581000) + 500 * index
        rows.append(LongRow(name, first + 4, first + 12, first, first + 20))
    return rows


def make_long(
    root: Path,
    *,
    camera: str = "HS",
    formulas: bool = True,
    cached: bool = True,
    keep: int | None = None,
) -> list[LongRow]:
    """Write long clips and their sheet, in which offsets are formulas with stored results."""
    rows = long_rows()[:keep]
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = camera
    other = book.create_sheet("VIS" if camera != "VIS" else "HS")
    for column, cell in enumerate(HEADER, 1):
        sheet.cell(1, column, cell)
    results: dict[str, object] = {}
    for line, row in enumerate(rows, 2):
        person, code, _ = row.name.split("_")
        total = row.offset - row.onset + 1
        offset = f"=D{line}+M{line}-1" if formulas else row.offset
        cells = [
            int(person[1:]), row.name, None, row.onset, offset, None, None, None, None, None,
            row.first, row.last, total, None, None, row.last - row.first + 1, FULL[code],
        ]  # fmt: skip
        for column, cell in enumerate(cells, 1):
            sheet.cell(line, column, cell)
        other.cell(line, 13, total)
        if formulas:
            results[f"E{line}"] = row.offset
    for index in (10, 20, 30)[: len(rows) // 11]:  # a second expression in the clip
        sheet.cell(index + 2, 6, rows[index].onset + 10)
        sheet.cell(index + 2, 7, rows[index].onset + 14)
    sheet.cell(5 + 2, 8, rows[5].onset - 900)  # a third one before the first
    sheet.cell(5 + 2, 9, rows[5].onset - 800)
    for line, row in enumerate(rows, 2):
        if row.name == "s3_ne_20":
            sheet.cell(line, 11, "MISSING <-426679")
    sheet.cell(len(rows) + 4, 1, "Total")
    sheet.cell(len(rows) + 4, 13, 1234)
    sheet.cell(len(rows) + 5, 5, "frames counted in the whole recording")
    path = root / f"SMIC-{camera}-E_annotation.xlsx"
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    (root / f"~$SMIC-{camera}-E_annotation.xlsx").write_bytes(b"\0lock")
    if formulas and cached:
        cache_values(path, {"xl/worksheets/sheet1.xml": results})
    for row in rows:
        if row.name in NOT_OFFERED:
            continue
        person = int(row.name.split("_")[0][1:])
        folder = root / "SMIC-E_raw image" / f"{camera}_long" / f"SMIC-{camera}-E"
        folder = folder / f"s{person:02d}" / row.name
        numbers = range(row.first, row.last + 1)
        write_frames(folder, ((f"image{n:06d}.jpg", n) for n in numbers))
    return rows
