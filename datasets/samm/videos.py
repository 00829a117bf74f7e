"""SAMM Long Videos: their sheet below its prose, and frames by four or five digits."""

import re
from collections.abc import Mapping
from pathlib import Path

from mace.annotation.class_sets import normalise_emotion
from mace.datasets.reading.gathering import Gathering
from mace.datasets.reading.long_videos import (
    Expression,
    LongReading,
    VideoFolder,
    VideoFrames,
    as_videos,
    expression_kind,
    interval,
)
from mace.datasets.reading.records import Annotation, Published
from mace.datasets.reading.tables import Row, read_table
from mace.datasets.reading.trees import FolderIndex, find_folders, find_table, find_tables
from mace.datasets.samm.reading import FPS, SHEETS, read_sheet, subject_name
from mace.errors import DataError

PUBLISHED = Published(
    source="Yap et al. 2020, SAMM long videos: a spontaneous facial micro- and macro-expressions "
    "dataset",
    counts={"micro": 159, "macro": 343},
)

_COLUMNS = {
    "subject": ("subject",),
    "clip": ("filename", "file", "clip"),
    "?code": ("inducementcode",),
    "onset": ("onset", "onsetframe"),
    "apex": ("apex", "apexframe"),
    "offset": ("offset", "offsetframe"),
    "?duration": ("duration",),
    "type": ("type", "micro"),
    "?aus": ("actionunits", "actionunit", "aus", "au"),
    "?notes": ("notes",),
}
_FILES = ["samm*long*videos*release*", "samm*long*"]
_VIDEO = re.compile(r"([0-9]{3})_([0-9]+)")
_CLIP = re.compile(r"([0-9]{3}_[0-9]+)_[0-9]+")
_START = 1  # number of a video's first frame


def read(manual_dir: Path) -> LongReading:
    """Read SAMM Long Videos below `manual_dir`; no image is decoded.

    Emotions of the micro-expressions stand in SAMM's own sheet, `SAMM_Micro_FACS_Codes_v2.xlsx`;
    without it there are none, and nothing is scored but spotting.

    Args:
        manual_dir: holds the sheets and the folders of frames (`006_1/006_1_0001.jpg`), anywhere.

    Raises:
        DataError: for a missing or damaged sheet.
    """
    choice = find_table(manual_dir, _FILES)
    table = read_table(choice.path, columns=_COLUMNS, sheet="FACS_Movement_Only")
    folders = find_folders(manual_dir)
    gathering = Gathering("samm", folders)
    gathering.begin(table, choice.others)
    emotions = _emotions(manual_dir)
    if not emotions:
        reason = "SAMM_Micro_FACS_Codes_v2.xlsx is not there: the emotions are not known"
        gathering.report("remark", "emotions-unknown", None, "", reason)
    videos, frames = _videos(folders), VideoFrames(gathering)
    kinds: dict[int, Expression] = {}
    for row in table.rows:
        kind = expression_kind(row.text("type"))
        if kind is not None:
            kinds[row.number] = kind
        _read_row(gathering, row, kind, videos, frames, emotions)
    return as_videos(
        gathering.reading(), kinds, list(videos.values()), frames, fps=FPS, published=PUBLISHED
    )


def _read_row(
    gathering: Gathering,
    row: Row,
    kind: Expression | None,
    videos: Mapping[str, VideoFolder],
    frames: VideoFrames,
    emotions: Mapping[str, str],
) -> None:
    clip = row.text("clip")
    match = _CLIP.fullmatch(clip)
    name = f"{subject_name(row.name('subject'))}/{clip}"
    if match is None or kind is None:
        reason = "no file name such as 006_1_2, or not known whether micro or macro"
        gathering.report("drop", "incomplete", row, name, reason)
        return
    video = videos.get(match[1])
    folder = gathering.choose(row, [] if video is None else [video.folder], name)
    if video is None or folder is None:
        return
    span = interval(gathering, _whole(row), name, start=_START)
    if span is None:
        return
    emotion = "" if kind == "macro" else emotions.get(clip, "")
    gathering.add(
        Annotation(
            where=gathering.where,
            row=row.number,
            subject=video.subject,
            clip=clip,
            onset=span[0],
            apex=span[1],
            offset=span[2],
            fps=FPS,
            emotion=normalise_emotion(emotion),
            emotion_raw=emotion,
            aus_raw=row.raw("aus"),
            frames=frames(row, folder, name),
        )
    )


def _whole(row: Row) -> Row:
    """The row with whole frames: some cells have fractions, and -1 is no apex, as its head says."""
    cells = dict(row.cells)
    for column in ("onset", "apex", "offset"):
        try:
            number = float(row.text(column))
        except ValueError:
            continue  # reported where the interval is read
        if number == number and abs(number) < 1e9:
            cells[column] = None if number < 0 else int(number + 0.5)
    return Row(row.number, cells)


def _emotions(manual_dir: Path) -> dict[str, str]:
    """Emotions of the micro-expressions by clip, as SAMM's own sheet has them."""
    for path in find_tables(manual_dir, SHEETS[:2]):
        try:
            rows = read_sheet(path).rows
        except DataError:
            continue  # it is no more than a help
        return {row.text("clip"): row.text("emotion") for row in rows}
    return {}


def _videos(folders: FolderIndex) -> dict[str, VideoFolder]:
    """Folders such as `006_1`, those of whole frames."""
    videos: dict[str, VideoFolder] = {}
    for folder in sorted(folders.folders, key=lambda f: (len(f.parts), f.parts)):
        match = _VIDEO.fullmatch(folder.parts[-1])
        if match is not None and not folder.within("crop"):
            name = folder.parts[-1]
            videos.setdefault(name, VideoFolder(match[1], name, folder))
    return videos
