"""MMEW as it lies on disk: two layouts, absolute numbers over folders that begin at 1."""

from pathlib import Path
from typing import Literal

from trees.drawn import write_frames, write_strays
from trees.sheets import write_book

HEADER = [
    "Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units",
    "Estimated Emotion", "remarks",
]  # fmt: skip
COUNTS = {
    "surprise": 89, "disgust": 72, "others": 66, "happiness": 36, "fear": 16, "sadness": 13,
    "anger": 8,
}  # fmt: skip
EMOTION_INDEX = {name: f"{k:02d}" for k, name in enumerate(COUNTS, 1)}
type Layout = Literal["by_emotion", "by_person"]


def mmew_rows() -> list[list[object]]:
    """All 300 rows of 30 subjects; 16 with an apex or offset that cannot be."""
    emotions = [name for name, count in COUNTS.items() for _ in range(count)]
    rows: list[list[object]] = []
    for index, emotion in enumerate(emotions):
        person = f"S{index % 30 + 1:02d}"
        clip = f"{person}-{EMOTION_INDEX[emotion]}-{index // 30 + 1:03d}"
        onset = 120 + 3 * index
        rows.append([person, clip, onset, onset + 5, onset + 9, "4+7", emotion, None])
    for index in range(8):
        rows[10 + index][3] = 7  # before the onset
        rows[20 + index][3] = 9000 + index  # behind the offset
    return rows


def make_mmew(
    root: Path,
    rows: list[list[object]],
    *,
    layout: Layout = "by_emotion",
    name: str = "MMEW_Micro_Exp.xlsx",
    absolute: bool = False,
) -> Path:
    path = write_book(root / name, {"Sheet1": [HEADER, *rows]})
    for line in rows:
        person, clip, emotion = str(line[0]), str(line[1]), str(line[6])
        word = "repression" if emotion == "others" else emotion
        if layout == "by_emotion":
            folder = root / "Micro_Expression" / word / clip
        else:
            folder = root / "MMEW_Final" / person / word / clip
        onset, offset = int(str(line[2])), int(str(line[4]))
        first = onset if absolute else 1
        numbers = range(first, first + offset - onset + 1)
        write_frames(folder, ((f"{n}.jpg", n) for n in numbers))
    write_frames(root / "Macro_Expression" / "anger" / "S01-01-001", [("1.jpg", 1)])
    write_strays(root)
    return path
