"""CASME II's coding sheets and frame trees, as published and as people keep them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from mace.annotation.class_sets import normalise_emotion
from mace.datasets.reading.cells import clip_key, subject_key
from mace.datasets.reading.editions import are_one_edition
from mace.datasets.reading.gathering import Gathering, no_images
from mace.datasets.reading.records import Annotation, Published, Reading
from mace.datasets.reading.tables import Row, Table, read_table
from mace.datasets.reading.trees import Folder, FolderIndex, find_folders, find_tables
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
CODINGS = (2014, 2019)
_CLIP = re.compile(r"EP[0-9]+(_[0-9]+)*f?", re.IGNORECASE)
_FRAME = re.compile(r"(?:reg_?)?img[ _-]?([0-9]+)", re.IGNORECASE)

# Rows of the sheet by emotion (Yan et al., CASME II: an improved spontaneous micro-expression
# database, PLoS ONE 2014; the coding of 2019 renamed three clips of subject 24).
_COUNTS_2014 = dict(
    others=99, disgust=63, happiness=32, repression=27, surprise=25, sadness=7, fear=2
)
_COUNTS_2019 = {**_COUNTS_2014, "surprise": 28, "sadness": 4}
# Rows of both codings without a usable apex: `/`, and the onset itself.
_WITHOUT_APEX = {("04", clip_key("EP12_01f")), ("05", clip_key("EP09_05f"))}
_RENAMED = {("24", clip_key(clip)) for clip in ("EP07_01", "EP07_04f", "EP10_03")}


def read(manual_dir: Path, config: str, coding: int | None = None) -> Reading:
    """Read the coding sheet and find each row's frames.

    Which coding a sheet holds is told by its content. A clip without a folder, or an unreadable
    row, is a drop.

    Args:
        manual_dir: the folder below which sheet and frames lie.
        config: `raw_selected`, `raw` or `cropped`.
        coding: 2014 or 2019; by default the later of those that are there.

    Raises:
        DataError: if there is no such coding sheet below `manual_dir`, or no such tree.
    """
    folders = find_folders(manual_dir)
    gathering = Gathering("casme2", folders)
    tables = _tables(manual_dir, gathering, coding)
    years = [_year(table) for table in tables]
    if coding is not None and coding not in years:
        there = ", ".join(
            f"{table.path.name} is of {year}" for table, year in zip(tables, years, strict=True)
        )
        raise DataError(f"{manual_dir} holds no coding of {coding}: {there}")
    # Two sheets of one year (a copy, an export): the one found first.
    best = max(
        (i for i, year in enumerate(years) if coding in (None, year)),
        key=lambda index: (years[index], -index),
    )
    table, year = tables[best], years[best]
    for index, other in enumerate(tables):
        if index != best:
            gathering.where = other.path.name
            within = other.path == table.path
            which = f"its sheet {other.sheet} is not read" if within else "not read"
            chosen = f"the sheet {table.sheet}" if within else table.path.name
            reason = f"{which}: a coding of {years[index]}; {chosen} is preferred"
            if years[index] != year:
                reason += f" (--coding {years[index]} reads this one)"
            same = [row.cells for row in other.rows] == [row.cells for row in table.rows]
            open_ = years[index] == year and not same
            if open_ and not within:
                open_ = are_one_edition(other.path.name, table.path.name)
            gathering.report("choice" if open_ else "remark", "coding-not-read", None, "", reason)
    gathering.begin(table)
    reason = f"read as the coding of {year}, {len(table.rows)} rows"
    gathering.report("remark", "coding", None, "", reason)
    objective = _objective_classes(manual_dir, table, gathering)
    fits = _tree_of(folders, manual_dir, config)
    for row in table.rows:
        _read_row(gathering, row, fits, objective, cropped=config == "cropped")
    gathering.report_unused(fits)
    counts = _COUNTS_2019 if year == 2019 else _COUNTS_2014
    return gathering.reading(Published(source=f"rows of the coding sheet of {year}", counts=counts))


def _tables(manual_dir: Path, gathering: Gathering, coding: int | None) -> list[Table]:
    """Every coding sheet of the surest kind of name, or of less sure ones up to the coding."""
    refused: dict[Path, DataError] = {}
    tables: list[Table] = []
    looked_at: set[Path] = set()
    for patterns in _SHEETS:
        paths = [path for path in find_tables(manual_dir, patterns) if path not in looked_at]
        looked_at.update(paths)
        for path in paths:
            try:
                first = read_table(path, columns=COLUMNS)
            except DataError as error:
                refused[path] = error
                continue
            # The codings of two years may be two sheets of one workbook.
            for table in (first, *first.others):
                fitting = sum(_CLIP.fullmatch(row.text("clip")) is not None for row in table.rows)
                if 2 * fitting >= len(table.rows) > 0:
                    tables.append(replace(table, others=()))
        if tables and coding in (None, *map(_year, tables)):
            break
    if tables:
        for path, error in refused.items():
            if "objective" not in path.name.casefold():
                gathering.where = path.name
                gathering.report("remark", "sheet-not-read", None, "", str(error))
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
        if (subject_key(row.name("subject")), clip_key(row.text("clip"))) in _RENAMED
    }
    if labels:
        return 2019 if labels == {"surprise"} else 2014
    return 2019 if "objective" in table.columns else 2014


type _Objective = Mapping[tuple[str, tuple[str, ...]], int]


def _key(row: Row) -> tuple[str, tuple[str, ...]]:
    return subject_key(row.name("subject")), clip_key(row.text("clip"))


def _objective_classes(manual_dir: Path, table: Table, gathering: Gathering) -> _Objective:
    """Objective classes by clip: of the coding itself, else of the separate file.

    The two disagree, so they are never mixed.
    """
    source, coding = table, gathering.where
    if "objective" not in table.columns:
        paths = find_tables(manual_dir, "*objective*")
        if not paths:
            return {}
        gathering.pass_over(paths[1:], paths[0])
        gathering.where = paths[0].name
        try:
            source = read_table(paths[0], columns=_OBJECTIVE)
        except DataError as error:
            gathering.report("remark", "sheet-not-read", None, "", str(error))
            gathering.where = coding
            return {}
        gathering.pass_over_sheets(source)
    read = {_key(row): gathering.objective(row, "/".join(_names(row))) for row in source.rows}
    classes = {key: number for key, number in read.items() if number is not None}
    gathering.report("remark", "objective", None, "", f"{len(classes)} objective classes read")
    gathering.where = coding
    return classes


def _names(row: Row) -> tuple[str, str]:
    return subject_key(row.name("subject")).zfill(2), row.text("clip")


def _read_row(
    gathering: Gathering,
    row: Row,
    fits: Callable[[Folder], bool],
    objective: _Objective,
    *,
    cropped: bool,
) -> None:
    subject, clip = _names(row)
    name, emotion = f"{subject}/{clip}", row.text("emotion")
    if not (row.name("subject") and clip and emotion):
        gathering.report("drop", "incomplete", row, name, "no subject, file name or emotion")
        return
    folder = gathering.folder(row, subject, clip, name, fits=fits)
    if folder is None:
        return
    gathering.add(
        Annotation(
            where=gathering.where,
            row=row.number,
            subject=subject,
            clip=clip,
            onset=gathering.frame(row, "onset", name),
            apex=gathering.frame(row, "apex", name),
            offset=gathering.frame(row, "offset", name),
            known_error=(subject, clip_key(clip)) in _WITHOUT_APEX,
            fps=FPS,
            emotion=normalise_emotion(emotion),
            emotion_raw=row.raw("emotion"),
            aus_raw=row.raw("aus"),
            objective=objective.get(_key(row)),
            frames=gathering.frames(row, folder, name, _FRAME),
            cropped=cropped,
        )
    )


def _tree_of(folders: FolderIndex, manual_dir: Path, config: str) -> Callable[[Folder], bool]:
    """The test for folders of the tree that the configuration names.

    Raises:
        DataError: if there is none.
    """
    trees = {folder.path: _tree(folder) for folder in folders.folders}
    # A tree of an unknown name may be either kind of raw frames.
    for accepted in (config, "unnamed"):
        if accepted in trees.values() and not (accepted == "unnamed" and config == "cropped"):
            return lambda folder: trees[folder.path] == accepted
    if not trees:
        raise DataError(f"{manual_dir} holds no {config} tree: {no_images(folders)}")
    there = ", ".join(sorted(set(trees.values())))
    raise DataError(
        f"{manual_dir} holds no {config} tree, but {there}; choose with --config, or add the tree"
    )


def _tree(folder: Folder) -> str:
    """The kind of tree a folder lies in, by its frames' names or the nearest telling folder."""
    if folder.first.casefold().startswith("reg"):
        return "cropped"
    for part in map(str.casefold, reversed(folder.parts)):
        for word, tree in (("crop", "cropped"), ("selected", "raw_selected"), ("raw", "raw")):
            if word in part:
                return tree
    return "unnamed"
