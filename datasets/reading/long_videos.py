"""Expressions annotated within long videos: one folder of frames serves many rows."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mace.datasets.reading.gathering import Gathering
from mace.datasets.reading.records import Annotation, Change, Kind, Published, Reading
from mace.datasets.reading.tables import Row
from mace.datasets.reading.trees import Folder

type Interval = tuple[int, int | None, int]
"""Onset, apex (None where it is not known) and offset, as frame numbers."""
type Expression = Literal["micro", "macro"]


@dataclass(frozen=True, kw_only=True)
class VideoEvent:
    """One annotated expression within a long video.

    Attributes:
        row: of the sheet.
        kind: how the annotators call it.
        onset: frame number as in the frames' file names, as are the next two.
        apex: likewise; None where it is not known.
        offset: likewise; it may lie beyond the last frame that exists.
        emotion: normalised; empty where there is none.
        aus_raw: the sheet's own words for the action units.
    """

    row: int | None
    kind: Expression
    onset: int
    apex: int | None
    offset: int
    emotion: str
    aus_raw: str


@dataclass(frozen=True, kw_only=True)
class VideoAnnotation:
    """One long video with all that is annotated in it, which may be nothing.

    Attributes:
        where: name of the sheet.
        subject: who is seen.
        clip: name of the video, as the Grand Challenge writes it.
        fps: frames per second.
        frames: the files by frame number.
        events: by onset.
    """

    where: str
    subject: str
    clip: str
    fps: float
    frames: Mapping[int, Path]
    events: tuple[VideoEvent, ...] = ()

    @property
    def name(self) -> str:
        """`subject/clip`, unique within its data set."""
        return f"{self.subject}/{self.clip}"

    def change(self, kind: Kind, code: str, reason: str, *, row: int | None = None) -> Change:
        """Return a change of this video, or of a row of it, for the report."""
        return Change(
            kind=kind, code=code, where=self.where, row=row, clip=self.name, reason=reason
        )


@dataclass(frozen=True, kw_only=True)
class LongReading:
    """Long videos as found: every row of the sheet is an event or a drop among `changes`.

    Attributes:
        database: name of the data set.
        rows: number of data rows of the sheet.
        videos: with and without events, by name.
        changes: what was mended or left out.
        published: the authors' counts of each kind; None where there are none.
    """

    database: str
    rows: int
    videos: tuple[VideoAnnotation, ...]
    changes: tuple[Change, ...] = ()
    published: Published | None = None


@dataclass(frozen=True)
class VideoFolder:
    """A folder that holds a long video.

    Attributes:
        subject: who is seen.
        clip: name of the video.
        folder: of its frames.
    """

    subject: str
    clip: str
    folder: Folder


def expression_kind(text: str) -> Expression | None:
    """Return the kind that a sheet's word begins with; None if it is neither.

    Examples:
        >>> from mace.datasets.reading.long_videos import expression_kind
        >>> [expression_kind(text) for text in ("Micro - 1/2", "MACRO-expression", "blink")]
        ['micro', 'macro', None]
    """
    kinds: tuple[Expression, ...] = ("micro", "macro")
    return next((kind for kind in kinds if text.strip().casefold().startswith(kind)), None)


def as_videos(
    reading: Reading,
    kinds: Mapping[int, Expression],
    videos: Sequence[VideoFolder],
    frames: "VideoFrames",
    *,
    fps: float,
    published: Published | None = None,
) -> LongReading:
    """Return the annotations of a reading by the video that they lie in.

    A video in which nothing is annotated counts as well: what is spotted there is a false alarm.

    Args:
        reading: one annotation for each expression, whose frames are those of the whole video.
        kinds: what each row of the sheet is.
        videos: all that there are.
        frames: of their folders.
        fps: frames per second.
        published: counts of each kind.
    """
    places = {video.folder.path for video in videos}
    events: dict[Path, list[VideoEvent]] = defaultdict(list)
    changes, where = list(reading.changes), ""
    for annotation in reading.annotations:
        where = annotation.where
        place = next((path.parent for path in annotation.frames.values()), None)
        event = None
        if place is not None and place not in places:
            reason = "its folder holds this expression alone, and no long video"
            changes.append(annotation.change("drop", "no-video", reason))
        else:
            event = _event(annotation, kinds, changes)
        if place is None or event is None:
            continue
        if (same := _same(event, events[place])) is not None:
            reason = f"the same kind and interval as row {same.row}, which was taken"
            changes.append(annotation.change("drop", "duplicate", reason))
            continue
        events[place].append(event)
    long: list[VideoAnnotation] = []
    for video in sorted(videos, key=lambda video: (video.subject, video.clip)):
        numbered = frames(None, video.folder, f"{video.subject}/{video.clip}")
        own = sorted(events[video.folder.path], key=lambda event: event.onset)
        long.append(
            VideoAnnotation(
                where=where,
                subject=video.subject,
                clip=video.clip,
                fps=fps,
                frames=numbered,
                events=tuple(own),
            )
        )
    return LongReading(
        database=reading.database,
        rows=reading.rows,
        videos=tuple(long),
        changes=tuple(changes),
        published=published,
    )


def _same(event: VideoEvent, others: Sequence[VideoEvent]) -> VideoEvent | None:
    marks = event.kind, event.onset, event.offset
    return next((o for o in others if (o.kind, o.onset, o.offset) == marks), None)


def _event(
    annotation: Annotation, kinds: Mapping[int, Expression], changes: list[Change]
) -> VideoEvent | None:
    """The event of an annotation; None, and a drop, where its interval cannot be."""
    numbers, onset, offset = annotation.frames, annotation.onset, annotation.offset
    assert onset is not None
    assert offset is not None
    assert annotation.row is not None
    fault = ""
    if not numbers:
        fault = "its folder holds no frame"
    elif offset < onset:
        fault = f"its offset {offset} is before its onset {onset}"
    elif offset < min(numbers) or onset > max(numbers):
        fault = (
            f"it is annotated from {onset} to {offset}, but the frames of its video are "
            f"{min(numbers)} to {max(numbers)}"
        )
    if fault:
        changes.append(annotation.change("drop", "unusable", fault))
        return None
    if offset > max(numbers):
        reason = f"offset {offset} is after the last frame {max(numbers)}; scored as annotated"
        changes.append(annotation.change("remark", "offset-beyond", reason))
    apex = annotation.apex
    if apex is not None and not onset <= apex <= offset:
        reason = f"apex {apex} lies outside {onset} to {offset}; not used"
        changes.append(annotation.change("remark", "apex-outside", reason))
        apex = None
    return VideoEvent(
        row=annotation.row,
        kind=kinds[annotation.row],
        onset=onset,
        apex=apex,
        offset=offset,
        emotion=annotation.emotion,
        aus_raw=annotation.aus_raw,
    )


class VideoFrames:
    """The frames of long videos, each folder looked through once."""

    def __init__(self, gathering: Gathering) -> None:
        self._gathering = gathering
        self._known: dict[Path, Mapping[int, Path]] = {}

    def __call__(self, row: Row | None, folder: Folder, name: str) -> Mapping[int, Path]:
        """Return a folder's images by frame number."""
        if folder.path not in self._known:
            self._known[folder.path] = self._gathering.frames(row, folder, name)
        return self._known[folder.path]


def interval(
    gathering: Gathering,
    row: Row,
    name: str,
    *,
    start: int | None = None,
    no_offset: Kind = "repair",
) -> Interval | None:
    """Return the interval of a row in which 0 stands for not known; None, the row dropped.

    Without an offset the clip ends at its apex, as the field reads these sheets: the end of the
    video, which would be next, has nothing to do with the expression.

    Args:
        gathering: for the report.
        row: of the sheet.
        name: of the clip.
        start: the frame that an onset of 0 stands for, where that is the start of the video.
        no_offset: what an offset that is not there is reported as.
    """
    onset, apex, offset = (gathering.frame(row, c, name) for c in _COLUMNS)
    if onset == 0 and start is not None:
        apex = start if apex == 0 else apex
        onset = start
        if start:
            reason = f"onset 0 is the start of the video, whose frames count from {start}"
            gathering.report("correction", "onset-zero", row, name, f"{reason}; took {start}")
    else:
        onset, apex = onset or None, apex or None
    offset = offset or None
    if onset is None:
        reason = "no onset, and the video is longer than the expression"
        gathering.report("drop", "interval-missing", row, name, reason)
        return None
    if offset is None:
        if apex is None or apex <= onset:
            reason = "no offset, and no apex after the onset to end at"
            gathering.report("drop", "interval-missing", row, name, reason)
            return None
        reason = f"no offset; took the apex {apex}"
        gathering.report(no_offset, "offset-missing", row, name, reason)
        offset = apex
    return onset, apex, offset


_COLUMNS = ("onset", "apex", "offset")


def unique_names(names: list[tuple[str, str, str]]) -> list[str]:
    """Return a clip name for each (subject, name, onset): with the onset where it is repeated."""
    count: dict[tuple[str, str], int] = {}
    for subject, clip, _ in names:
        count[subject, clip] = count.get((subject, clip), 0) + 1
    return [
        clip if count[subject, clip] == 1 else f"{clip}_{onset}" for subject, clip, onset in names
    ]
