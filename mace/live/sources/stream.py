"""What cameras and network streams share: OpenCV's reader, opened anew when it gives nothing."""

import threading
import time
from collections.abc import Callable, Generator, Sequence
from typing import Protocol

import cv2
import numpy as np

from mace.errors import DataError
from mace.live.sources.frame import Frame, SourceBase, SourceLost
from mace.live.sources.quiet import quiet

UNREADABLE_IN_A_ROW = 30


class Grabber(Protocol):
    """The part of `cv2.VideoCapture` that is used."""

    def isOpened(self) -> bool: ...  # noqa: D102
    def grab(self) -> bool: ...  # noqa: D102
    def retrieve(self) -> tuple[bool, np.ndarray]: ...  # noqa: D102
    def get(self, prop: int, /) -> float: ...  # noqa: D102
    def set(self, prop: int, value: float, /) -> bool: ...  # noqa: D102
    def release(self) -> None: ...  # noqa: D102


type Opener = Callable[[int | str, int, Sequence[int]], Grabber]
"""Opens a device or address with a backend and its parameters, as `cv2.VideoCapture` does."""


class Stream(SourceBase):
    """Frames of a reader that can be lost and opened anew."""

    live = True
    count = 0

    def __init__(self, name: str, open_reader: Callable[[], Grabber]):
        super().__init__()
        self.name = name
        self._open_reader = open_reader
        self._lock = threading.Lock()
        self._waiting: Grabber | None = self._first(self._open())[0]

    def frames(self) -> Generator[Frame, None, None]:
        """Yield frames until closed, each with the time at which it was taken.

        Raises:
            SourceLost: when nothing comes any more; call again to open the source anew.
        """
        with self._lock:
            reader, self._waiting = self._waiting, None
        if self._closed.is_set():
            return
        if reader is not None:
            reader.grab()  # as old as the opening of the source, which may be seconds
        reader, frame = self._first(reader or self._open())
        start, index, bad = frame.captured, 0, 0
        try:
            while not self._closed.is_set():
                yield frame
                while not (image := self._read(reader)):
                    bad += 1
                    self.report("unreadable", f"{self.name} gave a frame that cannot be read")
                    if bad >= UNREADABLE_IN_A_ROW:
                        raise SourceLost(f"{self.name} gives no frame that can be read")
                bad, index = 0, index + 1
                captured, pixels = image
                frame = Frame(index, captured - start, pixels, captured)
        finally:
            reader.release()

    def close(self) -> None:
        """Let `frames` end soon; may be called from any thread and more than once."""
        super().close()
        with self._lock:  # a reader in use belongs to the thread that reads
            ready, self._waiting = self._waiting, None
        if ready is not None:
            ready.release()

    def _stamp(self, reader: Grabber) -> float:
        del reader
        return time.monotonic()

    def _open(self) -> Grabber:
        if self._closed.is_set():
            raise SourceLost(f"{self.name} is closed; open it anew")
        try:
            with quiet():
                return self._open_reader()
        except DataError as error:
            raise SourceLost(str(error)) from error

    def _first(self, reader: Grabber) -> tuple[Grabber, Frame]:
        try:
            image = self._read(reader)
            if image is None:
                raise SourceLost(f"{self.name} opens, but its first frame cannot be read")
        except BaseException:
            reader.release()
            raise
        captured, pixels = image
        self.size = (pixels.shape[1], pixels.shape[0])
        return reader, Frame(0, 0.0, pixels, captured)

    def _read(self, reader: Grabber) -> tuple[float, np.ndarray] | None:
        """Return one frame with its time; None for a damaged one."""
        try:
            grabbed = reader.grab()
            captured = self._stamp(reader)  # before decoding, which is no part of the capture
            good, image = reader.retrieve() if grabbed else (False, None)
        except cv2.error:
            return None
        if not grabbed:
            raise SourceLost(f"{self.name} gives no frames any more")
        return (captured, image) if good and image is not None else None


def open_with_opencv(what: int | str, backend: int, parameters: Sequence[int]) -> Grabber:
    """Open a device or address with OpenCV."""
    return cv2.VideoCapture(what, backend, list(parameters))
