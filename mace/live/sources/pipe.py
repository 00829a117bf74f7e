"""Standard input: JPEG images one after the other, or raw frames of a stated size."""

import os
import select
import time
from collections.abc import Generator, Iterator
from itertools import chain

import cv2
import numpy as np

from mace.errors import ConfigError, DataError
from mace.live.config import RAW_CHANNELS, SourceConfig
from mace.live.sources.frame import Frame, Source, stated_rate
from mace.pictures.jpeg import JpegSplitter, decode_jpeg

_CHUNK = 1 << 16
_POLL_S = 0.2  # how soon a reader that waits for bytes notices that it was closed
_NO_JPEG_IN = 16 << 20

type _Picture = tuple[np.ndarray, bytes | None]
"""What is looked at, and the JPEG image that it is the luminance of."""


class Pipe(Source):
    """Frames from a pipe, by default standard input.

    With a rate in the settings frames have its times and a sender waits while we are busy, so that
    nothing is lost. Without one, or in real time, frames have the times of their arrival and a
    late reader should miss some (`live`).
    """

    count = 0

    def __init__(self, config: SourceConfig | None = None, *, fd: int = 0):
        super().__init__()
        if os.name == "nt":
            raise ConfigError(
                "standard input cannot be watched on Windows; give a file, a camera or an address"
            )
        self._config = config or SourceConfig()
        self._fd = fd
        self.name = "standard input" if fd == 0 else f"pipe {fd}"
        # The first bytes are read before anybody can have asked for reports.
        self._untold: list[str] = []
        self._deadline: float | None = None
        rate = self._config.fps
        self.live = self._config.realtime or rate is None
        self.fps = 0.0 if rate is None else stated_rate(rate, rate, self.name)
        if self._config.stdin in RAW_CHANNELS:
            self._images = self._raw()
            self.size = (self._config.width or 0, self._config.height or 0)
        else:
            images = self._jpegs()
            first = self._decoded_first(images)
            self._images = chain([first], images)
            height, width = first[0].shape
            self.size = (width, height)

    def frames(self) -> Generator[Frame, None, None]:
        """Yield the frames in order; a second call goes on where the first one stopped.

        Raises:
            DataError: where the pipe ends inside a frame.
        """
        start = None
        for index, picture in enumerate(self._images):
            while self._untold:
                self.report("unreadable", self._untold.pop(0))
            captured = time.monotonic() if self.live else 0.0
            start = captured if start is None else start
            if picture is not None:
                image, jpeg = picture
                moment = captured - start if self.live else index / self.fps
                yield Frame(index, moment, image, captured, jpeg)

    def _raw(self) -> Iterator[_Picture | None]:
        height, width = self._config.height or 0, self._config.width or 0
        channels = RAW_CHANNELS[self._config.stdin]
        shape = (height, width) if channels == 1 else (height, width, channels)
        count = 0
        while True:
            image = np.empty(shape, np.uint8)
            space = memoryview(image).cast("B")
            filled = 0
            while filled < len(space) and self._wait():
                got = os.readv(self._fd, [space[filled:]])
                if got == 0:
                    break
                filled += got
            if filled < len(space):
                if filled and not self._closed.is_set():
                    raise DataError(
                        f"{self.name} ends inside frame {count}, after {filled} of its "
                        f"{len(space)} bytes; check that the sender gives {self._config.stdin} "
                        f"frames of {width}x{height} px"
                    )
                return
            yield image, None
            count += 1

    def _jpegs(self) -> Iterator[_Picture | None]:
        """Yield pictures; None for one that is whole but cannot be decoded."""
        splitter = JpegSplitter()
        count = skipped = 0
        while self._wait():
            data = os.read(self._fd, _CHUNK)
            if not data:
                break
            images = splitter.feed(data)
            if count == 0 and splitter.skipped > _NO_JPEG_IN:
                raise DataError(
                    f"{self.name} holds no JPEG images; say what it holds with source.stdin "
                    "(gray or bgr, with source.width and source.height)"
                )
            # Told once the next image is there: garbage may come in many pieces.
            if images and splitter.skipped > skipped:
                self._tell(
                    f"{self.name}: {splitter.skipped - skipped} bytes near frame {count} belong "
                    "to no whole image and were passed over",
                )
                skipped = splitter.skipped
            for jpeg in images:
                image = decode_jpeg(jpeg, cv2.IMREAD_GRAYSCALE)
                if image is None:
                    self._tell(f"{self.name}: frame {count} cannot be decoded")
                yield None if image is None else (image, jpeg)
                count += 1
        if splitter.pending and not self._closed.is_set():
            raise DataError(
                f"{self.name} ends inside frame {count}, after {splitter.pending} of its bytes; "
                "the sender was cut off"
            )

    def _tell(self, sentence: str) -> None:
        self._untold.append(sentence)

    def _decoded_first(self, images: Iterator[_Picture | None]) -> _Picture:
        self._deadline = time.monotonic() + self._config.open_timeout_s
        first = next((picture for picture in images if picture is not None), None)
        self._deadline = None
        if first is None:
            raise DataError(f"{self.name} holds no JPEG images; check what is sent to it")
        return first

    def _wait(self) -> bool:
        """Wait until bytes or the end can be read; False once the source is closed."""
        while not self._closed.is_set():
            if select.select([self._fd], [], [], _POLL_S)[0]:
                return True
            if self._deadline is not None and time.monotonic() > self._deadline:
                raise DataError(
                    f"nothing came on {self.name} within {self._config.open_timeout_s:g} s; "
                    "start its sender first"
                )
        return False
