"""A CAS(ME)^2 as it lies on disk: no header, names in code, long videos."""

from pathlib import Path

from trees.drawn import write_frames, write_strays
from trees.sheets import write_book

STIMULI = {"disgust2": "0102", "anger1": "0401", "happy1": "0502", "surprise1": "0601"}
PEOPLE = {1: "s15", 2: "s16", 3: "s19"}
TAILS = {"0101": "disgustingteeth", "0102": "disgustingear", "0401": "angertest"}

# Participant, video, onset, apex, offset, action units, emotion, kind, self-report.
ROWS = [
    [1, "disgust1_1", 11, 15, 20, "4+7", "negative", "micro-expression", "disgust"],
    [1, "anger1_1", 101, 105, 0, "4", "negative", "macro-expression", "anger"],
    [1, "anger1_2", 121, 125, 0, "4", "negative", "micro-expression", "anger"],
    [1, "anger1_2", 141, 0, 150, 4, "negative", "micro-expression", "anger"],
    [2, "happy1_1", 11, 14, 19, "6+12", "positive", "micro-expression", "happiness"],
    [2, "happy1_2", 0, 14, 19, "6+12", "positive", "micro-expression", "happiness"],
    [2, "happy1_3", 13, 0, 0, "12", "positive", "micro-expression", "happiness"],
    [2, "surprise1_1", "31", "35", "39", "1+2", "surprise", "micro-expression", "surprise"],
    [3, "surprise1_1", 31, 35, 39, "1+2", "surprise", "macro-expression", "surprise"],
    [3, "disgust2_1", 31, 35, 39, "14", "others", "micro-expression", "helpless"],
    [3, "boredom1_1", 31, 35, 39, "14", "others", "micro-expression", "bored"],
    [9, "anger1_1", 31, 35, 39, "14", "others", "micro-expression", "bored"],
]
COUNTS = {"negative": 3, "positive": 1, "surprise": 1, "others": 1}


def make_casme_squared(
    root: Path,
    *,
    name: str = "CAS(ME)^2code_final.xlsx",
    sheet: str = "CASFEcode_final",
    rows: list[list[object]] | None = None,
    frames: bool = True,
) -> Path:
    rows = ROWS if rows is None else rows
    sheets = {
        sheet: rows,
        "naming rule1": [[number, folder, number] for number, folder in PEOPLE.items()],
        # The rule has no disgust1.
        "naming rule2": [[code, stimulus] for stimulus, code in STIMULI.items()],
    }
    path = root / "code" / name
    if path.suffix == ".csv":
        write_book(path, {sheet: rows})
        for rule in ("naming rule1", "naming rule2"):
            write_book(path.with_name(f"{rule}.csv"), {rule: sheets[rule]})
    else:
        write_book(path, sheets)
    blinks = [[1, "anger1_1", 1, 2, 3, "blink"]]
    write_book(root / "code" / "CAS(ME)^2blink-code.xlsx", {"Sheet1": blinks})
    if frames:
        for person in PEOPLE.values():
            for code in ("0101", *STIMULI.values()):
                tail = TAILS.get(code, "clip")
                folder = root / "rawpic" / "rawpic" / person / f"{person[1:]}_{code}{tail}"
                write_frames(folder, ((f"img{n:03d}.jpg", n) for n in range(1, 161)))
                cropped = root / "cropped" / person / f"{person[1:]}_{code}{tail}"
                write_frames(cropped, [("img001.jpg", 1)])
        write_strays(root / "rawpic" / "rawpic" / "s15" / "15_0401angertest")
    return path
