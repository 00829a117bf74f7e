"""Recordings: a file, a folder of pictures, or pictures from anywhere; also played in real time."""

import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from mace.errors import DataError
from mace.live.sources.frame import Frame, Source, stated_rate
from mace.video.folder import PictureFolder
from mace.video.reader import VideoReader

# A reader that is late by more than this is not held up for a moment but too slow for the rate.
LATE_S = 0.5


class StoredVideo(Source):
    """A video file or a folder of pictures, whose frames have the times that it gives them.

    Attributes:
        files: that it lies in.
        numbers: of the frames, as the names of pictures have them; None where nothing does.
    """

    def __init__(self, reader: VideoReader | PictureFolder):
        super().__init__()
        self._reader = reader
        self.name, self.size = reader.name, reader.size
        self.fps, self.count = reader.fps, reader.count
        several = isinstance(reader, PictureFolder)
        self.files: tuple[Path, ...] = reader.files if several else (reader.path,)
        self.numbers: tuple[int, ...] | None = reader.numbers if several else None

    def frames(self) -> Generator[Frame, None, None]:
        """Yield the frames in order; what is wrong with the recording is reported at the end."""
        with closing(self._reader.pictures()) as pictures:
            for picture in pictures:
                if self._closed.is_set():
                    return
                yield Frame(picture.number, picture.time, picture.image)
        for remark in self._reader.remarks:
            self.report(remark.kind, remark.sentence)


class IterableSource(Source):
    """Frames from an iterable of pictures, or of pairs of a time in s and a picture.

    Args:
        pictures: uint8 (h, w, 3) BGR or (h, w) gray; each is asked for when it is looked at.
        fps: frames per second, of pictures without times.
        name: for people.

    Raises:
        DataError: if there is no picture, it is no picture, or nobody says when it was taken.
    """

    def __init__(self, pictures: Iterable[Any], *, fps: float | None, name: str = "pictures"):
        super().__init__()
        self.name = name
        try:
            self.count = len(pictures)  # pyright: ignore[reportArgumentType]
        except TypeError:
            self.count = 0
        rest = iter(pictures)
        try:
            first = next(rest)
        except StopIteration:
            raise DataError(f"{name} holds no images; give at least one") from None
        self._timed = isinstance(first, tuple)
        if not self._timed and fps is None:
            raise DataError(
                f"nobody says when {name} were taken: give fps, the frames per second, or pairs of "
                "a time in s and a picture"
            )
        self.fps = 0.0 if fps is None else stated_rate(fps, fps, name)
        _, image = self._parts(first, 0)
        self.size = (image.shape[1], image.shape[0])
        self._items = chain([first], rest)

    def frames(self) -> Generator[Frame, None, None]:
        """Yield the pictures in order, uncopied, once."""
        begun, last = 0.0, -np.inf
        for index, item in enumerate(self._items):
            if self._closed.is_set():
                return
            time, image = self._parts(item, index)
            begun = time if index == 0 else begun
            if time <= last:
                raise DataError(
                    f"picture {index} of {self.name} is of {time:g} s, the one before it of "
                    f"{last:g} s; times must increase"
                )
            last = time
            yield Frame(index, time - begun, image)

    def _parts(self, item: Any, index: int) -> tuple[float, np.ndarray]:
        time, image = item if self._timed else (index / self.fps, item)
        image = np.asarray(image)
        if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)):
            raise DataError(
                f"picture {index} of {self.name} is {image.dtype} of the shape {image.shape}, "
                "expected uint8 (h, w) or (h, w, 3)"
            )
        return float(time), image


class Paced(Source):
    """Another source's frames, delivered at their own times on the monotonic clock.

    `Frame.captured` is the scheduled time, not the one of delivery, so that whatever delays a
    frame counts as delay. Where reading is slower than the rate the schedule is shifted, which is
    reported: else the delay would grow without bound.
    """

    live = True

    def __init__(
        self,
        source: Source,
        *,
        now: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
    ):
        super().__init__()
        self._source = source
        self._now = now
        self._wait = wait or self._closed.wait
        self.name = source.name
        self.size = source.size
        self.count = source.count
        self.fps = stated_rate(None, source.fps, source.name)

    def frames(self) -> Generator[Frame, None, None]:
        """Yield every frame once its time has come; late ones at once."""
        self._source.report = self.report
        start = None
        for frame in self._source.frames():
            # The clock starts with the first frame in hand: opening is no delay of playing.
            start = self._now() if start is None else start
            ahead = start + frame.time - self._now()
            if ahead > 0:
                self._wait(ahead)
            elif ahead < -LATE_S:
                self.report(
                    "slow",
                    f"{self.name} is read more slowly than its {self.fps:g} frames per second; "
                    f"its clock was set back by {-ahead:.1f} s",
                )
                start -= ahead
            if self._closed.is_set():
                return
            yield replace(frame, captured=start + frame.time)

    def close(self) -> None:
        """Let `frames` end soon; may be called from any thread and more than once."""
        super().close()
        self._source.close()
