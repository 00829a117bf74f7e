"""Reading SAMM's sheet, which has thirteen rows of prose before its header, and its frames."""

import re
from collections.abc import Callable
from pathlib import Path

from mace.annotation.class_sets import normalise_emotion
from mace.datasets.reading.cells import CellError, subject_key
from mace.datasets.reading.gathering import Gathering, choose_folders
from mace.datasets.reading.records import Annotation, Published, Reading
from mace.datasets.reading.tables import Row, Table, read_table
from mace.datasets.reading.trees import Folder, find_folders, find_table
from mace.errors import DataError

FPS = 200.0
PUBLISHED = Published(
    source="the 159 rows of SAMM_Micro_FACS_Codes_v2.xlsx",
    counts={
        "anger": 57,
        "happiness": 26,
        "others": 26,
        "surprise": 15,
        "contempt": 12,
        "disgust": 9,
        "fear": 8,
        "sadness": 6,
    },
)

# In the sheet's order, for copies that lost their header.
_COLUMNS = {
    "subject": ("subject",),
    "clip": ("filename", "file", "clip"),
    "?code": ("inducementcode",),
    "onset": ("onsetframe", "onset", "onsetf"),
    "apex": ("apexframe", "apex", "apexf"),
    "offset": ("offsetframe", "offset", "offsetf"),
    "?duration": ("duration",),
    "?micro": ("micro",),
    "?aus": ("actionunits", "actionunit", "aus", "au"),
    "emotion": ("estimatedemotion", "emotion"),
    "?objective": ("objectiveclasses", "objectiveclass"),
    "?notes": ("notes",),
}
SHEETS = ["samm*micro*facs*", "samm*facs*", "samm*"]
_CLIP = re.compile(r"([0-9]{3})_[0-9]+_[0-9]+")
# Frame numbers count in the long video; padded to 4 or 5 digits, as it happens.
_FRAME = re.compile(r"(?:reg_)?(?:[0-9]+_)*([0-9]+)", re.IGNORECASE)
# Where a copy of the sheet has no offset, that of the MEB library (T. Varanka et al., "Data leakage
# and evaluation issues in micro-expression analysis", 2022).
_KNOWN_OFFSET = {"013_1_9": 5739}
# Typing errors of the sheet (1143 after the offset 1134, 1930 before the onset 4896), as corrected
# in the sheet of N. Van Quang et al., "CapsuleNet for micro-expression recognition", FG 2019.
_KNOWN_APEX = {"028_4_1": 1113, "032_3_1": 4930}


def read(manual_dir: Path, config_name: str = "raw") -> Reading:
    """Read SAMM below `manual_dir`; no image is decoded.

    Args:
        manual_dir: holds the sheet and the folders of frames, anywhere.
        config_name: `raw` (as distributed: the head before a grey wall) or `cropped`.

    Raises:
        DataError: for a missing or damaged sheet, or no folder of such frames.
    """
    choice = find_table(manual_dir, SHEETS)
    table = read_sheet(choice.path)
    folders = find_folders(manual_dir)
    cropped = config_name == "cropped"
    fits = choose_folders(folders, manual_dir, cropped=cropped)
    gathering = Gathering("samm", folders)
    gathering.begin(table, choice.others)
    for row in table.rows:
        _read_row(gathering, row, fits, cropped)
    gathering.report_unused(fits)
    return gathering.reading(PUBLISHED)


def read_sheet(path: Path) -> Table:
    """Read the sheet of micro-expressions, also a copy without its header.

    Raises:
        DataError: for a damaged table, or another one.
    """
    try:
        return read_table(path, columns=_COLUMNS, sheet="MICRO_ONLY")
    except DataError:
        table = read_table(path, columns=_COLUMNS, sheet="MICRO_ONLY", header=False)
        if not any(_CLIP.fullmatch(row.text("clip")) for row in table.rows):
            raise
        return table


def _read_row(
    gathering: Gathering, row: Row, fits: Callable[[Folder], bool], cropped: bool
) -> None:
    clip = row.text("clip")
    subject = subject_name(row.name("subject"))
    name = f"{subject}/{clip}"
    emotion = normalise_emotion(row.text("emotion"))
    if not (row.name("subject") and clip and emotion):
        gathering.report("drop", "incomplete", row, name, "no subject, file name or emotion")
        return
    folder = gathering.folder(row, subject, clip, name, fits=fits)
    if folder is None:
        return
    onset, apex, offset = (gathering.frame(row, c, name) for c in ("onset", "apex", "offset"))
    _check_duration(gathering, row, name, onset, offset)
    known = _KNOWN_OFFSET.get(clip)
    if known and onset and onset < known and (offset is None or offset <= onset):
        reason = f"offset {row.raw('offset') or 'missing'}; took {known}, the known correction"
        gathering.report("correction", "known-correction", row, name, reason)
        offset = known
    gathering.add(
        Annotation(
            where=gathering.where,
            row=row.number,
            subject=subject,
            clip=clip,
            onset=onset,
            apex=apex,
            offset=offset,
            known_apex=_KNOWN_APEX.get(clip),
            fps=FPS,
            emotion=emotion,
            emotion_raw=row.raw("emotion"),
            aus_raw=row.raw("aus"),
            objective=gathering.objective(row, name),
            frames=gathering.frames(row, folder, name, _FRAME),
            cropped=cropped,
        ),
    )


def subject_name(text: str) -> str:
    """Return a subject as three digits: `006` for 6, "6" or "006"."""
    return subject_key(text).zfill(3)


def _check_duration(
    gathering: Gathering, row: Row, name: str, onset: int | None, offset: int | None
) -> None:
    """Remark on a duration that contradicts the interval; it is a formula in the sheet."""
    try:
        duration = row.frame("duration")
    except CellError:
        return  # an error value of Excel; nothing depends on it
    if None in (duration, onset, offset) or duration == offset - onset + 1:  # pyright: ignore
        return
    reason = f"Duration says {duration} frames, {onset} to {offset} are {offset - onset + 1}"  # pyright: ignore
    gathering.report("remark", "duration-differs", row, name, reason)
