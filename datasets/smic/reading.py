"""Reading SMIC: clips cut to the expression, without a sheet, or long clips with one (E)."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal, cast

from mace.annotation.class_sets import normalise_emotion
from mace.datasets.reading.cells import CellError, cell_text, clip_key
from mace.datasets.reading.gathering import Gathering, choose_folders
from mace.datasets.reading.records import Annotation, Published, Reading
from mace.datasets.reading.tables import Row, read_table
from mace.datasets.reading.trees import Folder, FolderIndex, find_folders, find_table
from mace.errors import ConfigError, DataError

type Camera = Literal["hs", "vis", "nir"]

FPS: dict[Camera, float] = {"hs": 100.0, "vis": 25.0, "nir": 25.0}
CONFIGS = (
    *("hs", "vis", "nir", "hs_cropped", "vis_cropped", "nir_cropped"),
    *("hs_e", "vis_e", "nir_e"),
)
_SOURCE = "Li et al. 2013, A spontaneous micro-expression database"
_FEW = {"negative": 24, "positive": 28, "surprise": 19}
PUBLISHED = {
    "hs": Published(source=_SOURCE, counts={"negative": 70, "positive": 51, "surprise": 43}),
    "vis": Published(source=_SOURCE, counts=_FEW),
    "nir": Published(source=_SOURCE, counts=_FEW),
}

_CLIP = re.compile(r"s[0-9]+_(ne|po|sur)_?[0-9]+", re.IGNORECASE)
_FRAME = re.compile(r"(?:reg_)?(?:image|img)?([0-9]+)", re.IGNORECASE)
_COLUMNS = {
    "subject": ("subject",),
    "clip": ("filename", "file", "clip"),
    "onset": ("onsetf", "onsetframe", "onset"),
    "offset": ("offsetf", "offsetframe", "offset"),
    "?onset2": ("onset2f",),
    "?offset2": ("offset2f",),
    "?onset3": ("onset3f",),
    "?offset3": ("offset3f",),
    "?first": ("firstf",),
    "?last": ("lastf",),
    "?emotion": ("emotion",),
}
# Annotated, but not in the download that the authors offer.
_KNOWN_MISSING = frozenset(
    clip_key(name) for name in ("s3_ne_03", "s3_ne_20", "s4_ne_05", "s4_ne_06", "s9_sur_02")
)


def read(manual_dir: Path, config_name: str = "hs") -> Reading:
    """Read SMIC below `manual_dir`; no image is decoded.

    No variant has an apex: every clip asks for an estimate.

    Args:
        manual_dir: holds the folders of frames and, for the E variants, the sheet, anywhere.
        config_name: one of `CONFIGS`: the camera; `_cropped` for the authors' registered faces;
            `_e` for the long clips, of which the sheet says where the expression is.

    Raises:
        ConfigError: for an unknown configuration.
        DataError: for a missing or damaged sheet, or no folder of such frames.
    """
    if config_name not in CONFIGS:
        raise ConfigError(f"unknown config {config_name!r} of smic; known: {', '.join(CONFIGS)}")
    name, _, form = config_name.partition("_")
    camera = cast(Camera, name)
    folders = find_folders(manual_dir)
    of_camera = _of_camera(folders, camera)
    if form == "e":
        return _read_long(manual_dir, folders, of_camera, camera)
    fits = choose_folders(folders, manual_dir, cropped=form == "cropped")
    return _read_cut(
        manual_dir, folders, lambda f: fits(f) and of_camera(f) and _is_cut(f), camera, form
    )


def _read_cut(
    manual_dir: Path,
    folders: FolderIndex,
    fits: Callable[[Folder], bool],
    camera: Camera,
    form: str,
) -> Reading:
    """One clip for each folder below `micro`: its first frame is the onset, its last the offset."""
    found = sorted((f for f in folders.folders if fits(f)), key=lambda f: clip_key(f.parts[-1]))
    if not found:
        raise DataError(
            f"{manual_dir} holds no folder {camera.upper()}/s1/micro/negative/s1_ne_01 of frames "
            f"for smic/{camera}{form and f'_{form}'}; long clips are read with --config {camera}_e"
        )
    gathering = Gathering("smic", folders)
    gathering.where = "the folders of frames"
    for folder in found:
        gathering.rows += 1
        match = _CLIP.fullmatch(folder.parts[-1])
        if match is None:
            reason = "the folder is not named like a clip, such as s1_ne_01"
            gathering.report("drop", "no-clip-name", None, "/".join(folder.parts[-2:]), reason)
            continue
        subject, clip = clip_name(folder.parts[-1])
        frames = gathering.frames(None, folder, f"{subject}/{clip}", _FRAME)
        emotion = normalise_emotion(match[1])
        if normalise_emotion(folder.parts[-2]) not in (emotion, "micro"):
            reason = f"it lies in the folder {folder.parts[-2]}; took {emotion} from its name"
            gathering.report("remark", "emotion-differs", None, f"{subject}/{clip}", reason)
        gathering.add(
            Annotation(
                where="/".join(folder.parts[1:]),
                row=None,
                subject=subject,
                clip=clip,
                onset=min(frames, default=None),
                apex=None,
                offset=max(frames, default=None),
                estimate_apex=True,
                fps=FPS[camera],
                emotion=emotion,
                emotion_raw=match[1],
                frames=frames,
                cropped=form == "cropped",
            ),
        )
    return gathering.reading(PUBLISHED[camera])


def _read_long(
    manual_dir: Path, folders: FolderIndex, of_camera: Callable[[Folder], bool], camera: Camera
) -> Reading:
    patterns = [
        f"smic*{camera}*e_annotation_2019",
        f"smic*{camera}*e_annotation",
        f"smic*{camera}*annotation*",
        f"smic*{camera}*",
    ]
    choice = find_table(manual_dir, patterns)
    table = read_table(choice.path, columns=_COLUMNS, sheet=camera, keys=("clip",))
    gathering = Gathering("smic", folders)
    gathering.begin(table, choice.others)

    def fits(folder: Folder) -> bool:
        return of_camera(folder) and not _is_cut(folder)

    for row in table.rows:
        _read_row(gathering, row, fits, camera)
    gathering.report_unused(lambda f: fits(f) and _CLIP.fullmatch(f.parts[-1]) is not None)
    return gathering.reading()


def _read_row(
    gathering: Gathering, row: Row, fits: Callable[[Folder], bool], camera: Camera
) -> None:
    raw = row.text("clip")
    match = _CLIP.fullmatch(raw)
    if match is None:
        reason = f"{raw[:40]!r} is not named like a clip, such as s1_ne_01"
        gathering.report("drop", "no-clip-name", row, raw[:40], reason)
        return
    subject, clip = clip_name(raw)
    name = f"{subject}/{clip}"
    emotion = normalise_emotion(match[1])
    stated = row.text("emotion")
    if stated and normalise_emotion(stated) != emotion:
        reason = f"the sheet calls it {stated[:20]!r}; took {emotion} from the clip's name"
        gathering.report("remark", "emotion-differs", row, name, reason)
    onset, offset = (gathering.frame(row, column, name) for column in ("onset", "offset"))
    if onset is None or offset is None:
        reason = (
            "no onset or offset, or a formula without a stored result (open the sheet in Excel or "
            "LibreOffice and save it)"
        )
        gathering.report("drop", "interval-missing", row, name, reason)
        return
    if clip_key(raw) in _KNOWN_MISSING and not gathering.has_folder(subject, raw, fits):
        reason = "its frames are missing from the authors' download"
        gathering.report("drop", "no-frames", row, name, reason)
        return
    folder = gathering.folder(row, subject, raw, name, fits=fits)
    if folder is None:
        return
    _remark_on_the_rest(gathering, row, name, onset)
    gathering.add(
        Annotation(
            where=gathering.where,
            row=row.number,
            subject=subject,
            clip=clip,
            onset=onset,
            apex=None,
            offset=offset,
            estimate_apex=True,
            fps=FPS[camera],
            emotion=emotion,
            emotion_raw=stated or match[1],
            frames=gathering.frames(row, folder, name, _FRAME),
        ),
    )


def _remark_on_the_rest(gathering: Gathering, row: Row, name: str, onset: int) -> None:
    """Remark on further expressions in the clip, which the field does not count."""
    for order in ("2", "3"):
        try:
            start, end = row.frame(f"onset{order}"), row.frame(f"offset{order}")
        except CellError as error:
            gathering.report("remark", "cell-unreadable", row, name, f"Onset{order}F: {error}")
            continue
        if start is None and end is None:
            continue
        if start is None or end is None or not onset < start < end:
            reason = f"Onset{order}F {start} to Offset{order}F {end} is implausible and ignored"
            gathering.report("remark", "further-implausible", row, name, reason)
        else:
            reason = f"a further expression from {start} to {end}; the field counts one a clip"
            gathering.report("remark", "further-expression", row, name, reason)
    for column, title in (("first", "FirstF"), ("last", "LastF")):
        try:
            row.frame(column)
        except CellError as error:
            gathering.report("remark", "cell-unreadable", row, name, f"{title}: {error}; not used")


def clip_name(name: str) -> tuple[str, str]:
    """Return subject and clip as MEGC 2019 writes them: `s01`, `s01_ne_01` for `s1_ne_1`."""
    _, subject, emotion, take = clip_key(name)
    return f"s{int(subject):02d}", f"s{int(subject):02d}_{emotion}_{int(take):02d}"


def _is_cut(folder: Folder) -> bool:
    """Whether the folder lies below `micro`; `non_micro` holds no expressions."""
    return any(part.casefold() == "micro" for part in folder.parts)


def _parts(folder: Folder) -> frozenset[str]:
    """The words of all names on the way: `SMIC-HS-E` gives smic, hs and e."""
    return frozenset(
        word for part in folder.parts for word in re.split(r"[\W_]+", cell_text(part).casefold())
    )


def _of_camera(folders: FolderIndex, camera: Camera) -> Callable[[Folder], bool]:
    """Return the test for folders of a camera: all, if no folder names any camera."""
    named = any(_parts(folder) & set(FPS) for folder in folders.folders)
    return lambda folder: not named or camera in _parts(folder)
