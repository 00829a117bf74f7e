"""Looking for faces in whole frames: at once, or in the background while frames go on."""

import threading
from typing import Protocol

import numpy as np
from jaxtyping import UInt8

from mace.face import Detection, FaceDetector


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
    """Looks in a thread of its own; the answer is about a frame some milliseconds old.

    dlib lets other threads run meanwhile. Frames that come while it looks are not kept.
    """

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector
        self._changed = threading.Condition()
        self._frame: np.ndarray | None = None
        self._found: list[Detection] | None = None
        self._error: BaseException | None = None
        self._busy = self._closed = False
        self._thread = threading.Thread(target=self._work, name="mace-lookout")
        self._thread.start()

    def look(self, gray: UInt8[np.ndarray, "h w"]) -> list[Detection] | None:
        """Return what was found since the last call, if anything was looked at, and go on.

        Args:
            gray: the frame to look at next; it must not be written to any more.
        """
        with self._changed:
            if self._error is not None:
                raise self._error
            found, self._found = self._found, None
            if found is None and not self._busy:
                self._frame, self._busy = gray, True
                self._changed.notify()
            return found

    def close(self) -> None:
        """Stop looking, and wait for the thread: one inside dlib must not outlive Python."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._frame is not None)
                frame, self._frame = self._frame, None
                if self._closed or frame is None:
                    return
            try:
                found = self._detector.detect(frame)
            except BaseException as error:
                with self._changed:
                    self._error, self._busy = error, False
                return
            with self._changed:
                self._found, self._busy = found, False
