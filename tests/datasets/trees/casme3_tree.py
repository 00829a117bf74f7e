"""Part A of CAS(ME)^3 as it lies on disk: all strings, 860 rows, videos by letter."""

from pathlib import Path

from trees.drawn import write_frames, write_strays
from trees.sheets import write_book

HEADER = ["Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion"]
COUNTS = {
    "disgust": 250,
    "surprise": 187,
    "others": 158,
    "Others": 3,
    "fear": 86,
    "anger": 64,
    "sad": 57,
    "happy": 55,
}
ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII")
AUS = ("4", "12", "26+25", "L2+L1", "T28+14", "4\uff0c7", "R14")
LETTERS = "abcdefghijklm"


def casme3_rows() -> list[list[object]]:
    """All 860 rows of 94 subjects, the odd ones where they are in the published sheet."""
    emotions = [name for name, count in COUNTS.items() for _ in range(count)]
    rows: list[list[object]] = []
    for index in range(860):
        person, take = index % 94, index // 94
        # Three expressions to a video.
        onset = 20 + 60 * (take % 3)
        rows.append(
            [
                f"spNO.{person + 1}", LETTERS[take // 3], str(onset), str(onset + 4),
                str(onset + 9), AUS[index % len(AUS)], ROMAN[index % 7],
                emotions[index * 7 % 860],
            ]
        )  # fmt: skip
    rows[128][2:5] = ["112", "83", "130"]
    rows[708][2:5] = ["5", "5", "3460"]  # 34 is meant
    rows[749][2:5] = ["26470", "2650", "2655"]
    rows[750][2:5] = ["0", "0", "25"]
    rows[796][0:5] = ["spNO.40", "e", "1832", "1838", "0"]
    rows[798][0:5] = ["spNO.40", "e", "2390", "2396", "0"]
    return rows


def make_clips(root: Path, rows: list[list[object]], *, deeper: bool = False) -> None:
    """Write a folder for each expression, as part A's clips are handed out."""
    for line in rows:
        person, letter, onset, _, offset = (str(cell) for cell in line[:5])
        name = f"{person}_{letter}_{onset}"
        for kind, suffix in (("frame", "jpg"), ("depth", "png")):
            folder = root / "Part_A_ME_clip" / kind / name
            numbers = range(max(1, int(onset)), int(offset) + 1)
            write_frames(
                folder / name if deeper else folder, ((f"{n}.{suffix}", n) for n in numbers)
            )
        video = root / "Part_A_ME_clip" / "video" / f"{name}.mp4"
        video.parent.mkdir(exist_ok=True)
        video.write_bytes(b"video")


def make_casme3(
    root: Path,
    rows: list[list[object]],
    *,
    name: str = "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx",
    colour: str = "color",
    sparse: bool = False,
) -> Path:
    """Write sheet and frames; `sparse` writes one frame of each expression."""
    path = write_book(root / "annotation" / name, {"label": [HEADER, *rows]})
    for line in rows:
        person, letter, onset, _, offset = (str(cell) for cell in line[:5])
        folder = root / "part_A" / "data" / "part_A" / person / letter
        first, last = int(onset), int(offset)
        first = 2640 if first > last + 1000 > 1000 else first
        last = last if last > first else first + 15
        numbers = [max(1, first)] if sparse else range(max(1, first - 2), last + 3)
        write_frames(folder / colour if colour else folder, ((f"{n}.jpg", n) for n in numbers))
        if not sparse:
            write_frames(folder / "depth", [(f"{first}.png", first)])
    write_strays(root / "part_A" / "data" / "part_A" / str(rows[0][0]) / str(rows[0][1]) / colour)
    return path
