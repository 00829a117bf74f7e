"""Decoded frames to pictures as they are to be looked at: whole, upright, square, 8 bits."""

from collections.abc import Iterator
from fractions import Fraction

import cv2
import numpy as np
from av.error import BlockingIOError as NotYet
from av.error import EOFError as AtEnd
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from jaxtyping import UInt8

_TURNS = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_CLOCKWISE,
}
# Pixels so nearly square change no measure of a face by more than 1 %; such broad ones are no
# camera's but a mistake in the file.
_SQUARE, _BROADEST = 0.01, 4
_PACKED_16 = {1: "gray16le", 3: "bgr48le"}


class Deinterlacer:
    """Makes whole frames of interlaced ones, each from its own fields and those beside it.

    FFmpeg's bwdif (Bob Weaver, after the BBC's PH-2071 and yadif), one frame out for one in;
    progressive frames of a mixed video pass unchanged. Nothing happens before the first interlaced
    frame.
    """

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._shape: tuple[int, int, str] | None = None

    def push(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """Yield the frames that are ready, in order; at most one is held back."""
        shape = (frame.width, frame.height, frame.format.name)
        if self._graph is not None and shape != self._shape:
            yield from self.flush()
        if self._graph is None:
            if not frame.interlaced_frame:
                yield frame
                return
            self._graph, self._shape = _bwdif(frame), shape
        self._graph.vpush(frame)
        yield from _pulled(self._graph)

    def flush(self) -> Iterator[VideoFrame]:
        """Yield the frame that is held back, at the end."""
        graph, self._graph = self._graph, None
        if graph is not None:
            graph.vpush(None)
            yield from _pulled(graph)


def _bwdif(frame: VideoFrame) -> Graph:
    graph, base = Graph(), frame.time_base
    graph.link_nodes(
        graph.add_buffer(template=frame, time_base=Fraction(base.numerator, base.denominator)),
        graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced"),
        graph.add("buffersink"),
    ).configure()
    return graph


def _pulled(graph: Graph) -> Iterator[VideoFrame]:
    try:
        while True:
            yield graph.vpull()
    except (NotYet, AtEnd):
        return


def is_deep(frame: VideoFrame) -> bool:
    """Say whether samples have 16 bits, of which a camera may have filled fewer."""
    parts = [part.bits for part in frame.format.components]
    plain = frame.format.is_rgb or len(parts) <= 2
    return plain and 16 in parts and "f16" not in frame.format.name


def brightest(frame: VideoFrame) -> int:
    """Return the largest sample of a deep frame."""
    return int(_deep(frame).max())


def _deep(frame: VideoFrame) -> np.ndarray:
    return frame.to_ndarray(format=_PACKED_16[3 if frame.format.is_rgb else 1])


def picture_of(
    frame: VideoFrame, reformatter: VideoReformatter, *, aspect: Fraction | None, bits: int = 16
) -> UInt8[np.ndarray, "h w 3"]:
    """Return blue, green and red of a frame, upright, with square pixels.

    Args:
        frame: progressive.
        reformatter: of these frames alone, by one thread at a time.
        aspect: width of a pixel over its height; None for square.
        bits: that deep samples (`is_deep`) fill, counted from the lowest.
    """
    if bits < 16 and is_deep(frame):
        deep = _deep(frame)
        shown = np.right_shift(deep, bits - 8) if bits > 8 else deep
        image = np.minimum(shown, 255).astype(np.uint8)
        if image.ndim == 2:
            image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    else:
        # FFmpeg's threads cost more here than the conversion of a picture.
        image = reformatter.reformat(frame, format="bgr24", threads=1).to_ndarray()
    height, width = image.shape[:2]
    size = square_size(width, height, aspect)
    if size != (width, height):
        image = cv2.resize(image, size, interpolation=cv2.INTER_LANCZOS4)
    turn = _TURNS.get(frame.rotation % 360)
    return np.asarray(image if turn is None else cv2.rotate(image, turn), np.uint8)


def square_size(width: int, height: int, aspect: Fraction | None) -> tuple[int, int]:
    """Return the size with square pixels; no sample is thrown away for it."""
    ratio = 1.0 if not aspect else float(aspect)
    if not 1 / _BROADEST <= ratio <= _BROADEST or abs(ratio - 1) < _SQUARE:
        return width, height
    if ratio > 1:
        return round(width * ratio), height
    return width, round(height / ratio)
