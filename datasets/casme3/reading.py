"""CAS(ME)^3, part A: strings for numbers, Roman classes, many expressions to a video."""

import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from mace.annotation.class_sets import normalise_emotion
from mace.datasets.reading.cells import CellError, subject_key
from mace.datasets.reading.gathering import Gathering
from mace.datasets.reading.long_videos import VideoFrames, interval
from mace.datasets.reading.records import Annotation, Published, Reading
from mace.datasets.reading.resolve import LONGEST_S
from mace.datasets.reading.tables import Row, Table, read_table
from mace.datasets.reading.trees import Folder, FolderIndex, find_folders, find_table
from mace.errors import ConfigError

type _Frames = tuple[int | None, int | None, int | None]

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

COLUMNS = {
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
FILES = ["*me_label*jpgindex*", "*part*a*me*", "*jpgindex*", "cas*3*part*a*", "cas*3*"]
# A folder of one expression, such as `spNO.1_b_166`: subject, video and onset.
_CLIP_FOLDER = re.compile(
    r"(?P<subject>.*[0-9])[_-](?P<video>[a-z]{1,2})[_-](?P<onset>[0-9]+)([_-][0-9]+)*"
)

# Onset, apex, offset that the MEB library (T. Varanka et al., "Data leakage and evaluation issues
# in micro-expression analysis", 2022) gives to rows of this sheet, counted from 0 after the header.
_KNOWN_ROWS = 860
_CORRECTIONS: dict[int, _Frames] = {
    128: (None, 123, None),
    708: (None, None, 34),
    749: (2647, None, None),
    750: (None, None, None),  # 0 to 25: the start of the video
    796: (None, None, 1845),
    798: (None, None, 2403),
}


def read(manual_dir: Path, config_name: str = CONFIG) -> Reading:
    """Read part A below `manual_dir` as clips; no image is decoded.

    Args:
        manual_dir: holds the table and the frames, anywhere: of the videos (`spNO.1/a/color`), or
            of each expression (`Part_A_ME_clip/frame/spNO.1_b_166`).
        config_name: `part_a`.

    Raises:
        ConfigError: for another configuration.
        DataError: for a missing or damaged table.
    """
    if config_name != CONFIG:
        raise ConfigError(f"unknown config {config_name!r} of casme3; known: {CONFIG}")
    choice = find_table(manual_dir, FILES)
    table = read_table(choice.path, columns=COLUMNS, sheet="label")
    folders = find_folders(manual_dir)
    gathering = Gathering("casme3", folders)
    rows = _micro(table)
    gathering.begin(replace(table, rows=tuple(rows)), choice.others)
    if len(rows) < len(table.rows):
        reason = f"{len(table.rows) - len(rows)} rows of macro-expressions are not read"
        gathering.report("remark", "other-kind", None, "", reason)
    places, frames = Places(folders), VideoFrames(gathering)
    known = _CORRECTIONS if len(table.rows) == _KNOWN_ROWS else {}
    for index, row in enumerate(rows):
        read_row(gathering, row, places, frames, known.get(index))
    if places.spare:
        gathering.where = "the folders of frames"
        reason = f"{len(places.spare)} expressions lie in folders of their own as well as in their"
        gathering.report("remark", "clips-not-read", None, "", f"{reason} videos; took the videos")
    gathering.report_unused(places.serves)
    return gathering.reading(PUBLISHED)


def _micro(table: Table) -> list[Row]:
    """The rows of micro-expressions; a table that says nothing of the kind has no others."""
    return [row for row in table.rows if not row.text("type").casefold().startswith("macro")]


class Places:
    """Where frames lie: in a folder of the whole video, or in one of the expression alone.

    The whole video is preferred, since it has frames before the onset and after the offset.

    Attributes:
        videos: folders of whole videos by person and letter.
        spare: folders of expressions that were not needed.
    """

    def __init__(self, folders: FolderIndex) -> None:
        self.videos: dict[tuple[str, str], list[Folder]] = defaultdict(list)
        self._clips: dict[tuple[str, str, int], list[Folder]] = defaultdict(list)
        self._paths: set[Path] = set()
        self._own: set[Path] = set()
        self.spare: set[Path] = set()
        for folder in sorted(folders.folders, key=lambda f: (len(f.parts), f.parts)):
            if any("depth" in part.casefold() for part in folder.parts[1:]):
                continue
            if folder.within("part_c"):  # other people under the same numbers
                continue
            self._paths.add(folder.path)
            # The expression's name may stand one or two levels above its frames.
            for part in folder.parts[:-4:-1]:
                match = _CLIP_FOLDER.fullmatch(part.casefold())
                if match is not None:
                    key = subject_key(match["subject"]), match["video"], int(match["onset"])
                    self._clips[key].append(folder)
                    self._own.add(folder.path)
                    break
            else:
                *_, person, letter, last = ("", "", *folder.parts)
                if last.casefold() not in ("color", "colour"):
                    person, letter = letter, last
                self.videos[subject_key(person), letter.casefold()].append(folder)

    def serves(self, folder: Folder) -> bool:
        """Whether a folder is one to be read; those of depth and the spare ones are not."""
        return folder.path in self._paths and folder.path not in self.spare

    def of_one_expression(self, folder: Folder) -> bool:
        """Whether a folder holds one expression and not the whole video."""
        return folder.path in self._own

    def __call__(self, *rows: Row) -> list[Folder]:
        """Return the folders of an expression, given as it is written and as it is corrected."""
        video = subject_key(rows[0].name("subject")), rows[0].text("clip").casefold()
        onsets = dict.fromkeys(_peek(row, "onset") for row in rows)
        own = [f for n in onsets if n is not None for f in self._clips.get((*video, n), [])]
        if video in self.videos:
            self.spare.update(folder.path for folder in own)
            return self.videos[video][:1]
        return own


def read_row(
    gathering: Gathering,
    row: Row,
    places: Places,
    frames: VideoFrames,
    known: _Frames | None = None,
    *,
    labelled: bool = True,
) -> None:
    """Add what a row of part A says, or report why it is dropped.

    Args:
        gathering: takes it.
        row: of the sheet.
        places: where frames lie.
        frames: of the folders.
        known: the literature's correction of its interval.
        labelled: whether a row needs an emotion.
    """
    subject, video = row.name("subject"), row.text("clip")
    # A video may hold several expressions, so that its letter names none of them.
    number = _peek(row, "onset")
    clip = f"{video}_{row.name('onset') if number is None else number}"
    name, emotion = f"{subject}/{clip}", normalise_emotion(row.text("emotion"))
    if not (subject and video and (emotion or not labelled)):
        gathering.report("drop", "incomplete", row, name, "no subject, file name or emotion")
        return
    # A folder of one expression may bear the onset with or without its typing error.
    written, row = row, _corrected(gathering, row, name, known)
    folder = gathering.choose(row, places(written, row), name)
    if folder is None:
        return
    numbers = frames(row, folder, name)
    offset = _peek(row, "offset")
    if (
        places.of_one_expression(folder)
        and _peek(row, "onset") == 0
        and offset is not None
        and list(numbers) == list(range(1, offset + 2))
    ):
        reason = f"its folder holds the {len(numbers)} frames from 0 to {offset}, counted from 1"
        gathering.report("choice", "frames-renumbered", row, name, f"{reason}; taken so")
        numbers = {number - 1: path for number, path in numbers.items()}
    span = interval(gathering, row, name, start=1 if min(numbers, default=1) else 0)
    if span is None:
        return
    gathering.add(
        Annotation(
            where=gathering.where,
            row=row.number,
            subject=subject,
            clip=clip,
            onset=span[0],
            apex=span[1],
            offset=span[2],
            known_apex=None if known is None else known[1],
            known_error=known is not None,
            fps=FPS,
            emotion=emotion,
            emotion_raw=row.raw("emotion"),
            aus_raw=row.raw("aus"),
            objective=gathering.objective(row, name),
            frames=numbers,
        )
    )


def _corrected(gathering: Gathering, row: Row, name: str, known: _Frames | None) -> Row:
    """The row with the known onset or offset, where its own interval cannot be.

    Rows are known by their position alone, so that nothing that could be right is changed.
    """
    if known is None:
        return row
    onset, offset = (_peek(row, column) for column in ("onset", "offset"))
    new = onset if known[0] is None else known[0], offset if known[2] is None else known[2]
    possible = onset and offset and onset < offset <= onset + LONGEST_S * FPS
    if new == (onset, offset) or possible:
        return row
    if new[0] is None or new[1] is None or not new[0] < new[1]:
        return row
    reason = f"annotated from {onset} to {offset}; took {new[0]} to {new[1]}, the known correction"
    gathering.report("correction", "known-correction", row, name, reason)
    return Row(row.number, {**row.cells, "onset": new[0], "offset": new[1]})


def _peek(row: Row, column: str) -> int | None:
    try:
        return row.frame(column)
    except CellError:
        return None  # reported where the interval is read
