"""A frame, what every source of frames offers, and what goes wrong, or right again, meanwhile."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
from jaxtyping import UInt8

from mace.errors import DataError
from mace.live.config import LEAST_FPS, MOST_FPS
from mace.pictures.jpeg import decode_jpeg

if TYPE_CHECKING:  # the live step needs no reader of videos
    from mace.video.reader import RemarkKind

type IncidentKind = (
    RemarkKind | Literal["ended", "stalled", "frozen", "resized", "unplugged", "back", "slow"]
)

type Report = Callable[[IncidentKind, str], None]


@dataclass(frozen=True)
class Incident:
    """Something a person who watches should know, at `time` s since the first frame."""

    time: float
    kind: IncidentKind
    sentence: str

    def __str__(self) -> str:
        return f"{self.time:.1f} s: {self.sentence}"


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a source.

    Attributes:
        index: position in the source, from 0, in frames.
        time: seconds since the first frame, by the source's own clock.
        image: what is looked at: blue, green, red; or gray, where the source gives no more or it
            will do.
        captured: `time.monotonic()` at capture, s; 0 where frames are read as fast as possible.
        jpeg: the frame as it was sent, where `image` is its luminance alone, a third faster to
            decode.
    """

    index: int
    time: float
    image: UInt8[np.ndarray, "h w 3"] | UInt8[np.ndarray, "h w"]
    captured: float = 0.0
    jpeg: bytes | UInt8[np.ndarray, " n"] | None = None

    def colour(self) -> UInt8[np.ndarray, "h w 3"]:
        """Return blue, green and red, to be shown or kept."""
        if self.jpeg is not None:
            image = decode_jpeg(self.jpeg, cv2.IMREAD_COLOR)
            assert image is not None  # its luminance could be decoded
            return image
        if self.image.ndim == 3:
            return self.image
        return np.asarray(cv2.cvtColor(self.image, cv2.COLOR_GRAY2BGR), np.uint8)


class SourceLost(DataError):
    """A camera or stream that gives nothing more for now; `frames` may be called again."""


class Source(ABC):
    """Anything that yields frames; it stays quiet until `report` is set.

    Attributes:
        name: for people.
        fps: frames per second; 0 where nobody says, and the times of the frames alone count.
        size: width and height of the first frame in px.
        count: number of frames the source says it has; 0 where that is not known.
        live: whether frames come at their own pace, so that a late reader must miss some.
        report: called with what a source can mend or pass over by itself.
        remedy: what to do where frames come more slowly than stated, if anybody can.
    """

    name: str
    fps: float
    size: tuple[int, int]
    count: int
    live: bool = False
    remedy: str = ""

    def __init__(self) -> None:
        self.report: Report = lambda kind, sentence: None
        self._closed = threading.Event()

    @abstractmethod
    def frames(self) -> Generator[Frame, None, None]:
        """Yield every frame once, in order.

        Raises:
            SourceLost: by a live source that may come back; call `frames` again for more.
            DataError: for anything that cannot be read.
        """

    def close(self) -> None:
        """Let `frames` end soon; may be called from any thread and more than once."""
        self._closed.set()


def stated_rate(asked: float | None, stated: float, name: str) -> float:
    """Return the asked frames per second, else the stated ones.

    Raises:
        DataError: for a rate that no recording has.
    """
    rate = stated if asked is None else asked
    if not 0 < rate <= MOST_FPS:
        raise DataError(f"{name} states {rate:g} frames per second; say the true rate with --fps")
    return rate


def few_frames(name: str, fps: float) -> tuple[str, ...]:
    """Return what to say of a source of so many frames per second (0: unknown); often nothing."""
    if not 0 < fps < LEAST_FPS:
        return ()
    return (
        f"{name} has {fps:.3g} frames per second: a movement that rises within 0.1 s has fewer "
        "than three of them, and may be missed; record at 100 or more, at 30 at least",
    )
