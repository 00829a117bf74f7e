"""CASME II's coding sheets and frame trees, as published and as people keep them."""

import re
from collections.abc import Mapping
from pathlib import Path

from mace.annotation import normalise_emotion
from mace.datasets.reading.cells import CellError, cell_frame, clip_key, subject_key
from mace.datasets.reading.records import Annotation, Change, Published, Reading
from mace.datasets.reading.rows import frame_of, missing_names, note
from mace.datasets.reading.tables import Row, Table, read_table
from mace.datasets.reading.trees import (
    Folder,
    FolderIndex,
    find_folders,
    find_tables,
    frame_files,
)
from mace.errors import DataError

FPS = 200.0
COLUMNS = {
    "subject": ("subject", "sub"),
    "clip": ("filename", "file", "clip"),
    "onset": ("onsetframe", "onset", "onsetf"),
    "apex": ("apexframe", "apex", "apexf", "apexf1"),
    "offset": ("offsetframe", "offset", "offsetf"),
    "emotion": ("estimatedemotion", "emotion"),
    "?aus": ("actionunits", "actionunit", "aus", "au"),
    "?objective": ("objectiveclasses", "objectiveclass"),
}
_OBJECTIVE = {
    "subject": ("subject", "sub"),
    "clip": ("filename", "file", "clip"),
    "objective": ("objectiveclasses", "objectiveclass"),
}
# By name, the surest first; the first group with a sheet of this form is read, by content.
_SHEETS = (("*casme2*", "*casme*ii*", "*casme-2*", "*casme 2*", "*casme_2*"), ("*cod*",), ("*",))
_SUFFIXES = (".xlsx", ".xls", ".xlsm", ".csv", ".tsv")
_CLIP = re.compile(r"EP[0-9]+(_[0-9]+)*f?", re.IGNORECASE)
_FRAME = re.compile(r"(?:reg_?)?img[ _-]?([0-9]+)", re.IGNORECASE)

# Rows of the sheet by emotion (Yan et al., CASME II: an improved spontaneous micro-expression
# database, PLoS ONE 2014; the coding of 2019 renamed three clips of subject 24).
_COUNTS_2014 = dict(
    others=99, disgust=63, happiness=32, repression=27, surprise=25, sadness=7, fear=2
)
_COUNTS_2019 = {**_COUNTS_2014, "surprise": 28, "sadness": 4}
_RENAMED = {("24", clip_key(clip)) for clip in ("EP07_01", "EP07_04f", "EP10_03")}


def read(manual_dir: Path, config: str) -> Reading:
    """Read the coding sheet and find each row's frames.

    Of the codings of 2014 and 2019 the later is preferred; which one a sheet holds is told by its
    content. A clip without a folder, or an unreadable row, is a drop.

    Args:
        manual_dir: the folder below which sheet and frames lie.
        config: `raw_selected`, `raw` or `cropped`.

    Raises:
        DataError: if there is no coding sheet below `manual_dir`.
    """
    changes: list[Change] = []
    tables = _tables(manual_dir, changes)
    years = [_year(table) for table in tables]
    # Two sheets of one year (a copy, an export): the one found first.
    best = max(range(len(tables)), key=lambda index: (years[index], -index))
    table, year = tables[best], years[best]
    where = table.path.name
    changes.append(note(where, "coding", f"read as the coding of {year}, {len(table.rows)} rows"))
    for index, other in enumerate(tables):
        if index != best:
            reason = f"not read: a coding of {years[index]}, {where} is preferred"
            changes.append(note(other.path.name, "coding-not-read", reason))
    changes += [note(where, "row-skipped", "names no clip", row=row) for row in table.skipped]
    objective = _objective_classes(manual_dir, table, changes)
    index = find_folders(manual_dir)
    annotations = []
    for row in table.rows:
        try:
            annotations.append(_annotation(row, where, index, config, objective, changes))
        except DataError as error:
            clip = f"{row.text('subject')}/{row.text('clip')}"
            changes.append(
                Change(
                    kind="drop", code="no-frames", where=where, row=row.number, clip=clip,
                    reason=str(error),
                )
            )  # fmt: skip
    return Reading(
        database="casme2",
        rows=len(table.rows),
        annotations=tuple(annotations),
        changes=tuple(changes),
        published=Published(
            source=f"rows of the coding sheet of {year}",
            counts=_COUNTS_2019 if year == 2019 else _COUNTS_2014,
        ),
    )


def _tables(manual_dir: Path, changes: list[Change]) -> list[Table]:
    """Every coding sheet of the surest kind of name below the folder."""
    refused: dict[Path, DataError] = {}
    for patterns in _SHEETS:
        tables = []
        paths = find_tables(manual_dir, [p + suffix for p in patterns for suffix in _SUFFIXES])
        for path in paths:
            try:
                table = read_table(path, columns=COLUMNS)
            except DataError as error:
                refused[path] = error
                continue
            fitting = sum(_CLIP.fullmatch(row.text("clip")) is not None for row in table.rows)
            if 2 * fitting >= len(table.rows) > 0:
                tables.append(table)
        if tables:
            for path, error in refused.items():
                if "objective" not in path.name.casefold():
                    changes.append(note(path.name, "sheet-not-read", str(error)))
            return tables
    if refused:
        raise next(iter(refused.values()))
    raise DataError(
        f"no coding sheet (CASME2-coding-20140508.xlsx or -20190701.xlsx, or a .csv of it) below "
        f"{manual_dir}; put it anywhere in this folder"
    )


def _year(table: Table) -> int:
    """The later coding has objective classes, and calls three clips of subject 24 surprise."""
    labels = {
        normalise_emotion(row.text("emotion"))
        for row in table.rows
        if (subject_key(row.text("subject")), clip_key(row.text("clip"))) in _RENAMED
    }
    if labels:
        return 2019 if labels == {"surprise"} else 2014
    return 2019 if "objective" in table.columns else 2014


type _Objective = Mapping[tuple[str, tuple[str, ...]], int]


def _key(row: Row) -> tuple[str, tuple[str, ...]]:
    return subject_key(row.text("subject")), clip_key(row.text("clip"))


def _objective_classes(manual_dir: Path, table: Table, changes: list[Change]) -> _Objective:
    """Objective classes by clip: of the coding itself, else of the separate file.

    The two disagree, so they are never mixed.
    """
    source = table
    if "objective" not in table.columns:
        found = find_tables(manual_dir, ["*objective*.xls*", "*objective*.csv"])
        if not found:
            return {}
        try:
            source = read_table(found[0], columns=_OBJECTIVE)
        except DataError as error:
            changes.append(note(found[0].name, "objective-not-read", str(error)))
            return {}
    classes = {}
    for row in source.rows:
        try:
            number = cell_frame(_arabic(row.text("objective")))
        except CellError as error:
            changes.append(note(source.path.name, "objective-unreadable", str(error), row.number))
            continue
        if number is not None:
            classes[_key(row)] = number
    changes.append(note(source.path.name, "objective", f"{len(classes)} objective classes read"))
    return classes


def _arabic(text: str) -> str:
    numerals = ("I", "II", "III", "IV", "V", "VI", "VII")
    return str(numerals.index(text.upper()) + 1) if text.upper() in numerals else text


def _annotation(
    row: Row,
    where: str,
    index: FolderIndex,
    config: str,
    objective: _Objective,
    changes: list[Change],
) -> Annotation:
    missing_names(row)
    subject, clip = subject_key(row.text("subject")), row.text("clip")
    name = f"{subject.zfill(2)}/{clip}"
    folder, *others = _folders(index, subject, clip, config)
    for other in others:
        there = "/".join(other.parts)
        changes.append(note(where, "folder-not-read", f"is in {there} too", row.number, name))
    problems: list[str] = []
    frames = frame_files(folder.path, _FRAME, problems=problems)
    changes += [note(where, "file-left-out", text, row.number, name) for text in problems]
    emotion = row.text("emotion")
    return Annotation(
        where=where,
        row=row.number,
        subject=subject.zfill(2),
        clip=clip,
        onset=frame_of(row, "onset", where, name, changes),
        apex=frame_of(row, "apex", where, name, changes),
        offset=frame_of(row, "offset", where, name, changes),
        fps=FPS,
        emotion=normalise_emotion(emotion),
        emotion_raw=row.raw("emotion"),
        aus_raw=row.raw("aus"),
        objective=objective.get(_key(row)),
        frames=frames,
        cropped=config == "cropped",
    )


def _folders(index: FolderIndex, subject: str, clip: str, config: str) -> list[Folder]:
    """The clip's folders in the tree that the configuration names, the one to read first.

    Raises:
        DataError: if there is none.
    """
    found = index.clip(subject, clip)
    # A tree of an unknown name may be either kind of raw frames.
    for accepted in ((config,), () if config == "cropped" else ("unnamed",)):
        fitting = [folder for folder in found if _tree(folder) in accepted]
        if fitting:
            return sorted(fitting, key=lambda folder: not folder.within("updated"))
    if found:
        trees = ", ".join(sorted({_tree(folder) for folder in found}))
        raise DataError(f"it has no folder in a {config} tree; it is there as {trees}")
    raise DataError(f"no folder named {clip} below one of subject {subject} holds images")


def _tree(folder: Folder) -> str:
    """The kind of tree a folder lies in, by its frames' names or the nearest telling folder."""
    if folder.first.casefold().startswith("reg"):
        return "cropped"
    for part in map(str.casefold, reversed(folder.parts)):
        for word, tree in (("crop", "cropped"), ("selected", "raw_selected"), ("raw", "raw")):
            if word in part:
                return tree
    return "unnamed"
