"""Long videos as three laboratories hand them out: sheets with their quirks, frames as given."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from trees.casme3_tree import HEADER as CASME3_HEADER
from trees.casme_squared_tree import make_casme_squared
from trees.drawn import drawn, write_strays
from trees.samm_tree import SammRow, write_sheet
from trees.sheets import write_book

type Pictures = Sequence[bytes]
"""Encoded frames of a video, in order."""

SAMM_HEAD = (
    "Subject", "Filename", "Inducement Code", "Onset", "Apex", "Offset", "Duration", "Type",
    "Action Units", "Notes",
)  # fmt: skip
SAMM_PROSE = (
    "SAMM Long Videos Dataset - FACS Codes", None, "Symbol Key:", '"/" = or', None, "AU Help:",
    '"L2 or R2" = Unilateral AU 2 on left side of face / right side of face',
    '"A2" = Asymmetric AU 2', None,
)  # fmt: skip


def pictures(count: int) -> list[bytes]:
    """Drawn frames that show no face."""
    return [drawn(number) for number in range(1, count + 1)]


def write_video(folder: Path, frames: Pictures, name: str, *, first: int = 1) -> None:
    """Write frames under `name`, which a number is put into."""
    folder.mkdir(parents=True)
    for number, data in enumerate(frames, first):
        (folder / name.format(number)).write_bytes(data)


def samm_row(
    clip: str, onset: object, apex: object, offset: object, kind: str = "Micro - 1/2"
) -> list[object]:
    """A row of the sheet of SAMM Long Videos."""
    subject, code, _ = clip.split("_")
    return [subject, clip, int(code), onset, apex, offset, None, kind, "4+7", None]


def make_samm_long(
    root: Path,
    rows: Sequence[Sequence[object]],
    videos: Mapping[str, Pictures],
    *,
    emotions: Mapping[str, str] | None = None,
) -> Path:
    """Write the sheet below its prose, and frames of four or five digits, by video."""
    lines = [[text] for text in SAMM_PROSE]
    sheets = {"FACS_Movement_Only": [*lines, SAMM_HEAD, *rows]}
    path = write_book(root / "SAMM_LongVideos_V2_Release.xlsx", sheets)
    for index, (name, frames) in enumerate(videos.items()):
        digits = 4 + index % 2
        folder = root / "SAMM_longvideos" / name
        write_video(folder, frames, f"{name}_{{:0{digits}d}}.jpg")
        write_strays(folder)
    if emotions:
        micro = [
            SammRow(clip[:3], clip, 1, 2, 3, "4+7", emotion, 1, 1, 1)
            for clip, emotion in emotions.items()
        ]
        write_sheet(root / "SAMM_Micro_FACS_Codes_v2.xlsx", micro)
    return path


def make_casme_squared_long(
    root: Path, rows: list[list[object]], videos: Mapping[str, Pictures]
) -> Path:
    """Write the workbook without a header, and frames of rawpic; videos are called 15_0401."""
    path = make_casme_squared(root, rows=rows, frames=False)
    for name, frames in videos.items():
        folder = root / "rawpic" / "rawpic" / f"s{name[:2]}" / f"{name}girlcrashing"
        # Padded to three digits below 100, so that names have no one width.
        write_video(folder, frames, "img{:03d}.jpg")
        write_strays(folder)
    return path


def make_casme3_long(
    root: Path,
    rows: Sequence[Sequence[object]],
    videos: Mapping[tuple[str, str], tuple[int, Pictures]],
    *,
    emotions: Sequence[Sequence[object]] = (),
) -> Path:
    """Write both tables of part A, and colour frames whose first number is given; depth beside.

    Rows are subject, video, onset, apex, offset, units, type; `emotions` are rows of the other
    table, in its order.
    """
    head = ["Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Expression type"]
    path = write_book(root / "annotation" / "CAS(ME)3_part_A_v2.xls", {"Sheet1": [head, *rows]})
    if emotions:
        label = root / "annotation" / "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"
        write_book(label, {"label": [CASME3_HEADER, *emotions]})
    for (person, letter), (first, frames) in videos.items():
        folder = root / "part_A" / "data" / "part_A" / person / letter
        write_video(folder / "color", frames, "{}.jpg", first=first)
        write_video(folder / "depth", frames[:1], "{}.png", first=first)
    return path


def make_casme3_part_c(
    root: Path, rows: Sequence[Sequence[object]], videos: Mapping[str, Pictures]
) -> Path:
    """Write part C: a row is sub, count, au, onset, offset, emotion; a video for each person."""
    head = ["sub", "count", "au", "onset", "offset", "emotion", "PHY"]
    path = write_book(root / "CAS(ME)3_part_C_ME.xlsx", {"Sheet1": [head, *rows]})
    for person, frames in videos.items():
        folder = root / "part_C" / "RGB_Depth" / "part_C" / "part_C" / person / "a"
        write_video(folder / "color", frames, "{}.jpg")
        write_video(folder / "depth", frames[:1], "{}.png")
    return path
