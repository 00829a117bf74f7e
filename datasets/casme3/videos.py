"""CAS(ME)^3's long videos: those of part A, whose tables are two, and those of part C."""

from pathlib import Path

from mace.annotation.class_sets import normalise_emotion
from mace.datasets.casme3.reading import COLUMNS, FILES, FPS, Places, read_row
from mace.datasets.reading.cells import subject_key
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
from mace.datasets.reading.records import Annotation
from mace.datasets.reading.tables import Row, read_table
from mace.datasets.reading.trees import Choice, find_folders, find_table, find_tables
from mace.errors import DataError

_COLUMNS_C = {
    "subject": ("sub", "subject"),
    "?count": ("count",),
    "?aus": ("au", "aus", "actionunits"),
    "onset": ("onset", "onsetframe"),
    "?apex": ("apex", "apexframe"),
    "offset": ("offset", "offsetframe"),
    "?emotion": ("emotion", "estimatedemotion"),
}
_FILES_C = ["*part*c*me*", "cas*3*part*c*"]


def read_part_a(manual_dir: Path) -> LongReading:
    """Read the videos of part A with their micro- and macro-expressions; no image is decoded.

    Kinds stand in `CAS(ME)3_part_A_v2.xls`, emotions of micro-expressions in the table of part A's
    clips; rows of both are matched by subject, video, onset and offset.

    Args:
        manual_dir: holds the tables and the frames (`spNO.1/a/color`), anywhere.

    Raises:
        DataError: for a missing or damaged table.
    """
    choice, whole = _long_table(manual_dir)
    columns = {name: wanted for name, wanted in COLUMNS.items() if name != "emotion"}
    table = read_table(choice.path, columns=columns | {"?emotion": COLUMNS["emotion"]})
    folders = find_folders(manual_dir)
    gathering = Gathering("casme3", folders)
    gathering.begin(table, choice.others)
    if not whole:
        reason = "no table with an expression type, such as CAS(ME)3_part_A_v2.xls: nothing is "
        gathering.report("choice", "macro-unknown", None, "", f"{reason}known of macro-expressions")
    emotions = _emotions(manual_dir, choice.path)
    places, frames = Places(folders), VideoFrames(gathering)
    kinds: dict[int, Expression] = {}
    for row in table.rows:
        kind = expression_kind(row.text("type")) if whole else "micro"
        if kind is None:
            name = f"{row.name('subject')}/{row.text('clip')}"
            gathering.report("drop", "incomplete", row, name, "not known whether micro or macro")
            continue
        kinds[row.number] = kind
        if not row.text("emotion") and kind == "micro":
            known = emotions.get(_same(row), "")
            row = Row(row.number, {**row.cells, "emotion": known})
        read_row(gathering, row, places, frames, labelled=False)
    reading = gathering.reading()
    micro = [a for a in reading.annotations if kinds[a.row or 0] == "micro"]
    named = sum(bool(annotation.emotion) for annotation in micro)
    if named < len(micro):
        reason = f"the emotion is known of {named} of {len(micro)} micro-expressions"
        gathering.report("remark", "emotions-unknown", None, "", reason)
        reading = gathering.reading()
    names = {subject_key(a.subject): a.subject for a in reading.annotations}
    videos = [
        VideoFolder(names.get(person, f"spNO.{person}"), letter, several[0])
        for (person, letter), several in places.videos.items()
        if letter.isalpha() and person.isdecimal()
    ]
    return as_videos(reading, kinds, videos, frames, fps=FPS)


def _long_table(manual_dir: Path) -> tuple[Choice, bool]:
    """The table that tells micro from macro, and whether there is one."""
    columns = {name: wanted for name, wanted in COLUMNS.items() if name != "emotion"}
    columns["type"] = columns.pop("?type")
    for path in find_tables(manual_dir, ["*part*a*v[0-9]*", *FILES]):
        try:
            table = read_table(path, columns=columns)
        except DataError:
            continue  # another table, which is read where it is wanted
        if any(expression_kind(row.text("type")) for row in table.rows):
            return Choice(path, ()), True
    return find_table(manual_dir, FILES), False


def _emotions(manual_dir: Path, read: Path) -> dict[tuple[str, ...], str]:
    """Emotions of micro-expressions, which stand in another table than their kinds."""
    for path in find_tables(manual_dir, FILES):
        if path == read:
            continue
        try:
            table = read_table(path, columns=COLUMNS, sheet="label")
        except DataError:
            continue
        return {_same(row): row.text("emotion") for row in table.rows}
    return {}


def _same(row: Row) -> tuple[str, ...]:
    """What tells that rows of two tables are one expression."""
    person, video = subject_key(row.name("subject")), row.text("clip").casefold()
    return person, video, row.name("onset"), row.name("offset")


def read_part_c(manual_dir: Path) -> LongReading:
    """Read the videos of part C, one of each person, with their micro-expressions.

    Args:
        manual_dir: holds `CAS(ME)3_part_C_ME.xlsx` and the frames (`part_C/01/a/color`), anywhere.

    Raises:
        DataError: for a missing or damaged table.
    """
    choice = find_table(manual_dir, _FILES_C)
    table = read_table(choice.path, columns=_COLUMNS_C, keys=("subject", "onset"))
    folders = find_folders(manual_dir)
    gathering = Gathering("casme3", folders)
    gathering.begin(table, choice.others)
    frames = VideoFrames(gathering)
    videos: dict[str, VideoFolder] = {}
    of_part = [f for f in folders.folders if f.within("part_c")] or folders.folders
    for folder in sorted(of_part, key=lambda f: (len(f.parts), f.parts)):
        *_, person, letter, last = ("", "", *folder.parts)
        if last.casefold() in ("color", "colour") and person.isdecimal():
            videos.setdefault(subject_key(person), VideoFolder(person, letter, folder))
    kinds: dict[int, Expression] = {}
    for row in table.rows:
        subject, clip = row.name("subject"), f"c{row.name('count') or row.number}"
        name, video = f"{subject}/{clip}", videos.get(subject_key(subject))
        folder = gathering.choose(row, [] if video is None else [video.folder], name)
        if video is None or folder is None:
            continue
        span = interval(gathering, row, name)
        if span is None:
            continue
        kinds[row.number] = "micro"
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
                emotion=normalise_emotion(row.text("emotion")),
                emotion_raw=row.raw("emotion"),
                aus_raw=row.raw("aus"),
                frames=frames(row, folder, name),
            )
        )
    return as_videos(gathering.reading(), kinds, list(videos.values()), frames, fps=FPS)
