"""Looking for faces in whole frames: at once, or in the background while frames go on."""

import threading
from typing import Protocol

import numpy as np
from jaxtyping import UInt8

from mace.face.detector import Detection, FaceDetector

# A thread that waits looks up this often whether the program has ended, in s.
_PATIENCE_S = 1.0


class Lookout(Protocol):
    """Where faces are in a whole frame."""

    def look(self, gray: UInt8[np.ndarray, "h w"]) -> list[Detection] | None:
        """Return the faces, the largest and surest first; None while that is not known."""
        ...

    def close(self) -> None:
        """Stop looking."""
        ...


class Prompt:
    """Looks at every frame it is given, which costs 13 ms; every run gives the same answers."""

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector

    def look(self, gray: UInt8[np.ndarray, "h w"]) -> list[Detection] | None:
        """Return the faces of this frame."""
        return self._detector.detect(gray)

    def close(self) -> None:
        """Stop looking."""


class Background:
    """Looks in a thread of its own, from the first call of `look` on.

    dlib lets other threads run meanwhile. Frames that come while it looks are not kept.
    """

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector
        self._changed = threading.Condition()
        self._frame: np.ndarray | None = None
        self._found: list[Detection] | None = None
        self._error: BaseException | None = None
        self._busy = self._closed = False
        self._thread: threading.Thread | None = None

    def look(self, gray: UInt8[np.ndarray, "h w"]) -> list[Detection] | None:
        """Return the faces that were found since the last call and are still there, and go on.

        What was found may be a frame old or a minute, so it is looked for again close by, in this
        frame, at a tenth of the cost. After `close`, nothing is known.

        Args:
            gray: the frame to look at next; it must not be written to any more.

        Raises:
            BaseException: what ended the thread.
        """
        with self._changed:
            if self._error is not None:
                raise self._error
            if self._closed:
                return None
            found, self._found = self._found, None
            if found is None and not self._busy:
                self._frame, self._busy = gray, True
                self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="mace-lookout")
                self._thread.start()
        if found is None:
            return None
        here = [self._detector.near(gray, one.centre, one.width) for one in found]
        return [one for one in here if one is not None]

    def close(self) -> None:
        """Stop looking, and wait for the thread: one inside dlib must not outlive Python."""
        with self._changed:
            self._closed, self._frame = True, None
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while (frame := self._next()) is not None:
            try:
                found = self._detector.detect(frame)
            except BaseException as error:
                with self._changed:
                    self._error, self._busy = error, False
                return
            del frame  # the next may be a minute away
            with self._changed:
                self._found, self._busy = found, False

    def _next(self) -> UInt8[np.ndarray, "h w"] | None:
        """Wait for a frame; None is the end, also where nobody closed what Python's end closes."""
        with self._changed:
            while not self._closed and self._frame is None:
                self._changed.wait(_PATIENCE_S)
                if not threading.main_thread().is_alive():
                    return None
            frame, self._frame = self._frame, None
            return None if self._closed else frame
