"""Reads a video file with PyAV (FFmpeg): every frame once, in order, with its own time."""

import heapq
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.format import Flags
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from jaxtyping import UInt8

from mace.errors import DataError
from mace.video.clock import Clock
from mace.video.ending import breaks_off
from mace.video.header import (
    UNDECODABLE,
    families,
    is_untimed,
    look,
    measured_rate,
    other_videos,
    pixel_aspect,
    stated_count,
    stated_end,
)
from mace.video.pictures import Deinterlacer, brightest, is_deep, picture_of

type RemarkKind = Literal["assumed", "unreadable", "gap", "resized", "cut", "streams"]

_USUAL_FPS = 25.0
_HIGHEST_FPS = 100_000
# Formats that draw text or single pictures as if they were frames.
_NO_VIDEOS = frozenset({"tty", "bin", "ansi", "lrc"})


@dataclass(frozen=True)
class Remark:
    """What a reader of the results should know about a file.

    Attributes:
        kind: `assumed`: a time that the file does not state; `unreadable`: frames that are left
            out; `gap`: stretches without a frame; `resized`: pictures of another size than the
            first; `cut`: the file ends early; `streams`: it holds other videos as well.
        sentence: the same for people, in one sentence.
    """

    kind: RemarkKind
    sentence: str


@dataclass(frozen=True, eq=False)
class Picture:
    """One frame of a file.

    Attributes:
        number: its position in the file, from 0, in frames; those that are left out count.
        time: in s since the first frame, by the file's own time stamps.
        image: blue, green, red; upright, with square pixels.
    """

    number: int
    time: float
    image: UInt8[np.ndarray, "h w 3"]


class VideoReader:
    """A video file, looked into when it is made and read by `pictures`.

    Args:
        path: any container and codec that FFmpeg knows.
        fps: frames per second in place of the file's own times.

    Attributes:
        name: the path as a text.
        size: width and height in px, upright and with square pixels.
        fps: frames per second: the asked ones, the stated ones, or else those of the first time
            stamps; 0 where there is a single frame.
        count: how many frames there should be; an estimate, 0 where nobody knows.
        aspect: width of a pixel over its height before it is made square; None where nobody says.
        bits: that deep samples fill, in the whole recording.
        unreadable: frames that could not be decoded so far and were left out.
        remarks: what to know about the file; complete once `pictures` has ended.

    Raises:
        DataError: for what is no video, or has no frame that can be decoded.
    """

    def __init__(self, path: Path, *, fps: float | None = None) -> None:
        self.path, self.name = path, str(path)
        self.unreadable = 0
        self.remarks: list[Remark] = []
        self._in_turn: list[float] | None = None  # stamps of packets whose frame is still to come
        with self._opened() as (container, stream):
            stream.codec_context.thread_count = 1
            if others := other_videos(container, stream):
                self._remark("streams", others)
            first, stamps = look(container, stream)
            if first is None:
                raise DataError(_no_video(self.name))
            self.aspect = pixel_aspect(stream)
            self._timed = not is_untimed(container)
            self._leaps = bool(container.format.flags & Flags.ts_discont.value)
            self.fps = self._rate(stream, stamps, fps)
            self.count = stated_count(container, stream, self.fps)
            self._stated_end = stated_end(container, stream)
        self._fixed = fps is not None or not self._timed
        self.bits = self._filled_bits() if is_deep(first) else 16
        image = picture_of(first, VideoReformatter(), aspect=self.aspect, bits=self.bits)
        self.size = (image.shape[1], image.shape[0])
        self._known = tuple(self.remarks)

    def pictures(self) -> Generator[Picture, None, None]:
        """Yield the frames in order of showing.

        Frames that cannot be decoded are left out and counted; a file that is cut off ends where
        it is cut; `remarks` says both.
        """
        self.unreadable, self.remarks = 0, list(self._known)
        clock = Clock(self.fps, fixed=self._fixed, leaps=self._leaps)
        reformatter = VideoReformatter()
        read = 0
        resized = ""
        for frame in self._frames():
            number = read + self.unreadable
            time = clock(number, self._stamp(frame), _length(frame))
            image = picture_of(frame, reformatter, aspect=self.aspect, bits=self.bits)
            height, width = image.shape[:2]
            if not resized and (width, height) != self.size:
                resized = f"from {time:.2f} s on its pictures are {width}x{height} px"
            yield Picture(number, time, image)
            read += 1
        if resized:
            before = f"before {self.size[0]}x{self.size[1]}"
            self._remark("resized", f"{resized}, {before}; what is found there may differ")
        self._remark_on(clock, read)

    def _frames(self) -> Iterator[VideoFrame]:
        """Yield whole frames that could be decoded, in order of showing."""
        fields = Deinterlacer()
        self._broken = False
        with self._opened() as (container, stream):
            stream.thread_type = "AUTO"
            # Its packets have one stamp, of decoding, which the frames come back with in disorder.
            self._in_turn = [] if "avi" in families(container) else None
            for packet in self._packets(container, stream):
                for frame in self._decoded(packet):
                    yield from fields.push(frame)
            yield from fields.flush()

    def _packets(self, container: InputContainer, stream: VideoStream) -> Iterator[Packet]:
        last: Packet | None = None
        read = 0
        try:
            for packet in container.demux(stream):
                # Nothing where a frame should be stands for the frame before it.
                if packet.size == 0 and packet.dts is not None:
                    continue
                read += packet.size > 0
                if self._in_turn is not None and packet.dts is not None:
                    heapq.heappush(self._in_turn, float(packet.dts * packet.time_base))
                last = packet if packet.size else last
                yield packet
        except FFmpegError:
            self._broken = True
        if last is not None and last.is_corrupt:
            self._broken = True
        # Of these families the index lists every frame.
        if {"mp4", "avi"} & families(container):
            self._broken |= read < sum(entry.size > 0 for entry in stream.index_entries)

    def _decoded(self, packet: Packet) -> Iterator[VideoFrame]:
        try:
            frames = packet.decode()
        except UNDECODABLE:
            self.unreadable += 1
            stamp = None if packet.dts is None else float(packet.dts * packet.time_base)
            # A damaged frame before it may have taken its stamp already.
            if self._in_turn and stamp in self._in_turn:
                self._in_turn.remove(stamp)
                heapq.heapify(self._in_turn)
            return
        for frame in frames:
            # Half of such a frame is that of the one before it: a movement that nobody made.
            if frame.is_corrupt:
                self.unreadable += 1
                self._stamp(frame)
            else:
                yield frame

    def _stamp(self, frame: VideoFrame) -> float | None:
        """Return when a frame is shown by the container, in s; the frames are asked in order."""
        if self._in_turn is not None:
            return heapq.heappop(self._in_turn) if self._in_turn else None
        return None if frame.pts is None else frame.pts * float(frame.time_base)

    @contextmanager
    def _opened(self) -> Iterator[tuple[InputContainer, VideoStream]]:
        try:
            # The protocol is named, lest a colon in the file's name be taken for one.
            container = av.open(f"file:{os.fspath(self.path)}", "r")
        except FFmpegError as error:
            raise DataError(_no_video(self.name)) from error
        with container:
            stream = container.streams.best("video")
            if (
                not isinstance(stream, VideoStream)
                or stream.codec_context is None
                or container.format.name in _NO_VIDEOS
            ):
                raise DataError(_no_video(self.name))
            yield container, stream

    def _rate(self, stream: VideoStream, stamps: list[float], asked: float | None) -> float:
        rate = asked
        if rate is None and not self._timed:
            # The codec may state what its container cannot.
            rate = float(stream.codec_context.framerate or 0)
            if not rate:
                rate = float(stream.average_rate or _USUAL_FPS)
                self.remarks.append(
                    Remark(
                        "assumed",
                        f"{self.name} says neither when its frames were taken nor how many a "
                        f"second; {rate:g} were assumed: say the true rate with --fps",
                    )
                )
        elif rate is None:
            rate = measured_rate(float(stream.average_rate or 0), stamps)
            if rate == 0:
                return 0.0
        if not 0 < rate <= _HIGHEST_FPS:
            whose = "--fps asks for" if asked is not None else f"{self.name} states"
            raise DataError(f"{whose} {rate:g} frames per second; say the true rate with --fps")
        return rate

    def _filled_bits(self) -> int:
        """Return how many of 16 bits are filled in the whole recording, which has one scale."""
        most = 0
        for frame in self._frames():
            most = max(most, brightest(frame) if is_deep(frame) else 0)
            if most >= 1 << 14:
                return 16
        self.unreadable = 0
        return next(bits for bits in (8, 10, 12, 14) if most < 1 << bits)

    def _remark_on(self, clock: Clock, read: int) -> None:
        if self.unreadable:
            of = f"{self.unreadable} of {read + self.unreadable}"
            self._remark("unreadable", f"{of} frames cannot be decoded and are left out")
        if clock.unstamped:
            self._remark(
                "assumed",
                f"{clock.unstamped} of {read} frames have no time and were taken to come "
                f"{self.fps:g} a second",
            )
        if clock.disordered:
            self._remark(
                "assumed",
                f"{clock.disordered} of {read} frames have a time before that of the frame shown "
                "before them; their times may be wrong by some frames",
            )
        if clock.leapt:
            self._remark(
                "assumed",
                f"its clock is set anew after {clock.leapt[0]:.2f} s"
                + (f" and {len(clock.leapt) - 1} times more" if len(clock.leapt) > 1 else "")
                + "; the frames were taken to follow each other",
            )
        if gaps := clock.gaps():
            start, longest = max(gaps, key=lambda gap: gap[1])
            more = f", and in {len(gaps) - 1} other places" if len(gaps) > 1 else ""
            self._remark(
                "gap",
                f"there is no frame for {longest:.2f} s after {start:.2f} s{more}; "
                "what happens there is not seen",
            )
        if self._broken or clock.end < self._stated_end or breaks_off(self.path):
            of = f" of {self.count}" if self.count > read else ""
            self._remark(
                "cut",
                f"it is cut off: {read}{of} frames can be read; copy it again to have the rest",
            )

    def _remark(self, kind: RemarkKind, what: str) -> None:
        self.remarks.append(Remark(kind, f"{self.name}: {what}"))


def _length(frame: VideoFrame) -> float:
    return max(frame.duration or 0, 0) * float(frame.time_base)


def _no_video(name: str) -> str:
    return (
        f"{name} cannot be read as a video: it is no video, it is cut off before its index, or its "
        "codec is unknown; convert it (to MJPEG, say) and try again"
    )
