"""CAS(ME)^2: a sheet without a header, names in code, and long videos."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mace.annotation.class_sets import normalise_emotion
from mace.datasets.reading.cells import cell_text, normalise, subject_key
from mace.datasets.reading.gathering import Gathering
from mace.datasets.reading.long_videos import (
    Expression,
    LongReading,
    VideoFolder,
    VideoFrames,
    as_videos,
    interval,
    unique_names,
)
from mace.datasets.reading.records import Annotation, Published, Reading
from mace.datasets.reading.tables import Row, Table, read_table
from mace.datasets.reading.trees import Folder, FolderIndex, find_folders, find_tables
from mace.errors import ConfigError, DataError

FPS = 30.0
CONFIGS = ("micro", "macro", "long")
PUBLISHED = Published(
    source="Qu et al. 2018, CAS(ME)^2: a database for spontaneous macro-expression and "
    "micro-expression spotting and recognition",
    counts={"micro": 57, "macro": 300},
)

# The sheet has no header: these are its columns in order.
_COLUMNS: dict[str, tuple[str, ...]] = {
    name: ()
    for name in (
        *("subject", "clip", "onset", "apex", "offset"),
        *("?aus", "emotion", "type", "?self_report"),
    )
}
_FILES = ("*code*final*", "*code*updated*", "cas*me*2*", "*code*")
_SHEETS = ("CASFEcode_final", "CASMEcode_final", "code_final", None)
_KIND = re.compile(r"(micro|macro)[\s_-]*expressions?", re.IGNORECASE)
_FOLDER = re.compile(r"s?0*([0-9]+)_([0-9]{4})(?![0-9]).*", re.IGNORECASE)
# The naming rule spells this stimulus in another way than the sheet does.
_KNOWN_CODES = {"disgust1": "0101"}


def read(manual_dir: Path, config_name: str = "micro") -> Reading | LongReading:
    """Read CAS(ME)^2 below `manual_dir`; no image is decoded.

    Args:
        manual_dir: holds the workbook and the folders of frames (rawpic), anywhere.
        config_name: `micro` or `macro`, the rows of that kind as clips; `long`, all videos with
            all rows, for spotting.

    Raises:
        ConfigError: for another configuration.
        DataError: for a missing or damaged workbook, or one without the naming rules.
    """
    if config_name not in CONFIGS:
        raise ConfigError(
            f"unknown config {config_name!r} of casme_squared; known: {', '.join(CONFIGS)}"
        )
    table, others = _coding(manual_dir)
    people, codes = _naming_rules(manual_dir, table.path)
    folders = find_folders(manual_dir)
    gathering = Gathering("casme_squared", folders)
    rows = [row for row in table.rows if not _is_header(row)]
    chosen = [row for row in rows if config_name == "long" or _kind(row) in ("", config_name)]
    gathering.begin(replace(table, rows=tuple(chosen)), others)
    if len(chosen) < len(rows):
        kind = "macro" if config_name == "micro" else "micro"
        reason = (
            f"{len(rows) - len(chosen)} rows of {kind}-expressions are not read (--config {kind})"
        )
        gathering.report("remark", "other-kind", None, "", reason)
    names = unique_names([(r.name("subject"), r.text("clip"), r.text("onset")) for r in chosen])
    videos, frames = _videos(folders), VideoFrames(gathering)
    for row, clip in zip(chosen, names, strict=True):
        _read_row(gathering, row, clip, people, codes, videos, frames, long=config_name == "long")
    if config_name != "long":
        return gathering.reading()
    kinds: dict[int, Expression] = {
        row.number: "micro" if _kind(row) == "micro" else "macro" for row in chosen
    }
    subjects = {subject_key(name): name for name in people.values()}
    folders_of = [
        VideoFolder(subjects[person], f"{person}_{code}", several[0])
        for (person, code), several in videos.items()
        if person in subjects
    ]
    reading = gathering.reading()
    return as_videos(reading, kinds, folders_of, frames, fps=FPS, published=PUBLISHED)


def _read_row(
    gathering: Gathering,
    row: Row,
    clip: str,
    people: Mapping[str, str],
    codes: Mapping[str, str],
    videos: Mapping[tuple[str, str], list[Folder]],
    frames: VideoFrames,
    *,
    long: bool,
) -> None:
    participant = row.name("subject")
    subject = people.get(subject_key(participant), "")
    name, emotion = f"{subject or participant}/{clip}", normalise_emotion(row.text("emotion"))
    if not (participant and row.text("clip") and emotion and _kind(row)):
        reason = "no participant, video, emotion, or not known whether micro or macro"
        gathering.report("drop", "incomplete", row, name, reason)
        return
    if not subject:
        reason = f"participant {participant[:20]!r} is not in the sheet naming rule1"
        gathering.report("drop", "no-folder-name", row, name, reason)
        return
    folder = _folder(gathering, row, subject, name, codes, videos)
    if folder is None:
        return
    # Many macro-expressions of the distributed sheet have no offset.
    span = interval(gathering, row, name, no_offset="correction" if long else "repair")
    if span is None:
        return
    gathering.add(
        Annotation(
            where=gathering.where,
            row=row.number,
            subject=subject,
            clip=clip,
            onset=span[0],
            apex=span[1],
            offset=span[2],
            fps=FPS,
            emotion=emotion,
            emotion_raw=row.raw("emotion"),
            aus_raw=row.raw("aus"),
            frames=frames(row, folder, name),
        )
    )


def _folder(
    gathering: Gathering,
    row: Row,
    subject: str,
    name: str,
    codes: Mapping[str, str],
    videos: Mapping[tuple[str, str], list[Folder]],
) -> Folder | None:
    """The long video of a row, or a folder that bears the expression's own name."""
    stimulus = row.text("clip").rsplit("_", 1)[0]
    code = codes.get(normalise(stimulus))
    folders = videos.get((subject_key(subject), code or ""), [])
    if folders:
        last, path = folders[0].parts[-1], folders[0].path
        return gathering.folder(row, None, last, name, fits=lambda folder: folder.path == path)
    if code is None and not gathering.has_folder(subject, row.text("clip")):
        reason = f"the stimulus {stimulus[:20]!r} is not in the sheet naming rule2"
        gathering.report("drop", "no-folder-name", row, name, reason)
        return None
    return gathering.folder(row, subject, row.text("clip"), name)


def _coding(manual_dir: Path) -> tuple[Table, list[Path]]:
    """The table whose rows say micro-expression or macro-expression, and others that do."""
    paths = [p for p in find_tables(manual_dir, _FILES) if "blink" not in p.name.casefold()]
    refused: DataError | None = None
    tables: list[Table] = []
    for path in paths:
        for sheet in _SHEETS:
            try:
                table = read_table(path, columns=_COLUMNS, sheet=sheet, header=False)
            except DataError as error:
                refused = refused or error
                break
            if 2 * sum(bool(_kind(row)) for row in table.rows) >= len(table.rows) > 0:
                tables.append(table)
                break
    if tables:
        return tables[0], [table.path for table in tables[1:]]
    if refused is not None:
        raise refused
    seen = ", ".join(path.name for path in paths[:5]) or "none"
    raise DataError(
        f"no coding table of CAS(ME)^2 below {manual_dir} (looked at: {seen}); expected "
        "CAS(ME)^2code_final.xlsx, whose eighth column says micro-expression or macro-expression"
    )


def _naming_rules(manual_dir: Path, path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Participant to folder (s15), and stimulus to the code in the folders' names (0101)."""
    people = {
        subject_key(row.name("participant")): row.text("folder").lower()
        for row in _rule(manual_dir, path, 1, ("code", "folder", "participant"))
        if re.fullmatch(r"s0*[0-9]+", row.text("folder"), re.IGNORECASE) and row.name("participant")
    }
    codes = {
        normalise(row.text("stimulus")): row.name("code").zfill(4)
        for row in _rule(manual_dir, path, 2, ("code", "stimulus"))
        if re.fullmatch(r"[0-9]{3,4}", row.name("code")) and row.text("stimulus")
    }
    if not people or not codes:
        lack = "naming rule2" if people else "naming rule1"
        raise DataError(
            f"{path} has no sheet {lack}, which says how the folders of frames are named; use the "
            f"workbook as it was distributed, or put `{lack}.csv` beside it"
        )
    return people, _KNOWN_CODES | codes


def _rule(manual_dir: Path, path: Path, number: int, names: tuple[str, ...]) -> tuple[Row, ...]:
    columns: dict[str, tuple[str, ...]] = {name: () for name in names}
    rows: tuple[Row, ...] = ()
    for place in [path, *find_tables(manual_dir, [f"*naming*rule*{number}*"])]:
        try:
            rows += read_table(
                place, columns=columns, sheet=f"naming rule{number}", header=False
            ).rows
        except DataError:
            continue  # reported below, where nothing was found
    return rows


def _videos(folders: FolderIndex) -> dict[tuple[str, str], list[Folder]]:
    """Folders such as `15_0101disgustingteeth` by subject and code, whole frames first."""
    found: dict[tuple[str, str], list[Folder]] = defaultdict(list)
    for folder in folders.folders:
        match = _FOLDER.fullmatch(folder.parts[-1])
        if match is not None and not folder.within("crop"):
            found[match[1], match[2]].append(folder)
    for several in found.values():
        several.sort(key=lambda f: (not f.within("raw"), len(f.parts), f.parts))
    return found


def _kind(row: Row) -> str:
    match = _KIND.fullmatch(cell_text(row.cells.get("type")))
    return "" if match is None else match[1].casefold()


def _is_header(row: Row) -> bool:
    """Somebody's own header above the first row."""
    return normalise(row.text("onset")).startswith("onset")
