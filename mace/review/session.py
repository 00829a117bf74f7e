"""One coder at work: the coding with its undo, saved after every edit, and the videos' frames."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from mace.errors import ConfigError, DataError, MaceError
from mace.review.events import CodedEvent, Coding, added, changed, deleted, renamed
from mace.review.history import History
from mace.review.recordings import Place, Recording, proposals
from mace.review.table import CoderTable
from mace.video.folder import FOLDER_FPS, PictureFolder
from mace.video.reader import VideoReader
from mace.video.seeking import SeekableVideo

_OPEN_VIDEOS = 3


@dataclass(frozen=True)
class OpenVideo:
    """A recording that is being looked at.

    Attributes:
        recording: which.
        video: its frames.
        proposals: what was spotted in it.
    """

    recording: Recording
    video: SeekableVideo | PictureFolder
    proposals: tuple[CodedEvent, ...]

    def close(self) -> None:
        """Forget its frames."""
        if isinstance(self.video, SeekableVideo):
            self.video.close()


class CodingSession:
    """A coding as pages see and edit it; any thread may ask, edits come one after the other.

    Args:
        place: the videos.
        table: path of the table.
        coder: who codes.
        fps: frames per second in place of the videos' own times.
        propose: whether what was spotted is shown.

    Raises:
        MaceError: as `CoderTable` does.
    """

    def __init__(
        self,
        place: Place,
        *,
        table: Path,
        coder: str,
        fps: float | None = None,
        propose: bool = True,
    ) -> None:
        self.place, self._fps, self._propose = place, fps, propose
        self._recordings = {recording.path: recording for recording in place.recordings}
        self._videos: OrderedDict[str, OpenVideo] = OrderedDict()
        self._rates: dict[str, float] = {}
        self._editing, self._opening = threading.Lock(), threading.Lock()
        self._numbers: dict[str, tuple[int, ...]] = {}
        self._people = {path: recording.subject for path, recording in self._recordings.items()}
        self.table = CoderTable(
            table,
            coder,
            {path: recording.name for path, recording in self._recordings.items()},
            root=place.root,
            rate=self._rate,
            numbers=self._numbers_of,
            people=self._people,
        )
        self._history = History(self._read())
        self._unsaved = ""
        self._revision = 0

    def state(self) -> dict[str, Any]:
        """Return the coding as JSON can hold it."""
        coding = self._history.now
        return {
            "type": "state",
            "revision": self._revision,
            "coder": self.table.coder,
            "table": str(self.table.path),
            "unsaved": self._unsaved,
            "undo": self._history.can_undo,
            "redo": self._history.can_redo,
            "videos": [
                {
                    "path": path,
                    "subject": coding.subjects.get(path, ""),
                    "spotted": self._propose and recording.spotted is not None,
                    "events": [event_json(event) for event in coding.of(path)],
                }
                for path, recording in self._recordings.items()
            ],
        }

    def facts(self, path: str) -> dict[str, Any]:
        """Return what a page needs to know of a video, which is opened.

        Raises:
            MaceError: if it cannot be read, or there is no such video.
        """
        opened = self.open(path)
        pictures = isinstance(opened.video, PictureFolder)
        return {
            "path": path,
            "count": opened.video.count,
            "fps": opened.video.fps if pictures else self._rate(path),
            "times": _uneven(opened.video.times, opened.video.fps),
            "size": opened.video.size,
            "seeks": isinstance(opened.video, PictureFolder) or opened.video.seeks,
            "proposals": [event_json(event) for event in opened.proposals],
        }

    def open(self, path: str) -> OpenVideo:
        """Return an opened video; those that were looked at longest ago are closed.

        Raises:
            MaceError: if it cannot be read, or there is no such video.
        """
        if path not in self._recordings:
            raise ConfigError(f"there is no video {path[:100]!r} here")
        with self._opening:
            if path not in self._videos:
                recording = self._recordings[path]
                self._numbers_of(path)  # refused before an event is added
                video = self._frames(path)
                spotted = proposals(recording, video) if self._propose else ()
                self._videos[path] = OpenVideo(recording, video, spotted)
                if len(self._videos) > _OPEN_VIDEOS:
                    self._videos.popitem(last=False)[1].close()
            self._videos.move_to_end(path)
            return self._videos[path]

    def edit(self, message: Mapping[str, Any]) -> int | None:
        """Do what a page asks for, save the table, and return the number of an event that is new.

        `do` is add, change, delete, subject, undo, redo, save or load; `video`, `number`, `event`
        and `subject` say what with. A table that cannot be written is told by `state`.

        Raises:
            ConfigError: if it cannot be done; nothing is changed.
        """
        with self._editing:
            new = None
            do = message.get("do")
            if do == "load":
                self._history, self._unsaved = History(self._read()), ""
                self._rates.clear()  # the table may say others now
                self._revision += 1
                return None
            if do == "undo":
                self._history.undo()
            elif do == "redo":
                self._history.redo()
            elif do != "save":
                coding, new = self._edited(self._history.now, message)
                self._history.push(coding)
            self._revision += 1
            self._save()
            return new

    def close(self) -> None:
        """Let others code."""
        self.table.close()
        for opened in self._videos.values():
            opened.close()

    def _edited(self, coding: Coding, message: Mapping[str, Any]) -> tuple[Coding, int | None]:
        video, number = message.get("video"), message.get("number")
        fields = message.get("event", {})
        if not isinstance(video, str) or not isinstance(fields, dict):
            raise ConfigError("an edit names its video and its fields")
        do = message.get("do")
        if do == "subject":
            self.open(video)
            if not coding.of(video):
                raise ConfigError("a person's name is kept with the events; add an event first")
            subject = message.get("subject")
            if not isinstance(subject, str):
                raise ConfigError("a person's name is a text")
            return renamed(coding, video, subject), None
        count = self.open(video).video.count
        if do == "add":
            return added(coding, video, fields, count=count)
        if not isinstance(number, int):
            raise ConfigError("an edit names its event by number")
        if do == "change":
            return changed(coding, video, number, fields, count=count), None
        if do == "delete":
            return deleted(coding, video, number), None
        raise ConfigError("there is no such edit")

    def _save(self) -> None:
        try:
            self.table.write(self._history.now)
        except MaceError as error:
            self._unsaved = str(error)
        else:
            self._unsaved = ""

    def _read(self) -> Coding:
        coding = self.table.read()
        return Coding(coding.events, {**self._people, **coding.subjects})

    def _rate(self, path: str) -> float:
        """Frames per second of a video: as asked, as the table says, or else as the file does."""
        if path not in self._rates:
            recording = self._recordings[path]
            stated = self._fps or self.table.rates.get(path)
            if not stated and recording.pictures:
                stated = FOLDER_FPS
            self._rates[path] = stated or VideoReader(recording.video).fps
        return self._rates[path]

    def _frames(self, path: str) -> SeekableVideo | PictureFolder:
        recording = self._recordings[path]
        if recording.pictures:
            return PictureFolder(recording.video, fps=self._rate(path))
        return SeekableVideo(recording.video, fps=self._fps)

    def _numbers_of(self, path: str) -> tuple[int, ...] | None:
        """How the table numbers the pictures of a folder: as their names do; None of a video.

        Raises:
            DataError: if no number in the names counts them.
        """
        recording = self._recordings.get(path)
        if recording is None or not recording.pictures:
            return None
        if path not in self._numbers:
            numbers = PictureFolder(recording.video, fps=FOLDER_FPS).numbers
            if numbers is None:
                raise DataError(
                    f"{recording.video}: no single number in the names counts the pictures, so "
                    "that a table cannot name one; rename them, such as img00001.jpg"
                )
            self._numbers[path] = numbers
        return self._numbers[path]


def _uneven(times: Float[np.ndarray, " t"], fps: float) -> list[float] | None:
    """Times of frames in s where the frames do not come evenly; else None."""
    even = np.arange(len(times)) / fps if fps else times
    return None if np.abs(times - even).max() < 0.5 / max(fps, 1) else times.round(5).tolist()


def event_json(event: CodedEvent) -> dict[str, Any]:
    """Return an event as pages have it."""
    fields = asdict(event)
    del fields["more"]
    return fields
