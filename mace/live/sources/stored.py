"""Recordings: a video file, or pictures from anywhere, such as a list or another reader."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from mace.errors import DataError
from mace.live.sources.frame import Frame, SourceBase, stated_rate
from mace.video.reader import VideoReader


class VideoFile(SourceBase):
    """A video file whose frames have the times that it gives them.

    `fps` counts them by so many a second instead.
    """

    def __init__(self, path: Path, *, fps: float | None = None):
        super().__init__()
        self._reader = VideoReader(path, fps=fps)
        self.name, self.size = self._reader.name, self._reader.size
        self.fps, self.count = self._reader.fps, self._reader.count

    def frames(self) -> Generator[Frame, None, None]:
        """Yield the frames in order; what is wrong with the file is reported at the end."""
        with closing(self._reader.pictures()) as pictures:
            for picture in pictures:
                if self._closed.is_set():
                    return
                yield Frame(picture.number, picture.time, picture.image)
        for remark in self._reader.remarks:
            self.report(remark.kind, remark.sentence)


class IterableSource(SourceBase):
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
        self._first: Iterator[Any] | None = chain([first], rest)
        self._again = pictures if isinstance(pictures, Sequence | np.ndarray) else ()

    def frames(self) -> Generator[Frame, None, None]:
        """Yield the pictures in order, uncopied; once, if they are no sequence."""
        begun, last = 0.0, -np.inf
        items, self._first = self._first or self._again, None
        for index, item in enumerate(items):
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
