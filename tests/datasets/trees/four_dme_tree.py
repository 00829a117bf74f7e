"""4DME as it lies on disk: emotions and action units in columns of 0 and 1."""

from pathlib import Path

from trees.drawn import write_frames, write_strays
from trees.sheets import write_book

EMOTIONS = ["Positive", "Negative", "Surprise", "Repression", "Others"]
UNITS = [1, 2, 4, 6, 7, 9, 12, 14, 15, 17, 20, 24]
HEADER = [
    "sub_ID", "fold_name", "Emotion", "Onset", "Apex", "Offset", "AUs", "fold", "eye blink",
    *EMOTIONS, "Total", *(f"AU{number}" for number in UNITS),
]  # fmt: skip


def four_dme_row(
    person: int, name: str, onset: int, aus: str, emotions: list[str], units: list[int]
) -> list[object]:
    flags = [int(emotion in emotions) for emotion in EMOTIONS]
    columns = [int(number in units) for number in UNITS]
    return [
        person, name, "&".join(emotions), onset, onset + 5, onset + 9, aus, 1, 0, *flags,
        sum(flags), *columns,
    ]  # fmt: skip


def four_dme_rows() -> list[list[object]]:
    """All 267 rows; two neighbours with each other's units, copies, and clips of two emotions."""
    rows = [
        four_dme_row(
            index % 41 + 1, f"{index % 41 + 1:02d}_{index // 41 + 1}", 30, "4+7",
            [EMOTIONS[index % 5]], [4, 7],
        )
        for index in range(267)
    ]  # fmt: skip
    rows[144] = four_dme_row(22, "22_4", 30, "6+12", ["Negative"], [4])
    rows[145] = four_dme_row(23, "23_4", 30, "4", ["Positive"], [6, 12])
    rows[200] = four_dme_row(7, "07_1(2)", 60, "1+2", ["Surprise"], [1, 2])
    rows[201] = four_dme_row(38, "38_5", 30, "1+4", ["Negative", "Surprise"], [1, 4])
    rows[202] = four_dme_row(39, "39_5", 30, "14", ["Others"], [15])
    return rows


def make_four_dme(
    root: Path, rows: list[list[object]], *, name: str = "4DME_Labelling_Micro_release v1.xlsx"
) -> Path:
    path = write_book(root / name, {"Sheet1": [HEADER, *rows]})
    for line in rows:
        folder = str(line[1]).split("(")[0]
        onset = int(str(line[3]))
        numbers = range(onset - 3, onset + 10)
        write_frames(
            root / "gray_micro" / str(line[0]) / folder, ((f"{n}.jpg", n) for n in numbers)
        )
        write_frames(root / "depth_micro" / str(line[0]) / folder, [(f"{onset}.png", onset)])
    write_strays(root / "gray_micro" / "1")
    return path
