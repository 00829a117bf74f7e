"""RTSP and HTTP streams, read by OpenCV's FFmpeg."""

import math
import re

import cv2

from mace.errors import DataError
from mace.live.sources.config import SourceConfig
from mace.live.sources.stream import Grabber, Opener, Stream, open_with_opencv

ADDRESS = re.compile(r"(rtsps?|https?|udp|tcp)://", re.IGNORECASE)


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
