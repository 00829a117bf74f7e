"""MMEW: two folder layouts, and frame numbers of the sheet that the folders do not have."""

from collections.abc import Mapping
from pathlib import Path

from mace.annotation import normalise_emotion
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
_FILES = ["mmew*micro*.xls*", "mmew*.xls*", "*micro*exp*.xls*", "mmew*.csv", "*micro*exp*.csv"]
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
    table = read_table(find_table(manual_dir, _FILES), columns=_COLUMNS)
    gathering = Gathering("mmew", find_folders(manual_dir))
    gathering.begin(table)
    renumbered = sum(_read_row(gathering, row) for row in table.rows)
    if renumbered:
        reason = f"{renumbered} folders count from their own first frame; read as the sheet counts"
        gathering.report("remark", "frames-renumbered", None, "", reason)
    gathering.report_unused(lambda folder: not folder.within("macro"))
    return gathering.reading(PUBLISHED)


def _read_row(gathering: Gathering, row: Row) -> bool:
    """Whether the row's frames had to be numbered otherwise."""
    subject, clip = f"S{subject_key(row.text('subject')).zfill(2)}", row.text("clip")
    name, emotion = f"{subject}/{clip}", normalise_emotion(row.text("emotion"))
    if not (row.text("subject") and clip and emotion):
        gathering.report("drop", "incomplete", row, name, "no subject, file name or emotion")
        return False
    # A clip's name begins with its person, so that it needs no folder of a person above it.
    folder = gathering.folder(row, None, clip, name, fits=lambda f: not f.within("macro"))
    if folder is None:
        return False
    _compare(gathering, row, name, folder, emotion)
    onset, apex, offset = (gathering.frame(row, c, name) for c in ("onset", "apex", "offset"))
    frames = gathering.frames(row, folder, name)
    counted = as_the_sheet_counts(frames, onset, offset)
    if counted is not frames and (onset, offset) != (min(counted), max(counted)):
        reason = (
            f"its {len(counted)} frames count from {min(frames)} and are not as many as {onset} to "
            f"{offset}; took the first as frame {onset}"
        )
        gathering.report("repair", "frames-renumbered", row, name, reason)
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
            frames=counted,
        )
    )
    return counted is not frames


def as_the_sheet_counts(
    frames: Mapping[int, Path], onset: int | None, offset: int | None
) -> Mapping[int, Path]:
    """Return the frames by the sheet's numbers, where a folder counts its own from 0 or 1.

    That is told by an offset that the folder does not reach; its first frame is then the onset.
    """
    if not frames or onset is None or offset is None:
        return frames
    first, last = min(frames), max(frames)
    if first > 1 or onset <= first or offset <= last:
        return frames
    return {number - first + onset: path for number, path in frames.items()}


def _compare(gathering: Gathering, row: Row, name: str, folder: Folder, emotion: str) -> None:
    """Remark on a folder of another emotion; the sheet is believed."""
    above = [normalise_emotion(part) for part in folder.parts[:-1]]
    said = next((word for word in reversed(above) if word in _FOLDER_WORDS), emotion)
    if said != emotion and {said, emotion} != {"others", "repression"}:
        reason = f"it lies in the folder {said}; took {emotion} from the sheet"
        gathering.report("remark", "emotion-differs", row, name, reason)
