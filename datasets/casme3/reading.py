"""CAS(ME)^3, part A: strings for numbers, Roman classes, many expressions to a video."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mace.annotation import normalise_emotion
from mace.datasets.reading.cells import CellError, subject_key
from mace.datasets.reading.gathering import Gathering
from mace.datasets.reading.long_videos import VideoFrames, interval, unique_names
from mace.datasets.reading.records import Annotation, Published, Reading
from mace.datasets.reading.tables import Row, Table, read_table
from mace.datasets.reading.trees import Folder, FolderIndex, find_folders, find_table
from mace.errors import ConfigError

FPS = 30.0
CONFIG = "part_a"
PUBLISHED = Published(
    source="the 860 rows of cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx",
    counts={
        "disgust": 250,
        "surprise": 187,
        "others": 161,
        "fear": 86,
        "anger": 64,
        "sadness": 57,
        "happiness": 55,
    },
)

_COLUMNS = {
    "subject": ("subject", "sub"),
    "clip": ("filename", "file", "video"),
    "onset": ("onset", "onsetframe"),
    "apex": ("apex", "apexframe"),
    "offset": ("offset", "offsetframe"),
    "?aus": ("au", "aus", "actionunits"),
    "?objective": ("objectiveclass", "objectiveclasses"),
    "emotion": ("emotion", "estimatedemotion"),
    "?type": ("expressiontype", "type"),
}
_FILES = [
    "*me_label*jpgindex*.xls*",
    "*part*a*me*.xls*",
    "*jpgindex*",
    "cas*3*part*a*.xls*",
    "cas*3*.csv",
    "cas*3*.xls*",
]

# Onset, apex, offset that the MEB library (T. Varanka et al., "Data leakage and evaluation issues
# in micro-expression analysis", 2022) gives to rows of this sheet, counted from 0 after the header.
_KNOWN_ROWS = 860
_CORRECTIONS: dict[int, tuple[int | None, int | None, int | None]] = {
    128: (None, 123, None),
    708: (None, None, 34),
    749: (2647, None, None),
    796: (None, None, 1845),
    798: (None, None, 2403),
}


def read(manual_dir: Path, config_name: str = CONFIG) -> Reading:
    """Read part A below `manual_dir`; no image is decoded.

    Args:
        manual_dir: holds the table and the folders `spNO.1/a/color`, anywhere.
        config_name: `part_a`.

    Raises:
        ConfigError: for another configuration.
        DataError: for a missing or damaged table.
    """
    if config_name != CONFIG:
        raise ConfigError(f"unknown config {config_name!r} of casme3; known: {CONFIG}")
    table = read_table(find_table(manual_dir, _FILES), columns=_COLUMNS, sheet="label")
    folders = find_folders(manual_dir)
    gathering = Gathering("casme3", folders)
    rows = _micro(table)
    gathering.begin(replace(table, rows=tuple(rows)))
    if len(rows) < len(table.rows):
        reason = f"{len(table.rows) - len(rows)} rows of macro-expressions are not read"
        gathering.report("remark", "other-kind", None, "", reason)
    # Most videos hold several expressions, so that a video's letter names none of them.
    names = unique_names([(r.text("subject"), r.text("clip"), r.text("onset")) for r in rows])
    videos, frames = _videos(folders), VideoFrames(gathering)
    known = _CORRECTIONS if len(table.rows) == _KNOWN_ROWS else {}
    for index, (row, clip) in enumerate(zip(rows, names, strict=True)):
        _read_row(gathering, row, clip, videos, frames, known.get(index, (None, None, None)))
    return gathering.reading(PUBLISHED)


def _micro(table: Table) -> list[Row]:
    """The rows of micro-expressions; a table that says nothing of the kind has no others."""
    return [row for row in table.rows if not row.text("type").casefold().startswith("macro")]


def _read_row(
    gathering: Gathering,
    row: Row,
    clip: str,
    videos: Mapping[tuple[str, str], Folder],
    frames: VideoFrames,
    known: tuple[int | None, int | None, int | None],
) -> None:
    subject, video = row.text("subject"), row.text("clip")
    name, emotion = f"{subject}/{clip}", normalise_emotion(row.text("emotion"))
    if not (subject and video and emotion):
        gathering.report("drop", "incomplete", row, name, "no subject, file name or emotion")
        return
    folder = _folder(gathering, row, videos, name)
    if folder is None:
        return
    row = _corrected(gathering, row, name, known)
    found = interval(gathering, row, name)
    if found is None:
        return
    gathering.add(
        Annotation(
            where=gathering.where,
            row=row.number,
            subject=subject,
            clip=clip,
            onset=found[0],
            apex=found[1],
            offset=found[2],
            known_apex=known[1],
            fps=FPS,
            emotion=emotion,
            emotion_raw=row.raw("emotion"),
            aus_raw=row.raw("aus"),
            objective=gathering.objective(row, name),
            frames=frames(row, folder, name),
        )
    )


def _videos(folders: FolderIndex) -> dict[tuple[str, str], Folder]:
    """The colour frames of each video: `spNO.1/a/color`, or the images in `spNO.1/a` itself."""
    found: dict[tuple[str, str], Folder] = {}
    for folder in sorted(folders.folders, key=lambda f: (len(f.parts), f.parts)):
        *_, person, letter, last = ("", "", *folder.parts)
        if last.casefold() not in ("color", "colour"):
            person, letter = letter, last
        if not folder.within("depth"):
            found.setdefault((subject_key(person), letter.casefold()), folder)
    return found


def _folder(
    gathering: Gathering,
    row: Row,
    videos: Mapping[tuple[str, str], Folder],
    name: str,
) -> Folder | None:
    wanted = videos.get((subject_key(row.text("subject")), row.text("clip").casefold()))
    last = "" if wanted is None else wanted.parts[-1]
    return gathering.folder(row, None, last, name, fits=lambda f: f is wanted)


def _corrected(
    gathering: Gathering, row: Row, name: str, known: tuple[int | None, int | None, int | None]
) -> Row:
    """The row with the known onset or offset, where its own interval is impossible.

    Rows are known by their position alone, so that nothing that could be right is changed.
    """
    onset, offset = (_peek(row, column) for column in ("onset", "offset"))
    new = onset if known[0] is None else known[0], offset if known[2] is None else known[2]
    if new == (onset, offset) or (onset is not None and offset is not None and onset < offset):
        return row
    if new[0] is None or new[1] is None or not new[0] < new[1]:
        return row
    reason = f"annotated from {onset} to {offset}; took {new[0]} to {new[1]}, the known correction"
    gathering.report("repair", "known-correction", row, name, reason)
    return Row(row.number, {**row.cells, "onset": new[0], "offset": new[1]})


def _peek(row: Row, column: str) -> int | None:
    try:
        return row.frame(column)
    except CellError:
        return None  # reported where the interval is read
