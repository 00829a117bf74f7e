"""The images of a folder or of a pattern of names, as the frames of one video."""

import re
from collections.abc import Generator
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from mace.errors import DataError
from mace.live.sources.frame import Frame, SourceBase, stated_rate

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})
FOLDER_FPS = 200.0
_NUMBER = re.compile(r"%(0?)(\d*)d")


class ImageFolder(SourceBase):
    """Images in the order of the last number in their names, whatever the padding.

    `path` is a folder, or the pattern of its images' names: with a number (img%05d.png, as FFmpeg
    writes it) or a wildcard (*.jpg).
    """

    def __init__(self, path: Path, *, fps: float | None = None):
        super().__init__()
        images = [file for file in _named_by(path) if _is_frame(file)]
        if not images:
            raise DataError(f"{path} holds no images named by frame numbers, such as img001.jpg")
        self._images = sorted(images, key=_frame_number)
        self.count = len(self._images)
        self.name = str(path)
        self.fps = stated_rate(fps, FOLDER_FPS, self.name)
        height, width = _read_image(self._images[0]).shape[:2]
        self.size = (width, height)

    def frames(self) -> Generator[Frame, None, None]:
        """Yield the images in order.

        Raises:
            DataError: for an image that cannot be read, or is of another size than the first.
        """
        for index, file in enumerate(self._images):
            if self._closed.is_set():
                return
            image = _read_image(file)
            if image.shape[1::-1] != self.size:
                width, height = self.size
                raise DataError(
                    f"{file} is {image.shape[1]}x{image.shape[0]} px, the frames before it "
                    f"{width}x{height}; a folder must hold the frames of one video"
                )
            yield Frame(index, index / self.fps, image)


def is_pattern(path: Path) -> bool:
    """Return whether the name of `path` stands for the names of several images."""
    return bool(_NUMBER.search(path.name)) or any(sign in path.name for sign in "*?[")


def _named_by(path: Path) -> list[Path]:
    if path.is_dir():
        return list(path.iterdir())
    if not path.parent.is_dir():
        raise DataError(f"there is no folder {path.parent}; check the path")
    if not _NUMBER.search(path.name):
        return list(path.parent.glob(path.name))
    # Literal parts are escaped; what the number stands for has at least the asked digits.
    literal = [re.escape(part) for part in _NUMBER.split(path.name)[::3]]
    digits = [rf"\d{{{width or 1},}}" for _, width in _NUMBER.findall(path.name)]
    whole = "".join(a + b for a, b in zip(literal, [*digits, ""], strict=True))
    return [file for file in path.parent.iterdir() if re.fullmatch(whole, file.name)]


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
