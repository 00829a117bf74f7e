"""Writes a video whose frames keep their times, to be played again or looked at."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from jaxtyping import UInt8

from mace.pictures.jpeg import encode_jpeg

# Of frames as JPEG; lower ones smear what a micro-expression moves.
_QUALITY = 95
# A file that is never closed, as of a process that is killed, plays up to its last such piece, µs.
_PIECE_US = "250000"
_FLAGS = "+hybrid_fragmented"
# Time stamps are in units of 1/this s. MPEG-4 Part 2 has no more than 16 bits for it, and this one
# holds all usual rates exactly.
_UNITS = {"mjpeg": 1_000_000, "mpeg4": 60_000}
# Of MPEG-4; what is drawn stays sharp.
_QUALITIES = {"qmin": "3", "qmax": "3"}
_PLAYED_FPS = 30  # what a player makes of a file before it has looked at its times


class VideoWriter:
    """A video file of pictures with their times; use `close` at the end.

    Args:
        path: .mov for `mjpeg`, .mp4 for `mpeg4`.
        codec: `mjpeg`: every picture for itself, so that nothing of one is smeared into the next,
            and one that is a JPEG already is kept bit for bit. `mpeg4`: a tenth of the size.
        size: width and height of the pictures in px.

    Raises:
        OSError: if it cannot be written; so do the methods.
    """

    def __init__(
        self, path: Path, *, codec: Literal["mjpeg", "mpeg4"], size: tuple[int, int]
    ) -> None:
        self._base = Fraction(1, _UNITS[codec])
        self._last = -1
        self._codec = codec
        with _as_os_error():
            self._container = av.open(
                f"file:{os.fspath(path)}",
                "w",
                options={
                    "movflags": _FLAGS,
                    "frag_duration": _PIECE_US,
                    "video_track_timescale": str(self._base.denominator),
                },
            )
            self._stream = self._make_stream(size)

    def write(self, picture: UInt8[np.ndarray, "h w 3"] | bytes, time: float) -> None:
        """Append a picture (blue, green, red; or a JPEG, for `mjpeg`) shown from `time` s on."""
        # Two frames of a file never share a time.
        self._last = stamp = max(round(time / self._base), self._last + 1)
        with _as_os_error():
            if self._codec == "mjpeg":
                self._container.mux(self._jpeg_packet(picture, stamp))
            else:
                assert isinstance(picture, np.ndarray)
                frame = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="bgr24")
                frame.pts, frame.time_base = stamp, self._base
                self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Write what is held back, and the index."""
        with _as_os_error():
            try:
                if self._codec == "mpeg4" and self._last >= 0:
                    self._container.mux(self._stream.encode(None))
            finally:
                self._container.close()

    def _make_stream(self, size: tuple[int, int]) -> VideoStream:
        width, height = size
        if self._codec == "mjpeg":
            stream = self._container.add_mux_stream("mjpeg", width=width, height=height)
            assert isinstance(stream, VideoStream)
            stream.time_base = self._base
            return stream
        stream = self._container.add_stream("mpeg4", rate=_PLAYED_FPS, options=_QUALITIES)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = self._base
        return stream

    def _jpeg_packet(self, picture: np.ndarray | bytes, stamp: int) -> Packet:
        if isinstance(picture, np.ndarray):
            picture = encode_jpeg(picture, _QUALITY)
        packet = Packet(picture)
        packet.stream, packet.time_base = self._stream, self._base
        packet.pts = packet.dts = stamp
        packet.is_keyframe = True
        return packet


@contextmanager
def _as_os_error() -> Iterator[None]:
    try:
        yield
    except FFmpegError as error:
        raise OSError(error.errno, error.strerror or str(error)) from error
