"""What a session leaves behind: a video, frames and events as CSV and JSONL, and a sidecar.

Everything is written to a hidden folder beside the target, which takes the target's name when the
session closes well. One that fails leaves nothing if it can be had again; what a camera saw cannot,
so that is kept as far as it was written. Of a session that is killed the hidden folder stays, with
every line up to the last flush. `mace review` reads them all.
"""

import contextlib
import csv
import glob
import itertools
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import cv2
import numpy as np
from jaxtyping import UInt8

from mace.errors import OutputError
from mace.files import write_text
from mace.live.config import SLOW_FPS
from mace.live.results import FaceResult, Result, frame_columns, frame_row, unseen
from mace.locks import lock
from mace.spotting.events import Event
from mace.spotting.records import EVENTS_CSV, EVENTS_JSONL, EventsLog, write_table
from mace.video.writer import VideoWriter

FRAMES_CSV = "frames.csv"
FRAMES_JSONL = "frames.jsonl"
SESSION = "session.json"
VIDEO = "annotated.mp4"
PLAIN_VIDEO = "video.mov"

type Pictures = Literal["annotated", "own", "none"]
"""`annotated`: what was drawn, MPEG-4. `own`: the source's frames, MJPEG, so that nothing of one
frame is smeared into the next and the video can be played to `mace live` again; those that came as
JPEG are kept bit for bit."""


class Recorder:
    """Writes one session; use it as a context manager, and call `write_result` once a frame.

    Args:
        folder: the target; it must not exist, or be empty.
        classes: names of the probabilities' columns.
        units: action units that the network names in events, FACS numbers.
        size: width and height of the video in px.
        session: the sidecar: model, configuration, source, notice.
        pictures: what the video shows.
        keep: whether a session that fails leaves what was written until then.

    Attributes:
        pictured: whether there is a video, so that `write_result` wants pictures.
        size: width and height of the video in px.

    Raises:
        OutputError: if the folder is taken or cannot be written to.
    """

    def __init__(
        self,
        folder: Path,
        *,
        classes: Sequence[str],
        units: Sequence[str] = (),
        size: tuple[int, int],
        session: dict[str, Any],
        pictures: Pictures = "annotated",
        keep: bool = False,
    ):
        self.pictured, self.size, self._keep = pictures != "none", size, keep
        self._folder = folder
        partial = f".{folder.name}.partial-{os.getpid()}"
        names = itertools.chain([partial], (f"{partial}-{n}" for n in itertools.count(2)))
        # A process of the same number may have left one when it was killed.
        self._partial = next(
            path for path in map(folder.with_name, names) if not os.path.lexists(path)
        )
        self._classes, self._units = tuple(classes), tuple(units)
        self._session = session
        self._frames = 0
        self._times: tuple[float, float] | None = None  # of the first frame and the last, s
        self._begun: float | None = None  # on the source's clock, s
        self._written: list[Event] = []
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise OutputError(f"{folder} exists already; choose another folder with --out")
        refuse_written(folder)
        try:
            self._partial.mkdir(parents=True)
        except OSError as error:
            raise OutputError(f"cannot write to {folder}: {error.strerror or error}") from error
        try:
            self._csv = (self._partial / FRAMES_CSV).open("w", encoding="utf-8", newline="")
            lock(self._csv.fileno())  # by which others know that we are at work
            self._jsonl = (self._partial / FRAMES_JSONL).open("wb")
            self._events = EventsLog(self._partial / EVENTS_JSONL)
            self._write_session(complete=False)
        except OSError as error:
            shutil.rmtree(self._partial, ignore_errors=True)
            raise OutputError(f"cannot write to {folder}: {error.strerror or error}") from error
        self._rows = csv.writer(self._csv)
        self._rows.writerow(frame_columns(self._classes))
        try:
            self._video: VideoWriter | None = None
            if pictures == "own":
                self._video = VideoWriter(self._partial / PLAIN_VIDEO, codec="mjpeg", size=size)
            elif pictures == "annotated":
                self._video = VideoWriter(self._partial / VIDEO, codec="mpeg4", size=size)
        except OSError as error:
            self._discard()
            raise self._unwritable(error) from error

    def write_result(
        self,
        result: Result,
        image: UInt8[np.ndarray, "h w 3"] | bytes | None,
        *,
        flush: bool = True,
    ) -> None:
        """Append what a frame gave: a row and a line for everybody in it, its events, its picture.

        A source that changes the size of its frames goes on in that of the first ones. Times count
        from the first frame written, so that the video has those of the tables when it is read.

        Args:
            result: of the frame.
            image: its picture, where there is a video; also as JPEG, which must have its size.
            flush: hand all lines so far to the system, so that they survive the process.
        """
        faces = result.faces or (unseen(result.frame, self._classes),)
        if self._begun is None:
            self._begun = result.frame.time
        if self._begun:
            faces = tuple(replace(face, time=face.time - self._begun) for face in faces)
        self._write_lines(faces, flush=flush)
        self.write_events(result.events)
        if self._video is not None and image is not None:
            if not isinstance(image, bytes) and image.shape[1::-1] != self.size:
                image = np.asarray(cv2.resize(image, self.size), np.uint8)
            try:
                self._video.write(image, result.frame.time - self._begun)
            except OSError as error:
                raise self._unwritable(error) from error
        self._frames += 1

    def write_events(self, events: Sequence[Event]) -> None:
        """Append events that belong to no frame any more."""
        begun = self._begun or 0.0
        moved = [
            replace(
                event,
                onset=event.onset - begun,
                apex=event.apex - begun,
                offset=event.offset - begun,
                faces=None,  # or a long session would keep them all in memory
            )
            for event in events
        ]
        self._events.write(moved)
        self._written += moved

    def note(self, name: str, value: Any) -> None:
        """Add a fact to the sidecar, which is written again at the end."""
        self._session[name] = value

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Somebody who stops a long video wants what was done so far.
        if kind is None or issubclass(kind, KeyboardInterrupt):
            self._finish(complete=kind is None)
        else:
            self._give_up()

    def _write_lines(self, faces: Sequence[FaceResult], *, flush: bool) -> None:
        try:
            for face in faces:
                self._times = (face.time if self._times is None else self._times[0], face.time)
                record = face.to_dict()
                self._rows.writerow(frame_row(record, self._classes))
                self._jsonl.write(_line(record))
            if flush:
                self._csv.flush()
                self._jsonl.flush()
        except OSError as error:
            raise self._unwritable(error) from error

    def _finish(self, *, complete: bool) -> None:
        try:
            self._close()
            self._write_session(complete=complete)
            self._put_in_place()
        except OSError as error:
            self._give_up()
            raise self._unwritable(error) from error
        except OutputError:
            self._give_up()
            raise

    def _unwritable(self, error: OSError) -> OutputError:
        rest = "; what was recorded until then is kept there" if self._keep else ""
        return OutputError(
            f"cannot write to {self._folder}: {error.strerror or error}{rest}; free some space and "
            "run again"
        )

    def _close(self) -> None:
        # On a full disk a file that still has something to write fails, and the others close.
        with contextlib.ExitStack() as stack:
            for part in (self._video, self._events, self._jsonl, self._csv):
                if part is not None:
                    stack.callback(part.close)
            # By onset, so not before all are known; until then `events.jsonl` has them.
            write_table(self._partial / EVENTS_CSV, self._written, self._classes, self._units)

    def _put_in_place(self) -> None:
        if self._folder.is_dir():
            self._folder.rmdir()  # it was empty, or __init__ had refused
        os.replace(self._partial, self._folder)

    def _give_up(self) -> None:
        if not self._keep:
            self._discard()
            return
        with contextlib.suppress(OSError):
            self._close()
        with contextlib.suppress(OSError):
            self._put_in_place()

    def _write_session(self, *, complete: bool) -> None:
        session = {**self._session, "frames": self._frames, "complete": complete}
        first, last = self._times or (0.0, 0.0)
        if last > first:
            rate = (self._frames - 1) / (last - first)
            session |= {"rate": round(rate, 3), "slow": rate < SLOW_FPS}
        text = json.dumps(session, indent=2, ensure_ascii=False) + "\n"
        write_text(self._partial / SESSION, text)

    def _discard(self) -> None:
        with contextlib.suppress(OSError):
            self._close()
        shutil.rmtree(self._partial, ignore_errors=True)


def being_written(folder: Path) -> Path | None:
    """Return the partial folder of a process that writes `folder` now, None if there is none."""
    for partial in sorted(folder.parent.glob(f".{glob.escape(folder.name)}.partial-*")):
        with contextlib.suppress(OSError), (partial / FRAMES_CSV).open("rb") as file:
            try:
                lock(file.fileno(), wait=False)
            except BlockingIOError:
                return partial
    return None


def refuse_written(folder: Path) -> None:
    """Raise an OutputError if another process writes `folder` now."""
    if (partial := being_written(folder)) is not None:
        raise OutputError(
            f"another process is writing {folder} (by now in {partial.name}); wait for it, or "
            "choose another folder with --out"
        )


def _line(record: dict[str, Any]) -> bytes:
    import orjson  # absent where the live step alone is wanted, as on a machine that trains

    # In a tenth of the time of `json`, and Python's lock is free for the other stages that long.
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
