"""The videos to be coded: one file, a folder of people's, or what `mace live` and `spot` left."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mace.errors import DataError
from mace.live.recorder import FRAMES_JSONL, PLAIN_VIDEO
from mace.recordings.finding import is_picture_folder, is_session, recordings_below
from mace.recordings.formulas import no_formula
from mace.recordings.session import recorded_source
from mace.review.events import CodedEvent
from mace.spotting.folder import SPOTTING, spotted_recording
from mace.spotting.records import EVENTS_JSONL, read_events
from mace.video.folder import PictureFolder
from mace.video.naming import is_video
from mace.video.seeking import SeekableVideo

# Of what is spotted, what a coder of expressions looks for.
_PROPOSED = ("micro", "macro")


@dataclass(frozen=True)
class Recording:
    """A video to be coded, or a folder of pictures.

    Attributes:
        path: below the root, with slashes: its name in the table.
        video: the file, or the folder.
        name: of its clips.
        subject: who is seen, as its place says.
        spotted: folder with what `mace live` or `mace spot` spotted in it; None without one.
    """

    path: str
    video: Path
    name: str
    subject: str
    spotted: Path | None = None

    @property
    def pictures(self) -> bool:
        """Whether it is a folder of pictures."""
        return self.video.is_dir()


@dataclass(frozen=True)
class Place:
    """Where coding happens.

    Attributes:
        root: the folder that paths in the table begin at, `--manual-dir` of `mace prepare folder`.
        recordings: the videos, by path.
    """

    root: Path
    recordings: tuple[Recording, ...]


def find_recordings(place: Path, *, spotted: Path) -> Place:
    """Find the videos at a place.

    A person is the first folder below the root on the way to a video, so that nobody is two people
    to the folds; a video, or a session of `mace live`, in the root itself is called as it is.

    Args:
        place: a video or folder of pictures, a folder with such at any depth, a session of
            `mace live`, or one of the folders that `mace spot` writes.
        spotted: folder of the results of `mace spot`, in which those of the videos are looked for.

    Raises:
        DataError: if there is no video.
    """
    place = Path(os.path.abspath(place))
    if not place.exists():
        raise DataError(f"there is no {place}; name a video, or a folder with videos")
    results, root = _results(spotted), coding_root(place)
    if source := _source(place):
        video = Path(source)
        if not video.is_dir() and not (video.is_file() and is_video(video.name)):
            raise DataError(
                f"{place} holds what was spotted in {source}, which is no video that is there; "
                "name the video itself"
            )
        return Place(root, (_recording(video, root, {video: place}),))
    if place.is_file() or is_picture_folder(place):
        return Place(root, (_recording(place, root, results),))
    recordings = tuple(_recording(video, root, results) for video in recordings_below(place))
    if not recordings:
        raise DataError(f"there is no video in {place}; name a video, or a folder with videos")
    return Place(root, recordings)


def coding_root(place: Path) -> Path:
    """Return the folder that a place's table lies in, and that its paths begin at."""
    place = Path(os.path.abspath(place))
    if source := _source(place):
        return Path(source).parent
    return place.parent if place.is_file() or is_picture_folder(place) else place


def proposals(recording: Recording, video: SeekableVideo | PictureFolder) -> tuple[CodedEvent, ...]:
    """Return what was spotted in a recording, for a coder to correct; nothing if nothing was.

    Args:
        recording: which.
        video: its frames, by whose times those of the events are found.

    Raises:
        DataError: if the events are damaged.
    """
    folder = recording.spotted
    if folder is None or not (folder / EVENTS_JSONL).is_file():
        return ()
    begun = _begun(folder)

    def frame(time: float) -> int:
        return int(np.abs(video.times - (time - begun)).argmin()) + 1

    listed = [event for event in read_events(folder / EVENTS_JSONL) if event.kind in _PROPOSED]
    first = min((event.identity for event in listed), default=0)
    events = []
    for number, event in enumerate(listed, start=1):
        kind = "micro" if event.kind == "micro" else "macro"
        onset, apex, offset = map(frame, (event.onset, event.apex, event.offset))
        label, units = event.label or "", " ".join(event.shown)
        person = event.identity - first
        subject = f"{recording.subject}-{person + 1}" if person else ""
        events.append(CodedEvent(number, onset, apex, offset, kind, label, units, subject=subject))
    return tuple(sorted(events, key=lambda event: event.onset))


def _source(place: Path) -> str | None:
    """What a result or a session without pictures of its own was made of; None of other places."""
    return spotted_recording(place) or _source_of_session(place)


def _recording(video: Path, root: Path, results: dict[Path, Path]) -> Recording:
    path = video.relative_to(root).as_posix()
    if not path.isprintable():
        raise DataError(
            f"{str(video)!r} has a line break or the like in its name or a folder's; rename it"
        )
    session = video.parent if video.name == PLAIN_VIDEO and is_session(video.parent) else None
    unit = session or video
    below = unit.parent != root and unit != root
    name = unit.name if unit.is_dir() else unit.stem
    # `mace spot` sees every frame of a recording, of which `mace live` may have dropped some.
    spotted = results.get(Path(os.path.realpath(video))) or session
    return Recording(
        path=path,
        video=video,
        name=name,
        subject=no_formula(unit.relative_to(root).parts[0] if below else name),
        spotted=spotted,
    )


def _source_of_session(folder: Path) -> str | None:
    """The file that a session without pictures of its own was made of."""
    if not is_session(folder) or (folder / PLAIN_VIDEO).is_file():
        return None
    return recorded_source(folder)


def _results(spotted: Path) -> dict[Path, Path]:
    """Return the folder of the results of each video that was spotted in."""
    folders = [spotted, *spotted.iterdir()] if spotted.is_dir() else []
    folder_of: dict[Path, Path] = {}
    for folder in sorted(folders):
        if (folder / SPOTTING).is_file() and (source := spotted_recording(folder)):
            folder_of[Path(source)] = folder
    return folder_of


def _begun(folder: Path) -> float:
    """When the first picture of a session's video was taken, on the clock of its events, s."""
    if not is_session(folder) or not (folder / FRAMES_JSONL).is_file():
        return 0.0
    with (folder / FRAMES_JSONL).open("rb") as file:
        first = file.readline()
    try:
        return float(json.loads(first)["timestamp"])
    except (ValueError, KeyError, TypeError):
        return 0.0
