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
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self

import cv2
import numpy as np
from jaxtyping import UInt8

from mace.errors import OutputError
from mace.files import write_json
from mace.live.config import SLOW_FPS
from mace.live.results import Result, frame_columns, frame_row, unseen
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
        self._folder, self._session = folder, session
        self._classes, self._units = tuple(classes), tuple(units)
        partial = f".{folder.name}.partial-{os.getpid()}"
        names = itertools.chain([partial], (f"{partial}-{n}" for n in itertools.count(2)))
        # A process of the same number may have left one when it was killed.
        self._partial = next(
            path for path in map(folder.with_name, names) if not os.path.lexists(path)
        )
        self._frames, self._last = 0, -1  # how many were written, and which was the last
        self._times: tuple[float, float] | None = None  # of the first and the last, source's clock
        self._written: list[Event] = []
        self._video: VideoWriter | None = None
        self._files = contextlib.ExitStack()
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise OutputError(f"{folder} exists already; choose another folder with --out")
        refuse_written(folder)
        try:
            with self._writing():
                self._partial.mkdir(parents=True)
                enter = self._files.enter_context
                self._csv = enter(
                    (self._partial / FRAMES_CSV).open("w", encoding="utf-8", newline="")
                )
                lock(self._csv.fileno())  # by which others know that we are at work
                self._rows = csv.writer(self._csv)
                self._columns = frame_columns(self._classes)
                self._rows.writerow(self._columns)
                self._jsonl = enter((self._partial / FRAMES_JSONL).open("wb"))
                self._events = enter(EventsLog(self._partial / EVENTS_JSONL))
                self._write_session(complete=False)
                if pictures == "own":
                    self._video = VideoWriter(self._partial / PLAIN_VIDEO, codec="mjpeg", size=size)
                elif pictures == "annotated":
                    self._video = VideoWriter(self._partial / VIDEO, codec="mpeg4", size=size)
            if self._video is not None:
                self._files.callback(self._video.close)
        except OutputError:
            self._files.close()
            shutil.rmtree(self._partial, ignore_errors=True)
            raise

    def write_result(
        self,
        result: Result,
        image: UInt8[np.ndarray, "h w 3"] | bytes | None,
        *,
        flush: bool = True,
    ) -> None:
        """Append what a frame gave: a row and a line for everybody in it, its events, its picture.

        A source that changes the size of its frames goes on in that of the first ones. Times count
        from the first frame written, so that the video has those of the tables when it is read. Of
        a frame that comes once more only the events are new.

        Args:
            result: of the frame.
            image: its picture, where there is a video; also as JPEG, which must have its size.
            flush: hand all lines so far to the system, so that they survive the process.
        """
        frame = result.frame
        begun = frame.time if self._times is None else self._times[0]
        with self._writing():
            self._write_events(result.events, begun)
            if frame.index == self._last:
                return
            faces = result.faces or (unseen(frame, self._classes),)
            for face in faces:
                record = (replace(face, time=face.time - begun) if begun else face).to_dict()
                self._rows.writerow(frame_row(record, self._columns))
                self._jsonl.write(_line(record))
            if flush:
                self._csv.flush()
                self._jsonl.flush()
            if self._video is not None and image is not None:
                if not isinstance(image, bytes) and image.shape[1::-1] != self.size:
                    image = np.asarray(cv2.resize(image, self.size), np.uint8)
                self._video.write(image, frame.time - begun)
        self._frames, self._last, self._times = self._frames + 1, frame.index, (begun, frame.time)

    def note(self, name: str, value: Any) -> None:
        """Add a fact to the sidecar, which is written again at the end."""
        self._session[name] = value

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # Somebody who stops a long video wants what was done so far.
        if kind is not None and not issubclass(kind, KeyboardInterrupt):
            self._give_up()
            return
        try:
            with self._writing():
                self._close()
                self._write_session(complete=kind is None)
                self._put_in_place()
        except OutputError:
            self._give_up()
            raise

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Say in a sentence what cannot be written within."""
        try:
            yield
        except OSError as error:
            rest = "; what was recorded until then is kept there" if self._keep else ""
            raise OutputError(
                f"cannot write to {self._folder}: {error.strerror or error}{rest}; free some space "
                "and run again"
            ) from error

    def _write_events(self, events: Sequence[Event], begun: float) -> None:
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

    def _write_session(self, *, complete: bool) -> None:
        session = {**self._session, "frames": self._frames, "complete": complete}
        first, last = self._times or (0.0, 0.0)
        if last > first:
            rate = (self._frames - 1) / (last - first)
            session |= {"rate": round(rate, 3), "slow": rate < SLOW_FPS}
        write_json(self._partial / SESSION, session)

    def _close(self) -> None:
        # On a full disk a file that still has something to write fails, and the others close.
        with self._files:
            # By onset, so not before all are known; until then `events.jsonl` has them.
            write_table(self._partial / EVENTS_CSV, self._written, self._classes, self._units)

    def _put_in_place(self) -> None:
        if self._folder.is_dir():
            self._folder.rmdir()  # it was empty, or __init__ had refused
        os.replace(self._partial, self._folder)

    def _give_up(self) -> None:
        """Leave what cannot be had again, and nothing else."""
        with contextlib.suppress(OSError):
            self._close()
        if self._keep:
            with contextlib.suppress(OSError):
                self._put_in_place()
        else:
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
