"""4DME: emotions in columns of 0 and 1, several to a clip, and copies with (2) in their names."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mace.annotation.action_units import parse_action_units
from mace.annotation.class_sets import normalise_emotion
from mace.datasets.reading.gathering import Gathering
from mace.datasets.reading.records import Annotation, Reading
from mace.datasets.reading.tables import Row, Table, read_table
from mace.datasets.reading.trees import Folder, find_folders, find_table
from mace.errors import ConfigError

FPS = 60.0
CONFIG = "gray"
EMOTIONS = ("positive", "negative", "surprise", "repression", "others")

_UNITS = tuple(range(1, 47))
_COLUMNS = {
    "subject": ("subid", "sub", "subject"),
    "clip": ("foldname", "foldername", "filename"),
    "onset": ("onset", "onsetframe"),
    "apex": ("apex", "apexframe"),
    "offset": ("offset", "offsetframe"),
    "?emotion": ("emotion", "emotions"),
    "?aus": ("aus", "au", "actionunits"),
    **{f"?{name}": (name, name.removesuffix("s")) for name in EMOTIONS},
    **{f"?au{number}": (f"au{number}",) for number in _UNITS},
}
_FILES = ["4dme*label*micro*", "4dme*micro*", "4dme*", "*4dme*", "*micro*"]
_COPY = re.compile(r"\s*\([0-9]+\)$")


def read(manual_dir: Path, config_name: str = CONFIG) -> Reading:
    """Read 4DME's gray micro-expressions below `manual_dir`; no image is decoded.

    Args:
        manual_dir: holds the table and the folders `gray_micro/{sub_ID}/{fold_name}`, anywhere.
        config_name: `gray`.

    Raises:
        ConfigError: for another configuration.
        DataError: for a missing or damaged table.
    """
    if config_name != CONFIG:
        raise ConfigError(f"unknown config {config_name!r} of four_dme; known: {CONFIG}")
    choice = find_table(manual_dir, _FILES)
    table = read_table(choice.path, columns=_COLUMNS)
    folders = find_folders(manual_dir)
    # Colour and depth have the same names; a tree that says nothing of the kind is taken as gray.
    said = any(folder.within("gray") or folder.within("grey") for folder in folders.folders)

    def fits(folder: Folder) -> bool:
        return not said or folder.within("gray") or folder.within("grey")

    gathering = Gathering("four_dme", folders)
    gathering.begin(table, choice.others)
    for row in _unswapped(gathering, table):
        _read_row(gathering, row, fits)
    gathering.report_unused(fits)
    return gathering.reading()


def _read_row(gathering: Gathering, row: Row, fits: Callable[[Folder], bool]) -> None:
    subject, clip = row.name("subject"), row.name("clip")
    name, emotion = f"{subject}/{clip}", emotion_of(row)
    if not (subject and clip and emotion):
        gathering.report("drop", "incomplete", row, name, "no subject, folder name or emotion")
        return
    folder_name = clip
    if not gathering.has_folder(subject, clip, fits):
        # A second expression in one video is named like its folder with (2) behind it.
        folder_name = _COPY.sub("", clip)
    folder = gathering.folder(row, subject, folder_name, name, fits=fits)
    if folder is None:
        return
    if folder_name != clip:
        reason = f"its frames are those of {folder_name}"
        gathering.report("remark", "numbered-copy", row, name, reason)
    if "+" in emotion:
        reason = f"it has several emotions, {emotion}, and is in no class set"
        gathering.report("remark", "several-emotions", row, name, reason)
    gathering.add(
        Annotation(
            where=gathering.where,
            row=row.number,
            subject=subject,
            clip=clip,
            onset=gathering.frame(row, "onset", name),
            apex=gathering.frame(row, "apex", name),
            offset=gathering.frame(row, "offset", name),
            fps=FPS,
            emotion=emotion,
            emotion_raw=row.raw("emotion") or emotion,
            aus_raw=row.raw("aus"),
            frames=gathering.frames(row, folder, name),
        )
    )


def emotion_of(row: Row) -> str:
    """Return the emotion whose column holds a 1; several joined by `+`; else the written one."""
    flagged = [name for name in EMOTIONS if _is_set(row, name)]
    if flagged:
        return "+".join(flagged)
    words = [normalise_emotion(word) for word in re.split(r"[+&,/、;]", row.text("emotion"))]
    return "+".join(dict.fromkeys(word for word in words if word))


def _is_set(row: Row, column: str) -> bool:
    return row.name(column) == "1"


def _unswapped(gathering: Gathering, table: Table) -> list[Row]:
    """The rows, with the action units of two neighbours that were swapped where they belong.

    Beside the written units each has a column of 0 and 1. Two rows whose written units are each
    those of the other's columns were swapped; any other contradiction is remarked on.
    """
    rows = list(table.rows)
    columns = [_columns(row) for row in rows]
    written = [frozenset(parse_action_units(row.text("aus")).numbers) for row in rows]
    for index, row in enumerate(rows):
        name = f"{row.text('subject')}/{row.text('clip')}"
        if not columns[index] or not written[index] or columns[index] == written[index]:
            continue
        after = index + 1
        if after < len(rows) and (written[index], written[after]) == (
            columns[after],
            columns[index],
        ):
            pair = row.cells.get("aus"), rows[after].cells.get("aus")
            for place, units in ((index, pair[1]), (after, pair[0])):
                reason = f"its action units and those of row {rows[2 * index + 1 - place].number}"
                other = f"{rows[place].text('subject')}/{rows[place].text('clip')}"
                reason += " are swapped, as their columns show; put right"
                gathering.report("repair", "aus-swapped", rows[place], other, reason)
                rows[place] = replace(rows[place], cells={**rows[place].cells, "aus": units})
            written[index], written[after] = written[after], written[index]
        elif not columns[index] >= written[index]:
            said = " ".join(map(str, sorted(columns[index])))
            reason = f"the columns of single action units say {said}; kept {row.raw('aus')!r}"
            gathering.report("remark", "aus-differ", row, name, reason)
    return rows


def _columns(row: Row) -> frozenset[int]:
    return frozenset(number for number in _UNITS if _is_set(row, f"au{number}"))
