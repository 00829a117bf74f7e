"""Streams, which can be lost and are opened anew, read by OpenCV: of an address, or a camera."""

import math
import os
import re
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import cv2
import numpy as np

from mace.errors import DataError
from mace.live.config import SourceConfig
from mace.live.sources.frame import Frame, Source, SourceLost

# Keeps FFmpeg off standard error; it reads this when OpenCV first uses it.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

ADDRESS = re.compile(r"(rtsps?|https?|udp|tcp)://", re.IGNORECASE)
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


class Stream(Source):
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


class NetworkStream(Stream):
    """The video at an address (rtsp://, http://, https://), as it arrives.

    `Frame.captured` is the time of arrival: what the sender and the network take is not seen.
    """

    def __init__(
        self, address: str, config: SourceConfig | None = None, *, opener: Opener = open_with_opencv
    ):
        self._address = address
        self._config = config or SourceConfig()
        self._opener = opener
        self._stated = 0.0
        # A password in the address must reach neither screen nor recording.
        super().__init__(re.sub(r"//[^/]*@", "//", address), self._connect)
        self.fps = self._config.fps or self._stated

    def _connect(self) -> Grabber:
        parameters = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(self._config.open_timeout_s * 1000),
            cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(self._config.read_timeout_s * 1000),
            # Decoding several frames at once holds every frame back by as many.
            cv2.CAP_PROP_N_THREADS, 1,
        ]  # fmt: skip
        reader = self._opener(self._address, cv2.CAP_FFMPEG, parameters)
        if not reader.isOpened():
            reader.release()
            raise DataError(
                f"there is no video at {self.name}; check the address, and that its sender runs"
            )
        stated = reader.get(cv2.CAP_PROP_FPS)
        self._stated = stated if math.isfinite(stated) and 0 < stated <= 1000 else 0.0
        return reader


@contextmanager
def quiet() -> Iterator[None]:
    """Silence OpenCV's own warnings within: what is wrong is said in one sentence instead."""
    before = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(before)
