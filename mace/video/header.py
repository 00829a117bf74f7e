"""What a container says of its video before it is read: times, rate, length, shape of pixels."""

import re
from collections import deque
from fractions import Fraction
from statistics import median

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.format import Flags
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mace.video.pictures import Deinterlacer

# PyAV's own word for a codec that it does not know is ValueError.
UNDECODABLE = (FFmpegError, ValueError)
# Packets from which the rate is measured.
_MEASURED = 120
# Part of a stated length that is the whole; writers round, and forget the last frame's own length.
_ENOUGH = 0.95
_DURATION = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")


def look(container: InputContainer, stream: VideoStream) -> tuple[VideoFrame | None, list[float]]:
    """Return the first whole frame, and the first time stamps in order."""
    first: VideoFrame | None = None
    fields = Deinterlacer()
    stamps: deque[float] = deque()
    try:
        for packet in container.demux(stream):
            if packet.size == 0 and packet.dts is not None:
                continue
            stamp = packet.pts if packet.pts is not None else packet.dts
            if stamp is not None and not packet.is_discard:
                stamps.append(float(stamp * packet.time_base))
            if first is None:
                first = _first_of(packet, fields)
            elif len(stamps) >= _MEASURED:
                break
    except FFmpegError:
        pass
    if first is None:
        first = next(iter(fields.flush()), None)
    return first, sorted(stamps)


def _first_of(packet: Packet, fields: Deinterlacer) -> VideoFrame | None:
    try:
        frames = [frame for frame in packet.decode() if not frame.is_corrupt]
    except UNDECODABLE:
        return None
    return next((whole for frame in frames for whole in fields.push(frame)), None)


def measured_rate(stated: float, stamps: list[float]) -> float:
    """Return the stated frames per second unless the time stamps say something else."""
    steps = [float(step) for step in np.diff(stamps) if step > 0]
    if not steps:
        return stated
    if stated and 0.5 < stated * median(steps) < 2:
        return stated
    return len(steps) / (stamps[-1] - stamps[0])


def other_videos(container: InputContainer, stream: VideoStream) -> str:
    """Return what to say of the videos beside `stream`; "" if there is none but a cover."""
    others = [
        other
        for other in container.streams.video
        if other.index != stream.index and not other.disposition & Disposition.attached_pic
    ]
    if not others:
        return ""
    sizes = ", ".join(f"{other.width}x{other.height} px" for other in others)
    return (
        f"it holds {len(others) + 1} videos; that of {stream.width}x{stream.height} px (stream "
        f"{stream.index}) is read, not the other{'s' * (len(others) > 1)} ({sizes})"
    )


def families(container: InputContainer) -> set[str]:
    """Return FFmpeg's names of the formats that a container may be, such as mov and mp4."""
    return set(container.format.name.split(","))


def is_untimed(container: InputContainer) -> bool:
    """Return whether a format keeps no times, as a stream of JPEGs or a raw codec does."""
    name = container.format.name
    raw = container.format.flags & Flags.no_timestamps.value
    return bool(raw) or name.endswith("_pipe") or name == "image2"


def pixel_aspect(stream: VideoStream) -> Fraction | None:
    """Return the width of a pixel over its height; None where nobody says."""
    aspect = stream.sample_aspect_ratio
    return Fraction(aspect.numerator, aspect.denominator) if aspect else None


def stated_count(container: InputContainer, stream: VideoStream, fps: float) -> int:
    """Return how many frames there should be, an estimate; 0 where nobody says."""
    seconds = 0.0
    if stream.duration is not None and stream.duration > 0:
        seconds = float(stream.duration * stream.time_base)
    elif container.duration is not None and container.duration > 0:
        seconds = container.duration / av.time_base
    by_time = round(seconds * fps)
    counts = [number for number in (stream.frames, by_time) if number > 0]
    return min(counts, default=0)


def stated_end(container: InputContainer, stream: VideoStream) -> float:
    """Return when the last frame should be over at the earliest, in s; 0 where nobody says.

    Of the formats that are read on somewhere behind damage, as if nothing were missing.
    """
    if not {"matroska", "mp4", "flv"} & families(container):
        return 0.0
    seconds = 0.0
    if tag := _DURATION.fullmatch(stream.metadata.get("DURATION", "")):
        hours, minutes, rest = tag.groups()
        seconds = 3600 * int(hours) + 60 * int(minutes) + float(rest)
    elif len(container.streams) == 1 and container.duration:
        seconds = container.duration / av.time_base  # of the longest track, sound as well
    start = float(stream.start_time * stream.time_base) if stream.start_time else 0.0
    return _ENOUGH * (seconds - start)
