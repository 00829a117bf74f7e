"""Pictures from anywhere: a list, a generator, another program's reader."""

from collections.abc import Generator, Iterable, Iterator
from itertools import chain
from typing import Any

import numpy as np

from mace.errors import DataError
from mace.live.sources.frame import Frame, SourceBase, stated_rate


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
        self._items: Iterator[Any] = chain([first], rest)

    def frames(self) -> Generator[Frame, None, None]:
        """Yield the pictures in order, uncopied; once."""
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
