"""MMEW: two folder layouts, and two names for its seventh emotion."""

from pathlib import Path

from mace.annotation.class_sets import normalise_emotion
from mace.datasets.reading.cells import subject_key
from mace.datasets.reading.gathering import Gathering
from mace.datasets.reading.records import Annotation, Published, Reading
from mace.datasets.reading.tables import Row, read_table
from mace.datasets.reading.trees import Folder, find_folders, find_table
from mace.errors import ConfigError

FPS = 90.0
CONFIG = "micro"
PUBLISHED = Published(
    source="Ben et al. 2021, Video-based facial micro-expression analysis: a survey",
    counts={
        "surprise": 89,
        "disgust": 72,
        "others": 66,
        "happiness": 36,
        "fear": 16,
        "sadness": 13,
        "anger": 8,
    },
)

_COLUMNS = {
    "subject": ("subject", "sub"),
    "clip": ("filename", "file", "clip"),
    "onset": ("onsetframe", "onset", "onsetf"),
    "apex": ("apexframe", "apex", "apexf"),
    "offset": ("offsetframe", "offset", "offsetf"),
    "?aus": ("actionunits", "actionunit", "aus", "au"),
    "emotion": ("estimatedemotion", "emotion"),
    "?remarks": ("remarks", "remark"),
}
_FILES = ["mmew*micro*", "mmew*", "*micro*exp*"]
# The page of the data set calls its seventh folder repression, the sheet says others.
_FOLDER_WORDS = frozenset(PUBLISHED.counts) | {"repression"}


def read(manual_dir: Path, config_name: str = CONFIG) -> Reading:
    """Read MMEW's micro-expressions below `manual_dir`; no image is decoded.

    Args:
        manual_dir: holds the table and the folders `S01-01-001`, anywhere.
        config_name: `micro`.

    Raises:
        ConfigError: for another configuration.
        DataError: for a missing or damaged table.
    """
    if config_name != CONFIG:
        raise ConfigError(f"unknown config {config_name!r} of mmew; known: {CONFIG}")
    choice = find_table(manual_dir, _FILES)
    table = read_table(choice.path, columns=_COLUMNS)
    gathering = Gathering("mmew", find_folders(manual_dir))
    gathering.begin(table, choice.others)
    for row in table.rows:
        _read_row(gathering, row)
    gathering.report_unused(lambda folder: not folder.within("macro"))
    return gathering.reading(PUBLISHED)


def _read_row(gathering: Gathering, row: Row) -> None:
    subject, clip = f"S{subject_key(row.text('subject')).zfill(2)}", row.text("clip")
    name, emotion = f"{subject}/{clip}", normalise_emotion(row.text("emotion"))
    if not (row.name("subject") and clip and emotion):
        gathering.report("drop", "incomplete", row, name, "no subject, file name or emotion")
        return
    # A clip's name begins with its person, so that it needs no folder of a person above it.
    folder = gathering.folder(row, None, clip, name, fits=lambda f: not f.within("macro"))
    if folder is None:
        return
    _compare(gathering, row, name, folder, emotion)
    onset, apex, offset = (gathering.frame(row, c, name) for c in ("onset", "apex", "offset"))
    gathering.add(
        Annotation(
            where=gathering.where,
            row=row.number,
            subject=subject,
            clip=clip,
            onset=onset,
            apex=apex,
            offset=offset,
            fps=FPS,
            emotion=emotion,
            emotion_raw=row.raw("emotion"),
            aus_raw=row.raw("aus"),
            frames=gathering.frames(row, folder, name),
        )
    )


def _compare(gathering: Gathering, row: Row, name: str, folder: Folder, emotion: str) -> None:
    """Remark on a folder of another emotion; the sheet is believed."""
    above = [normalise_emotion(part) for part in folder.parts[:-1]]
    said = next((word for word in reversed(above) if word in _FOLDER_WORDS), emotion)
    if said != emotion and {said, emotion} != {"others", "repression"}:
        reason = f"it lies in the folder {said}; took {emotion} from the sheet"
        gathering.report("remark", "emotion-differs", row, name, reason)
