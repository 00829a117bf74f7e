"""Where frames come from: a video file or a folder of images, frame by frame with their times.

Cameras and network streams are sources of the same shape; they come with the live loop proper.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from jaxtyping import UInt8

from mace.errors import DataError

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})
# Containers round the frame count of a variable-rate stream; one missing in a hundred is no damage.
COUNT_TOLERANCE = 0.01


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a source."""

    index: int
    """Position in the source, from 0, in frames."""
    time: float
    """Seconds since the first frame, by the source's own rate."""
    image: UInt8[np.ndarray, "h w 3"]
    """Blue, green, red."""
    captured: float = 0.0
    """`time.monotonic()` at capture, s; 0 where frames are read as fast as possible."""


class Source(Protocol):
    """Anything that yields frames of one size at a known rate."""

    name: str
    fps: float
    size: tuple[int, int]
    """Width and height in px."""
    count: int
    """Number of frames the source says it has."""

    def frames(self) -> Iterator[Frame]:
        """Yield every frame once, in order."""
        ...


def open_source(path: Path, *, fps: float | None = None) -> Source:
    """Open the video file or image folder at `path`.

    Args:
        path: a video that OpenCV can read, or a folder of images named by their frame numbers.
        fps: frames per second, where the file does not say or says it wrongly (folders: 200).

    Raises:
        DataError: if there is nothing at `path`, it is empty, or it holds no video.
    """
    if not path.exists():
        raise DataError(f"there is no video at {path}; check the path")
    if path.is_dir():
        return ImageFolder(path, fps=fps)
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty (0 bytes); copy or record it again")
    return VideoFile(path, fps=fps)


class VideoFile:
    """A video file, decoded by OpenCV."""

    def __init__(self, path: Path, *, fps: float | None = None):
        capture = cv2.VideoCapture(str(path))
        try:
            readable, first = capture.read() if capture.isOpened() else (False, None)
            if not readable or first is None:
                raise DataError(
                    f"{path} cannot be read as a video: it is no video, it is cut off before "
                    "its index, or its codec is unknown; convert it (to MJPEG, say) and try again"
                )
            stated = capture.get(cv2.CAP_PROP_FPS)
            self.count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        finally:
            capture.release()
        self.name = str(path)
        self.size = (first.shape[1], first.shape[0])
        self.fps = _rate(fps, stated, self.name)
        self._path = path

    def frames(self) -> Iterator[Frame]:
        """Yield the frames in order.

        Raises:
            DataError: after the last readable frame, if the file promised more.
        """
        capture = cv2.VideoCapture(str(self._path))
        read = 0
        try:
            while True:
                good, image = capture.read()
                if not good:
                    break
                yield Frame(read, read / self.fps, image)
                read += 1
        finally:
            capture.release()
        if read < self.count * (1 - COUNT_TOLERANCE) - 1:
            raise DataError(
                f"{self.name} is cut off: {read} of {self.count} frames can be read; copy it "
                "again, or cut it cleanly where it breaks"
            )


class ImageFolder:
    """A folder of images, in the order of the last number in their names, whatever the padding."""

    def __init__(self, path: Path, *, fps: float | None = None):
        images = [file for file in path.iterdir() if _is_frame(file)]
        if not images:
            raise DataError(f"{path} holds no images named by frame numbers, such as img001.jpg")
        self._images = sorted(images, key=_frame_number)
        self.count = len(self._images)
        self.name = str(path)
        self.fps = _rate(fps, 200.0, self.name)
        height, width = _read_image(self._images[0]).shape[:2]
        self.size = (width, height)

    def frames(self) -> Iterator[Frame]:
        """Yield the images in order.

        Raises:
            DataError: for an image that cannot be read, or is of another size than the first.
        """
        for index, file in enumerate(self._images):
            image = _read_image(file)
            if image.shape[1::-1] != self.size:
                width, height = self.size
                raise DataError(
                    f"{file} is {image.shape[1]}x{image.shape[0]} px, the frames before it "
                    f"{width}x{height}; a folder must hold the frames of one video"
                )
            yield Frame(index, index / self.fps, image)


def _is_frame(file: Path) -> bool:
    hidden = file.name.startswith(".")  # .DS_Store, ._img001.jpg of another system's copies
    return (
        file.suffix.lower() in IMAGE_SUFFIXES and not hidden and bool(re.search(r"\d", file.stem))
    )


def _frame_number(file: Path) -> tuple[int, str]:
    return int(re.findall(r"\d+", file.stem)[-1]), file.name


def _read_image(file: Path) -> UInt8[np.ndarray, "h w 3"]:
    image = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if image is None:
        raise DataError(f"{file} cannot be read as an image; replace or remove it")
    return np.asarray(image, np.uint8)


def _rate(asked: float | None, stated: float, name: str) -> float:
    rate = stated if asked is None else asked
    if not 0 < rate <= 100_000:
        raise DataError(f"{name} states {rate:g} frames per second; say the true rate with --fps")
    return rate
