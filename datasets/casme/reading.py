"""Reading CASME's sheets, by section or merged, and its frame folders."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from mace.annotation.class_sets import normalise_emotion
from mace.datasets.reading.cells import subject_key
from mace.datasets.reading.gathering import Gathering, choose_folders
from mace.datasets.reading.records import Annotation, Published, Reading
from mace.datasets.reading.resolve import LONGEST_S
from mace.datasets.reading.tables import Row, read_table
from mace.datasets.reading.trees import Folder, find_folders, find_table, find_tables

FPS = 60.0
PUBLISHED = Published(
    source="the 189 rows of the distributed sheet",
    counts={
        "tense": 69,
        "disgust": 44,
        "repression": 38,
        "surprise": 20,
        "happiness": 9,
        "sadness": 6,
        "fear": 2,
        "contempt": 1,
    },
)

_COLUMNS = {
    "subject": ("subject", "subjects", "sub"),
    "clip": ("filename", "file", "clip", "video"),
    "onset": ("onsetf", "onsetframe", "onset"),
    "apex": ("apexf1", "apexf", "apexframe", "apex"),
    "?apex2": ("apexf2", "apexframe2", "apex2"),
    "offset": ("offsetf", "offsetframe", "offset"),
    "?aus": ("au", "aus", "actionunit", "actionunits"),
    "emotion": ("emotion", "emotions", "estimatedemotion"),
}
_SECTIONS = ("section*a", "section*b")
_MERGED = ("casme", "casme1", "casme[-_ ]*")
# `EP01_6-12`, `img12` or a bare number, cropped ones with `reg_` before.
_FRAME = re.compile(r"(?:reg_)?(?:img|.*-)?\s*([0-9]+)\s*", re.IGNORECASE)

# Onset, apex, offset that the MEB library (T. Varanka et al., "Data leakage and evaluation issues
# in micro-expression analysis", 2022) gives to rows of the merged sheet, counted from 0 after the
# header; None where the sheet's own value stands.
_MERGED_ROWS = 189
_CORRECTIONS: dict[int, tuple[int | None, int | None, int | None]] = {
    40: (100, 120, 149),
    42: (101, 110, 119),
    43: (57, 65, 74),
    54: (None, None, 40),
    140: (None, None, 142),
}


def read(manual_dir: Path, config_name: str = "raw") -> Reading:
    """Read CASME below `manual_dir`; no image is decoded.

    Both section sheets are read if either is there, else the merged one.

    Args:
        manual_dir: holds the sheets and the folders of frames, anywhere.
        config_name: `raw` or `cropped`.

    Raises:
        DataError: for a missing or damaged sheet, or no folder of such frames.
    """
    candidates = [paths for name in _SECTIONS if (paths := find_tables(manual_dir, name))]
    merged = not candidates
    if merged:
        choice = find_table(manual_dir, [*_SECTIONS, *_MERGED])
        candidates = [[choice.path, *choice.others]]
    tables = [read_table(paths[0], columns=_COLUMNS) for paths in candidates]
    folders = find_folders(manual_dir)
    fits = choose_folders(folders, manual_dir, cropped=config_name == "cropped")
    gathering = Gathering("casme", folders)
    for table, (_, *others) in zip(tables, candidates, strict=True):
        gathering.begin(table, others)
        if not merged and len(tables) == 1:
            reason = "only one of Section A and Section B was found; the other is not read"
            gathering.report("remark", "section-missing", None, "", reason)
        corrections = _CORRECTIONS if merged and len(table.rows) == _MERGED_ROWS else {}
        for index, row in enumerate(table.rows):
            _read_row(gathering, row, fits, config_name == "cropped", corrections.get(index))
    gathering.report_unused(fits)
    return gathering.reading(PUBLISHED)


def _read_row(
    gathering: Gathering,
    row: Row,
    fits: Callable[[Folder], bool],
    cropped: bool,
    correction: tuple[int | None, int | None, int | None] | None,
) -> None:
    subject, clip = subject_name(row.name("subject")), row.text("clip")
    name = f"{subject}/{clip}"
    emotion = normalise_emotion(row.text("emotion"))
    if not (row.name("subject") and clip and emotion):
        gathering.report("drop", "incomplete", row, name, "no subject, file name or emotion")
        return
    folder = gathering.folder(row, row.name("subject"), clip, name, fits=fits)
    if folder is None:
        return
    frames = gathering.frames(row, folder, name, _FRAME)
    onset, apex, offset = (gathering.frame(row, c, name) for c in ("onset", "apex", "offset"))
    if apex is None and (second := gathering.frame(row, "apex2", name)) is not None:
        gathering.report("remark", "apex-second", row, name, f"no ApexF1; took ApexF2 {second}")
        apex = second
    known_apex = None
    if correction is not None and frames:
        corrected = _corrected((onset, apex, offset), correction, frames)
        if corrected is not None:
            (onset, known_apex, offset), reason = corrected
            gathering.report("correction", "known-correction", row, name, reason)
    gathering.add(
        Annotation(
            where=gathering.where,
            row=row.number,
            subject=subject,
            clip=clip,
            onset=onset,
            apex=apex,
            offset=offset,
            known_apex=known_apex,
            fps=FPS,
            emotion=emotion,
            emotion_raw=row.raw("emotion"),
            aus_raw=row.raw("aus"),
            frames=frames,
            cropped=cropped,
        ),
    )


def subject_name(text: str) -> str:
    """Return a subject as two digits: `01` for 1, "01" or `sub01`."""
    return subject_key(text).zfill(2)


type _Frames = tuple[int | None, int | None, int | None]


def _corrected(
    given: _Frames, correction: _Frames, frames: Mapping[int, Path]
) -> tuple[_Frames, str] | None:
    """Return the corrected frames and the reason, None where nothing is wrong or would be better.

    The rows are known by their position alone, so that a sheet in another order must not be
    corrected: only an interval that is impossible or far too long is, and only to frames
    that exist.
    """
    onset, _, offset = given
    if onset is not None and offset is not None and onset < offset <= onset + LONGEST_S * FPS:
        return None
    new_onset = onset if correction[0] is None else correction[0]
    new_offset = offset if correction[2] is None else correction[2]
    if new_onset is None or new_offset is None or not new_onset < new_offset:
        return None
    if not min(frames) <= new_onset < new_offset <= max(frames):
        return None
    old = " to ".join("nothing" if number is None else str(number) for number in (onset, offset))
    reason = f"annotated from {old}; took {new_onset} to {new_offset}, the known correction"
    return (new_onset, correction[1], new_offset), reason
