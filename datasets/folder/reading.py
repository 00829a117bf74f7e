"""Reading a table of own clips; the frames are a folder or a video."""

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from mace.annotation.class_sets import normalise_emotion
from mace.datasets.folder.videos import Video, VideoIndex, without_suffix
from mace.datasets.reading.cells import subject_key
from mace.datasets.reading.gathering import Gathering
from mace.datasets.reading.records import Annotation, Reading
from mace.datasets.reading.tables import Row, Table, read_table
from mace.datasets.reading.trees import Folder, find_folders, find_table
from mace.errors import DataError
from mace.video.naming import is_video

COLUMNS = {
    "subject": ("subject", "participant", "person"),
    "clip": ("clip", "filename", "name"),
    "onset": ("onset", "onsetframe"),
    "?apex": ("apex", "apexframe"),
    "offset": ("offset", "offsetframe"),
    "emotion": ("emotion", "label", "estimatedemotion"),
    "fps": ("fps", "framerate", "framespersecond"),
    "?aus": ("aus", "au", "actionunits"),
    "?objective": ("objective", "objectiveclass", "objectiveclasses"),
    "?path": ("path", "folder", "file", "video"),
    "?kind": ("kind",),
    "?coder": ("coder",),
}
_MICRO = ("", "micro", "me", "micro-expression")


def read(
    manual_dir: Path,
    config: str = "whole",
    annotations: Path | None = None,
    coder: str | None = None,
) -> Reading:
    """Read the table and find each clip's frames; no image is decoded.

    A clip lies where its `path` says, relative to `manual_dir`, or else in `subject/clip`, or in a
    video of that name, both matched loosely and at any depth. Frame numbers are those in the names
    of the files; a video's first frame is 1. A blank apex is estimated. Rows of other coders,
    and of what is no micro-expression by its `kind`, are left out.

    Args:
        manual_dir: the folder of the clips.
        config: `whole` frames or `cropped` faces.
        annotations: the table; by default the one called `annotations` within `manual_dir`.
        coder: whose rows are read where the table has those of several.

    Raises:
        DataError: if there is no table, it lacks columns, or it is open whose rows are meant.
    """
    folders = find_folders(manual_dir)
    others: tuple[Path, ...] = ()
    if annotations is None:
        choice = find_table(manual_dir, "annotations")
        annotations, others = choice.path, choice.others
    gathering = Gathering("folder", folders)
    table = _of_coder(read_table(annotations, columns=COLUMNS), coder)
    micro = tuple(row for row in table.rows if row.text("kind").casefold() in _MICRO)
    left, table = len(table.rows) - len(micro), replace(table, rows=micro)
    gathering.begin(table, others)
    if left:
        reason = f"{left} rows are of no micro-expression, by their kind; they are left out"
        gathering.report("remark", "another-kind", None, "", reason)
    videos = VideoIndex(manual_dir)
    people = {subject_key(row.name("subject")) for row in table.rows}
    for row in table.rows:
        _read_row(gathering, row, manual_dir, videos, people, cropped=config == "cropped")
    return gathering.reading()


def _of_coder(table: Table, coder: str | None) -> Table:
    """The rows of one coder.

    Raises:
        DataError: if it is open which, or there is none of that name.
    """
    coders = dict.fromkeys(row.name("coder") for row in table.rows)
    listed = ", ".join(name or "nobody" for name in coders)
    if coder is None:
        if len(coders) > 1:
            raise DataError(
                f"{table.path} holds the events of {len(coders)} coders ({listed}); name one with "
                "--coder"
            )
        return table
    if coder not in coders:
        raise DataError(f"{table.path} holds no events of the coder {coder}, but of {listed}")
    return replace(table, rows=tuple(row for row in table.rows if row.name("coder") == coder))


def _read_row(
    gathering: Gathering,
    row: Row,
    root: Path,
    videos: VideoIndex,
    people: Collection[str],
    *,
    cropped: bool,
) -> None:
    subject, clip, emotion = row.name("subject"), row.name("clip"), row.text("emotion")
    name = f"{subject}/{clip}"
    blank = [column for column in ("subject", "clip", "emotion") if not row.text(column)]
    if blank:
        reason = f"its {' and '.join(blank)} cell is blank"
        gathering.report("drop", "incomplete", row, name, reason)
        return
    try:
        fps = _rate(row.text("fps"))
        place = _place(root, videos, subject, clip, row.text("path"))
    except DataError as error:
        gathering.report("drop", "incomplete", row, name, str(error))
        return
    frames: dict[int, Path] = {}
    bare, named = without_suffix(clip), videos.clip(subject, clip)
    # A video just where it is expected goes before a folder somewhere else.
    expected = any(video.parts[1:-1] == (subject,) for video in named)
    if place is None and (expected or not gathering.has_folder(subject, bare)):
        elsewhere = [v for v in videos.anywhere(clip) if not _is_others(v, subject, people)]
        place = _video(gathering, row, named, elsewhere)
        if place is None:
            return
    if place is None or place.is_dir():
        # Without an own folder in the place expected, one of that name anywhere below will do.
        folder = (
            gathering.folder(row, subject, bare, name)
            if place is None
            else Folder(place, place.parts)
        )
        if folder is None:
            return
        frames, place = gathering.frames(row, folder, name), None
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
            emotion=normalise_emotion(emotion),
            emotion_raw=row.raw("emotion"),
            aus_raw=row.raw("aus"),
            objective=gathering.objective(row, name),
            frames=frames,
            video=place,
            cropped=cropped,
            estimate_apex=True,
        )
    )


def _rate(text: str) -> float:
    try:
        rate = float(text.replace(",", "."))
    except ValueError:
        rate = math.nan
    if not 1 <= rate <= 100_000:
        raise DataError(f"its fps cell {text[:20]!r} is no number of frames per second")
    return rate


def _video(
    gathering: Gathering, row: Row, named: Sequence[Video], elsewhere: Sequence[Video]
) -> Path | None:
    """The first of a clip's videos; None, and the row dropped, where there is none.

    `elsewhere` are those of its name that are nobody's.
    """
    subject = row.text("subject")
    name = f"{subject}/{row.text('clip')}"
    if not named:
        reason = "there is no folder of its frames and no video of its name"
        if elsewhere:
            reason += (
                f" below a folder called {subject}; {elsewhere[0].place} is called so: if it is "
                "the clip, write that into the table's column path"
            )
        gathering.report("drop", "no-frames", row, name, reason)
        return None
    if len(named) > 1:
        others = ", ".join(video.place for video in named[1:4])
        reason = f"several videos of its name; took {named[0].place}, not {others}"
        gathering.report("choice", "several-videos", row, name, reason)
    return named[0].path


def _is_others(video: Video, subject: str, people: Collection[str]) -> bool:
    """Whether a video lies below a folder that is called like another person than `subject`."""
    own = subject_key(subject)
    folders = {subject_key(part) for part in video.parts[1:-1]} - {own}
    return any(name in people or (own.isdecimal() and name.isdecimal()) for name in folders)


def _place(root: Path, videos: VideoIndex, subject: str, clip: str, path: str) -> Path | None:
    """What the table names, or the clip's folder; None if there is none where it is expected.

    Raises:
        DataError: if the table names a path that does not exist or is no video.
    """
    try:
        if path:
            place = root / path.replace("\\", "/")
            if place.is_dir():
                return place
            if not place.is_file() and (video := videos.at(path)):
                return video.path
            if not place.is_file():
                raise DataError(f"there is no {path[:200]} in the folder of the clips")
            if not is_video(place.name):
                raise DataError(f"{path[:200]} is neither a folder nor a video")
            return place
        expected = root / subject / without_suffix(clip)
        return expected if expected.is_dir() else None
    # A cell may hold what no file can be called, such as a null byte or 5000 letters.
    except (OSError, ValueError) as error:
        raise DataError(f"its cells give no usable path ({error})") from error
