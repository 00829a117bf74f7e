"""DFME as it lies on disk: three sheets, words and numbers for emotions, three frame rates."""

from pathlib import Path

from trees.drawn import write_frames, write_strays
from trees.sheets import write_book

HEADER = [
    "Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Emotion", "EmotionId", "Fps",
    "AU",
]  # fmt: skip
EMOTIONS = ["anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise"]


def dfme_rows(count: int = 60, *, first: int = 0) -> list[list[object]]:
    rows: list[list[object]] = []
    for index in range(first, first + count):
        onset = index % 9 + 1
        number = index % 7
        rows.append(
            [
                f"S{index % 20 + 1:04d}", f"{index:05d}", onset, onset + 5, onset + 9,
                EMOTIONS[number].title(), number, (200, 300, 500)[index % 3], "4+7",
            ]
        )  # fmt: skip
    return rows


def make_dfme(root: Path, sheets: dict[str, list[list[object]]], *, header: bool = True) -> None:
    for name, rows in sheets.items():
        write_book(root / "labels" / name, {"Sheet1": [HEADER, *rows] if header else rows})
        for line in rows:
            onset = int(str(line[2]))
            numbers = range(max(0, onset - 2), onset + 12)
            folder = root / "data" / Path(name).stem / str(line[1])
            write_frames(folder, ((f"{n}.png", n) for n in numbers))
            write_strays(folder)
