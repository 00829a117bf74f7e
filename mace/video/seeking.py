"""A video's frames by their number, in any order: to be stepped through by a person."""

import os
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from jaxtyping import UInt8

from mace.video.header import UNDECODABLE, families
from mace.video.pictures import Deinterlacer, picture_of
from mace.video.reader import VideoReader

# Going on is cheaper than seeking up to so many frames ahead.
_AHEAD = 48
# Decoded frames that are kept, whatever their size, and how many of them at least.
_CACHE_BYTES, _CACHE_LEAST = 384_000_000, 24

type Image = UInt8[np.ndarray, "h w 3"]


class _Index(NamedTuple):
    """Where the frames lie in the file.

    Attributes:
        stamps: of all frames in order of showing, in the stream's units.
        keys: numbers of the frames at which decoding may begin, ascending.
        unit: of the stamps, in s.
    """

    stamps: tuple[int, ...]
    keys: tuple[int, ...]
    unit: float


class SeekableVideo:
    """A video whose frames are numbered as `VideoReader` numbers them, and given in any order.

    Decoding begins at the last frame before the asked one that stands for itself; what was decoded
    last is kept, so that steps back and forth are free. A file whose packets do not say when their
    frames are shown (raw streams, AVI with frames out of order, a clock that leaps) is read from
    its beginning for every long step back. Any thread may ask.

    Args:
        path: any container and codec that FFmpeg knows.
        fps: frames per second in place of the file's own times.

    Attributes:
        size: width and height in px, upright and with square pixels.
        fps: frames per second.
        times: of the frames, s since the first one.
        seeks: whether a frame is reached without reading the file from its beginning.

    Raises:
        DataError: for what is no video, or has no frame that can be decoded.
    """

    def __init__(self, path: Path, *, fps: float | None = None) -> None:
        self._reader = VideoReader(path, fps=fps)
        self._index = _index(path)
        self.seeks = self._index is not None
        self.size, self.fps = self._reader.size, self._reader.fps
        if self._index is None:
            times = [(picture.number, picture.time) for picture in self._reader.pictures()]
            numbers, known = zip(*times, strict=True)
            self.times = np.interp(np.arange(numbers[-1] + 1), numbers, known)
        elif fps is None:
            stamps = np.array(self._index.stamps, np.float64)
            self.times = (stamps - stamps[0]) * self._index.unit
        else:
            self.times = np.arange(len(self._index.stamps)) / fps
        self._cache: OrderedDict[int, Image] = OrderedDict()
        self._bytes = 0
        self._frames: Generator[tuple[int, Image], None, None] | None = None
        self._next = 0
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        """How many frames there are, those that cannot be decoded included."""
        return len(self.times)

    def nearest(self, time: float) -> int:
        """Return the number of the frame, from 0, whose time is nearest to `time` s."""
        return int(np.abs(self.times - time).argmin())

    def image(self, number: int) -> Image | None:
        """Return a frame as blue, green, red; None for one that cannot be decoded.

        Raises:
            IndexError: for a number, from 0, that the video does not have.
        """
        if not 0 <= number < self.count:
            raise IndexError(f"{self._reader.name} has no frame {number}")
        with self._lock:
            if (image := self._cache.get(number)) is not None:
                self._cache.move_to_end(number)
                return image
            return self._decoded(number)

    def close(self) -> None:
        """Close the file and forget its frames."""
        with self._lock:
            self._stop()
            self._cache.clear()
            self._bytes = 0

    def _decoded(self, number: int) -> Image | None:
        start = self._start(number)
        if self._frames is None or not self._goes_on(number, start):
            self._begin(start)
        image, first = self._read_to(number)
        if image is None and start and first is not None and first > number:
            # Without an index of its own the file was entered too late.
            self._begin(0)
            image, _ = self._read_to(number)
        return image

    def _begin(self, start: int) -> None:
        self._stop()
        self._next, self._frames = start, self._from(start)

    def _read_to(self, number: int) -> tuple[Image | None, int | None]:
        """Decode up to a frame; it, if it can be decoded, and the first one on the way."""
        first = None
        for reached, image in self._frames or ():
            first = reached if first is None else first
            self._next = reached + 1
            self._keep(reached, image)
            if reached >= number:
                return (image if reached == number else None), first
        self._stop()
        return None, first

    def _start(self, number: int) -> int:
        """Number of the frame at which decoding begins for another one."""
        if self._index is None:
            return 0
        place = bisect_right(self._index.keys, number)
        return self._index.keys[place - 1] if place else 0

    def _goes_on(self, number: int, start: int) -> bool:
        return self._next <= number and (start <= self._next or number - self._next <= _AHEAD)

    def _keep(self, number: int, image: Image) -> None:
        if number in self._cache:
            return
        self._cache[number] = image
        self._bytes += image.nbytes
        while self._bytes > _CACHE_BYTES and len(self._cache) > _CACHE_LEAST:
            _, oldest = self._cache.popitem(last=False)
            self._bytes -= oldest.nbytes

    def _stop(self) -> None:
        if self._frames is not None:
            self._frames.close()
            self._frames = None

    def _from(self, start: int) -> Generator[tuple[int, Image], None, None]:
        """Yield numbers and pictures from a frame on at which decoding may begin."""
        if self._index is None:
            for picture in self._reader.pictures():
                yield picture.number, picture.image
            return
        numbers = {stamp: number for number, stamp in enumerate(self._index.stamps)}
        reformatter = VideoReformatter()
        with av.open(f"file:{os.fspath(self._reader.path)}", "r") as container:
            stream = container.streams.best("video")
            assert isinstance(stream, VideoStream)  # as it was when the reader looked
            stream.thread_type = "AUTO"
            if start:
                container.seek(self._index.stamps[start], stream=stream, backward=True)
            for frame in _whole_frames(container.demux(stream)):
                number = numbers.get(self._stamp(frame), -1)
                # What is shown before the frame that decoding begun with lacks its own.
                if number >= start:
                    image = picture_of(
                        frame, reformatter, aspect=self._reader.aspect, bits=self._reader.bits
                    )
                    yield number, image

    def _stamp(self, frame: VideoFrame) -> int:
        """When a frame is shown, in the index's units: deinterlacing has units of its own."""
        if frame.pts is None or self._index is None:
            return -1
        return round(frame.pts * float(frame.time_base) / self._index.unit)


def _whole_frames(packets: Iterable[Packet]) -> Iterator[VideoFrame]:
    fields = Deinterlacer()
    for packet in packets:
        try:
            decoded = packet.decode()
        except UNDECODABLE:
            continue
        for frame in decoded:
            if isinstance(frame, VideoFrame) and not frame.is_corrupt:
                yield from fields.push(frame)
    yield from fields.flush()


def _index(path: Path) -> _Index | None:
    """Read where the frames lie, without decoding; None where the file does not say."""
    stamps: list[int] = []
    keys: list[int] = []
    last = None
    try:
        with av.open(f"file:{os.fspath(path)}", "r") as container:
            stream = container.streams.best("video")
            if not isinstance(stream, VideoStream) or not stream.time_base:
                return None
            if "avi" in families(container) and stream.codec_context.has_b_frames:
                return None
            for packet in container.demux(stream):
                if packet.size == 0 or packet.is_discard:
                    continue
                stamp = packet.pts
                disordered = last is not None and packet.dts is not None and packet.dts < last
                if stamp is None or disordered:
                    return None
                last = packet.dts if packet.dts is not None else last
                stamps.append(stamp)
                if packet.is_keyframe:
                    keys.append(stamp)
            unit = float(stream.time_base)
    except FFmpegError:
        return None
    ordered = sorted(stamps)
    if not ordered or len(set(ordered)) < len(ordered):
        return None
    numbers = {stamp: number for number, stamp in enumerate(ordered)}
    return _Index(tuple(ordered), tuple(sorted(numbers[key] for key in keys)), unit)
