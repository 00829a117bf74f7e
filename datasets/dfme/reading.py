"""DFME: several sheets, emotions as words and as numbers, and three frame rates."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from mace.annotation.class_sets import normalise_emotion
from mace.datasets.reading.cells import cell_raw
from mace.datasets.reading.editions import base_name
from mace.datasets.reading.gathering import Gathering
from mace.datasets.reading.records import Annotation, Reading
from mace.datasets.reading.tables import Row, Table, read_table
from mace.datasets.reading.trees import Folder, find_folders, find_tables
from mace.errors import ConfigError, DataError

CONFIG = "clips"
EMOTIONS = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
"""By EmotionId."""

_COLUMNS = {
    "subject": ("subject", "sub"),
    "clip": ("filename", "file", "clip"),
    "onset": ("onsetframe", "onset"),
    "apex": ("apexframe", "apex"),
    "offset": ("offsetframe", "offset"),
    "?emotion": ("emotion",),
    "?emotion_id": ("emotionid",),
    "?fps": ("fps", "framerate"),
    "?aus": ("au", "aus", "actionunits"),
}
PARTITIONS = ("training", "test A", "test B")
"""What a sheet is of, by the words in its name or in those of the folders above it."""

_PARTITION = (
    (re.compile(r"test(ing|set)?[\W_]*(set)?[\W_]*a(?![a-z])|测试集?[\W_]*a(?![a-z])"), "test A"),
    (re.compile(r"test(ing|set)?[\W_]*(set)?[\W_]*b(?![a-z])|测试集?[\W_]*b(?![a-z])"), "test B"),
    (re.compile(r"train|训练"), "training"),
)
_SLOWEST, _FASTEST = 10.0, 1000.0


def read(manual_dir: Path, config_name: str = CONFIG) -> Reading:
    """Read every sheet of DFME below `manual_dir` (training and tests); no image is decoded.

    Args:
        manual_dir: holds the tables and the folders of frames, one for each clip, anywhere.
        config_name: `clips`.

    Raises:
        ConfigError: for another configuration.
        DataError: if there is no table of this form.
    """
    if config_name != CONFIG:
        raise ConfigError(f"unknown config {config_name!r} of dfme; known: {CONFIG}")
    tables = _tables(manual_dir)
    gathering = Gathering("dfme", find_folders(manual_dir))
    for table, others in tables:
        gathering.begin(table, others)
        usual = _usual_fps(table.rows)
        partition = partition_of(table.path.relative_to(manual_dir))
        reason = f"{len(table.rows)} rows of the partition {partition}"
        if not partition:
            names = ", ".join(PARTITIONS)
            reason = f"neither its name nor a folder above it says one of {names}; no partition"
        gathering.report("remark", "partition", None, "", reason)
        for row in table.rows:
            _read_row(gathering, row, usual, partition)
    gathering.report_unused()
    return gathering.reading()


def partition_of(path: Path) -> str:
    """Return the partition that a sheet's name, or a folder above it, speaks of; "" if none."""
    for name in (path.stem, *reversed(path.parts[:-1])):
        text = name.casefold()
        for pattern, partition in _PARTITION:
            if pattern.search(text):
                return partition
    return ""


def _read_row(gathering: Gathering, row: Row, usual: float | None, partition: str) -> None:
    subject, clip = row.name("subject"), row.name("clip")
    name = f"{subject}/{clip}"
    if not (subject and clip):
        gathering.report("drop", "incomplete", row, name, "no subject or file name")
        return
    emotion = _emotion(gathering, row, name)
    if not emotion:
        # The sheets of the two tests are given out without their labels.
        gathering.claim(None, clip)
        gathering.report("drop", "no-label", row, name, "no emotion, as in the sheets of the tests")
        return
    fps = _fps(row)
    if fps is None:
        if usual is None:
            gathering.report("drop", "fps-missing", row, name, "no frame rate in the whole sheet")
            return
        reason = f"frame rate {row.raw('fps')!r}; took {usual:g}, the most frequent of the sheet"
        gathering.report("repair", "fps-missing", row, name, reason)
        fps = usual

    # Where folders say which partition they are of, a clip of another one is somebody else.
    def fits(folder: Folder) -> bool:
        return partition_of(Path(*folder.parts[1:])) in ("", partition) or not partition

    # Names are unique over the whole set; only where they are not does the subject decide.
    by_person = gathering.has_folder(subject, clip, fits)
    folder = gathering.folder(row, subject if by_person else None, clip, name, fits=fits)
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
            fps=fps,
            emotion=emotion,
            emotion_raw=row.raw("emotion") or row.raw("emotion_id"),
            aus_raw=row.raw("aus"),
            frames=gathering.frames(row, folder, name),
            partition=partition,
        )
    )


def _emotion(gathering: Gathering, row: Row, name: str) -> str:
    """The emotion in words; its number speaks where there are none, and may contradict."""
    word, number = normalise_emotion(row.text("emotion")), row.name("emotion_id")
    said = EMOTIONS[int(number)] if number in map(str, range(len(EMOTIONS))) else ""
    if word and said and word != said:
        reason = f"EmotionId {number} is {said}; took {word}, the word"
        gathering.report("remark", "emotion-differs", row, name, reason)
    return word or said


def _tables(manual_dir: Path) -> list[tuple[Table, list[Path]]]:
    """Every table of this form, each with the older versions and copies that it stands for."""
    tables: list[tuple[Table, list[Path]]] = []
    refused = None
    for path in find_tables(manual_dir, "*"):
        try:
            table = read_table(path, columns=_COLUMNS)
        except DataError as error:
            refused = refused or error
            continue
        before = next((others for first, others in tables if _same(first, table)), None)
        if before is None:
            tables.append((table, []))
        else:
            before.append(path)
    if not tables and refused is not None:
        raise refused
    if not tables:
        raise DataError(
            f"no table of DFME below {manual_dir}; expected one with the columns Subject, "
            "Filename, OnsetFrame, ApexFrame, OffsetFrame, Emotion, EmotionId, Fps, AU"
        )
    return tables


def _same(first: Table, other: Table) -> bool:
    """Whether a table is another version of the first: of its name, and with most of its rows."""
    if base_name(first.path.name) != base_name(other.path.name):
        return False
    there = {(row.name("subject"), row.name("clip")) for row in first.rows}
    shared = sum((row.name("subject"), row.name("clip")) in there for row in other.rows)
    return 2 * shared >= len(other.rows)


def _usual_fps(rows: Sequence[Row]) -> float | None:
    known = Counter(fps for fps in map(_fps, rows) if fps is not None)
    return known.most_common(1)[0][0] if known else None


def _fps(row: Row) -> float | None:
    try:
        fps = float(cell_raw(row.cells.get("fps")).lower().removesuffix("fps"))
    except ValueError:
        return None
    return fps if _SLOWEST <= fps <= _FASTEST else None
