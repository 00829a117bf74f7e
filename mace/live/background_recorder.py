"""Recording of a live session, in a thread of its own: the disk never holds the loop up."""

import threading
from collections import deque
from typing import Self

import numpy as np
from jaxtyping import UInt8

from mace.errors import MaceError
from mace.live.recorder import Recorder
from mace.live.results import Result
from mace.live.sources.frame import Frame

# Frames that may wait for the disk; the pictures of later ones are left out, a second at 200 fps.
_MOST_WAITING = 200
# Time between two visits to the disk, in s: what a process that is killed loses at most. To wake
# this thread for every frame would cost the others more than the writing.
_VISIT_S = 0.025
# Frames whose lines are handed to the system at once: fewer than its buffer holds, so that a
# process that is killed leaves whole lines.
_AT_ONCE = 8


class BackgroundRecorder:
    """A consumer of results that hands them to a `Recorder`; use it as a context manager.

    Every result gets its lines and its picture as it was taken, nothing drawn on it. A disk that
    is too slow costs pictures: the one before is written in their place and `missed` counts them.

    Args:
        recorder: what writes; it is opened and closed with this.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._waiting: deque[tuple[Result, bool]] = deque()  # its ends may be used by two threads
        self._closed = threading.Event()
        self._paused = False
        self._error: MaceError | None = None
        self._shown: UInt8[np.ndarray, "h w 3"] | bytes | None = None  # the last picture
        self._thread = threading.Thread(target=self._work, name="mace-recording", daemon=True)
        self.missed = 0

    def __call__(self, result: Result) -> None:
        """Take a result; does not wait.

        Raises:
            OutputError: if writing has failed, which ends the session.
        """
        if self._error is not None:
            raise self._error
        if self._paused:
            return
        pictured = len(self._waiting) < _MOST_WAITING
        self.missed += self._recorder.pictured and not pictured
        self._waiting.append((result, pictured))

    def record(self, on: bool) -> str:
        """Go on recording, or pause; return what to tell the person who asked."""
        self._paused = not on
        return "recording" if on else "recording is paused"

    def __enter__(self) -> Self:
        self._recorder.__enter__()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._closed.set()
        self._thread.join()
        if self._error is not None and kind is None:
            self._recorder.__exit__(type(self._error), self._error, None)
            raise self._error
        self._recorder.note("pictures_missed", self.missed)
        self._recorder.__exit__(kind)

    def _work(self) -> None:
        try:
            closed = False
            while not closed:
                closed = self._closed.wait(_VISIT_S)
                self._visit()
        except MaceError as error:
            self._error = error
            self._waiting.clear()

    def _visit(self) -> None:
        """Write whatever waits."""
        number = 0
        while self._waiting:
            result, pictured = self._waiting.popleft()
            if self._recorder.pictured and (self._shown is None or pictured):
                self._shown = self._picture(result.frame)
            number += 1
            flush = not self._waiting or number % _AT_ONCE == 0
            self._recorder.write_result(result, self._shown, flush=flush)

    def _picture(self, frame: Frame) -> UInt8[np.ndarray, "h w 3"] | bytes:
        if frame.jpeg is not None and frame.image.shape[1::-1] == self._recorder.size:
            return bytes(frame.jpeg)
        return frame.colour()
