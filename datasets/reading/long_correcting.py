"""One annotated long video to one sample: its frames read one by one, the face followed."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from mace.annotation.action_units import parse_action_units
from mace.config import config_hash
from mace.datasets.clip_features import clip_sample
from mace.datasets.reading.correcting import FAINT_SCORE, Outcome, file_size
from mace.datasets.reading.images import read_frame
from mace.datasets.reading.long_videos import LongReading, VideoAnnotation, VideoEvent
from mace.datasets.reading.records import Change
from mace.errors import DataError, OutputError
from mace.face.clip import AlignedClip, NoFace, correct_video, unseen_video
from mace.face.config import FaceConfig
from mace.face.tracked import Status
from mace.pictures.reading import significant_bits, to_8_bits

_FORMAT = 2  # of stored outcomes; another number makes them anew


@dataclass(frozen=True, kw_only=True)
class VideoTask:
    """A long video to be corrected.

    Attributes:
        database: name of the data set.
        annotation: the video.
        face: settings of the face correction.
        changes: what was mended so far.
    """

    database: str
    annotation: VideoAnnotation
    face: FaceConfig
    changes: tuple[Change, ...] = field(default=(), compare=False)

    @property
    def name(self) -> str:
        """`subject/clip`."""
        return self.annotation.name

    @property
    def key(self) -> str:
        """Names everything that the sample depends on, the sizes of the frame files included."""
        files = self.annotation.frames.items()
        content = {
            "format": _FORMAT,
            "database": self.database,
            "annotation": asdict(replace(self.annotation, frames={})),
            "files": [(number, path.name, file_size(path)) for number, path in files],
            "face": config_hash(self.face),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:20]

    def correct(self) -> Outcome:
        """Make the sample; a video that cannot be read loses its events, with the reason.

        One in which no face is found keeps them: whoever spots in it has missed them.
        """
        try:
            return _sample(self)
        except OutputError:
            raise
        # One bad video must not end the preparation of the others, whatever a decoder makes of it.
        except Exception as error:
            plain = isinstance(error, DataError)
            reason = str(error) if plain else f"{type(error).__name__}: {error}"
            reason = (reason.splitlines() or ["unknown"])[0]
            video, lost = self.annotation, [event.row for event in self.annotation.events]
            changes = [video.change("drop", "unusable", reason, row=row) for row in lost]
            if not lost:  # no row is lost, but what would be spotted in it is
                changes = [video.change("repair", "video-unusable", f"{reason}; left out")]
            return Outcome(sample=None, changes=tuple(changes))


def plan_videos(reading: LongReading, *, face: FaceConfig) -> tuple[list[VideoTask], list[Change]]:
    """Return a task for each video, and the changes of the reading."""
    changes = list(reading.changes)
    tasks = []
    for video in reading.videos:
        if not video.frames:
            changes.append(video.change("remark", "no-frames", "its folder holds no frame"))
            continue
        tasks.append(VideoTask(database=reading.database, annotation=video, face=face))
    events = sum(len(video.events) for video in reading.videos)
    drops = sum(change.kind == "drop" for change in changes)
    assert reading.rows == events + drops, f"{reading.rows} rows, {events} + {drops}"
    return tasks, changes


class _Frames:
    """The frames of a video in order, in 8 bits; those that cannot be read are noted."""

    def __init__(self, files: dict[int, Path]) -> None:
        self._files = files
        self.unreadable: dict[int, str] = {}

    def __iter__(self) -> Iterator[np.ndarray | None]:
        bits = 0
        self.unreadable.clear()
        for number, path in self._files.items():
            try:
                image = read_frame(path)
            except DataError as error:
                self.unreadable[number] = str(error)
                yield None
                continue
            bits = bits or significant_bits([image])
            yield to_8_bits(image, bits)


def _sample(task: VideoTask) -> Outcome:
    video = task.annotation
    numbers = sorted(video.frames)
    frames = _Frames({number: video.frames[number] for number in numbers})
    changes = list(task.changes)
    try:
        aligned, faint = _corrected(frames, video.fps, task.face)
    except NoFace as error:
        if len(frames.unreadable) == len(numbers):
            raise
        aligned, faint = unseen_video(len(numbers), config=task.face), False
        reason = f"{error}; its annotated expressions ({len(video.events)}) count as missed"
        changes.append(video.change("remark", "no-face", reason))
    if frames.unreadable:
        number, reason = next(iter(frames.unreadable.items()))
        count = len(frames.unreadable)
        text = f"{count} of {len(numbers)} frames cannot be read, the first {number}: {reason}"
        changes.append(video.change("choice", "frame-unreadable", text))
    missing = numbers[-1] - numbers[0] + 1 - len(numbers)
    if missing:
        lack = "1 frame is" if missing == 1 else f"{missing} frames are"
        reason = (
            f"{lack} missing between {numbers[0]} and {numbers[-1]}; the others keep their times"
        )
        changes.append(video.change("remark", "frames-missing", reason))
    if faint:
        reason = "the face was found only by a lower threshold; look at its crops"
        changes.append(video.change("remark", "faint-face", reason))
    if aligned.quality != "good":
        changes.append(video.change("remark", "quality", aligned.quality))
    tracked = np.array([status is Status.TRACKED for status in aligned.status])
    sample = clip_sample(
        aligned,
        fps=video.fps,
        database=task.database,
        subject=video.subject,
        clip=video.clip,
        emotion="",
        aus=(),
        onset=0,
        apex=-1,
        offset=-1,
        apex_source="none",
        flags=tuple(dict.fromkeys(change.code for change in changes)),
        numbers=numbers,
    )
    more = {
        "events": [_row(event, numbers[0]) for event in video.events],
        "registered": np.where(tracked, aligned.reference_ids, -1).astype(np.int32),
    }
    return Outcome(sample={**sample, **more}, changes=tuple(changes))


def _row(event: VideoEvent, first: int) -> dict[str, Any]:
    apex = -1 if event.apex is None else max(event.apex - first, 0)
    return {
        "kind": event.kind,
        "emotion": event.emotion,
        "aus": " ".join(parse_action_units(event.aus_raw).text.split()),
        # What began before the video did is seen from its first frame on.
        "onset": np.int32(max(event.onset - first, 0)),
        "apex": np.int32(apex),
        "offset": np.int32(event.offset - first),
    }


def _corrected(frames: _Frames, fps: float, face: FaceConfig) -> tuple[AlignedClip, bool]:
    """Correct a video, at need with a lower threshold; says whether it was needed."""
    try:
        return correct_video(frames, fps=fps, config=face), False
    except DataError as error:
        lenient = replace(face, detector=replace(face.detector, min_score=FAINT_SCORE))
        try:
            return correct_video(frames, fps=fps, config=lenient), True
        except DataError:
            raise error from None
