"""What a session leaves behind: annotated video, frames as CSV and JSONL, events, and a sidecar.

Everything is written to a hidden folder beside the target, which takes the target's name when the
session closes well; a session that fails leaves nothing. Of one that is killed the hidden folder
stays, with every line up to then, and `mace review` reads it.
"""

import csv
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
from jaxtyping import UInt8

from mace.errors import OutputError
from mace.live.config import SLOW_FPS
from mace.live.events_log import EVENTS_JSONL, EventsLog
from mace.live.frames_log import csv_header, csv_row, jsonl_record
from mace.live.labelled import LabelledFrame, unseen
from mace.live.results import Result

FRAMES_CSV = "frames.csv"
FRAMES_JSONL = "frames.jsonl"
VIDEO = "annotated.mp4"
PLAIN_VIDEO = "video.avi"
# Of the plain video's JPEG images; lower ones smear what a micro-expression moves.
_QUALITY = 95
SESSION = "session.json"


class Recorder:
    """Writes one session; use it as a context manager, and call `write_result` once a frame.

    Args:
        folder: the target; it must not exist, or be empty.
        classes: names of the probabilities' columns.
        fps: frames per second of the video.
        size: its width and height in px.
        session: the sidecar: model, configuration, source, notice.
        plain: the pictures are the source's own frames (video.avi, MJPEG: nothing of one frame is
            smeared into the next, and it can be played to `mace live` again).

    Raises:
        OutputError: if the folder is taken or cannot be written to.
    """

    def __init__(
        self,
        folder: Path,
        *,
        classes: Sequence[str],
        fps: float,
        size: tuple[int, int],
        session: dict[str, Any],
        plain: bool = False,
    ):
        self._video_name, self._size = PLAIN_VIDEO if plain else VIDEO, size
        self._folder = folder
        self._partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
        self._classes = tuple(classes)
        self._session = session
        self._frames = 0
        self._times: tuple[float, float] | None = None  # of the first frame and the last, s
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise OutputError(f"{folder} exists already; choose another folder with --out")
        try:
            self._partial.mkdir(parents=True)
            # A buffer of one line: what was answered is on the disk, whatever ends the process.
            self._csv = (self._partial / FRAMES_CSV).open("w", 1, encoding="utf-8", newline="")
            self._jsonl = (self._partial / FRAMES_JSONL).open("w", 1, encoding="utf-8")
            self._events = EventsLog(self._partial / EVENTS_JSONL)
            self._write_session(complete=False)
        except OSError as error:
            shutil.rmtree(self._partial, ignore_errors=True)
            raise OutputError(f"cannot write to {folder}: {error.strerror or error}") from error
        self._rows = csv.writer(self._csv)
        self._rows.writerow(csv_header(self._classes))
        self._video = _open_video(self._partial / self._video_name, fps, size, plain=plain)
        if not self._video.isOpened():
            self._discard()
            raise OutputError(f"cannot write a video to {folder}; is the disk full?")

    def write_result(self, result: Result, image: UInt8[np.ndarray, "h w 3"]) -> None:
        """Append what a frame gave: a row and a line for everybody in it, its events, its picture.

        A source that changes the size of its frames goes on in that of the first ones.
        """
        faces = result.faces or (unseen(result.frame, len(self._classes)),)
        self._write_lines(faces)
        self._events.write(result.events)
        if (image.shape[1], image.shape[0]) != self._size:
            image = np.asarray(cv2.resize(image, self._size), np.uint8)
        self._video.write(image)
        self._frames += 1

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
        # Somebody who stops a long video wants what was done so far; a failure leaves nothing.
        if kind is None or issubclass(kind, KeyboardInterrupt):
            self._finish(complete=kind is None)
        else:
            self._discard()

    def _write_lines(self, faces: Sequence[LabelledFrame]) -> None:
        try:
            for face in faces:
                self._times = (face.time if self._times is None else self._times[0], face.time)
                self._rows.writerow(csv_row(face))
                self._jsonl.write(json.dumps(jsonl_record(face, self._classes)) + "\n")
        except OSError as error:
            raise OutputError(f"cannot write to {self._folder}: {error.strerror}") from error

    def _finish(self, *, complete: bool) -> None:
        try:
            self._csv.close()
            self._jsonl.close()
            self._events.close()
            self._video.release()
            self._check_video()
            self._write_session(complete=complete)
            if self._folder.is_dir():
                self._folder.rmdir()  # it was empty, or __init__ had refused
            os.replace(self._partial, self._folder)
        except OSError as error:
            self._discard()
            raise OutputError(
                f"cannot write to {self._folder}: {error.strerror or error}"
            ) from error

    def _write_session(self, *, complete: bool) -> None:
        session = {**self._session, "frames": self._frames, "complete": complete}
        first, last = self._times or (0.0, 0.0)
        if last > first:
            rate = (self._frames - 1) / (last - first)
            session |= {"rate": round(rate, 3), "slow": rate < SLOW_FPS}
        text = json.dumps(session, indent=2, ensure_ascii=False) + "\n"
        (self._partial / SESSION).write_text(text, encoding="utf-8")

    def _check_video(self) -> None:
        # OpenCV's writer reports no error when the disk is full, so the file is asked itself.
        capture = cv2.VideoCapture(str(self._partial / self._video_name))
        written = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
        capture.release()
        if written < self._frames:
            self._discard()
            raise OutputError(
                f"the video in {self._folder} came out with {written} of {self._frames} "
                "frames; the disk is probably full: free some space and run again"
            )

    def _discard(self) -> None:
        self._csv.close()
        self._jsonl.close()
        self._events.close()
        self._video.release()
        shutil.rmtree(self._partial, ignore_errors=True)


def _open_video(path: Path, fps: float, size: tuple[int, int], *, plain: bool) -> cv2.VideoWriter:
    if not plain:
        # MPEG-4 Part 2: the one compressed format OpenCV's wheels can write everywhere.
        return cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, size)
    fourcc = cv2.VideoWriter.fourcc(*"MJPG")
    video = cv2.VideoWriter(str(path), cv2.CAP_OPENCV_MJPEG, fourcc, fps, size)
    video.set(cv2.VIDEOWRITER_PROP_QUALITY, _QUALITY)
    return video
