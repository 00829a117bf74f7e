"""One flow image as it lies on disk."""

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

SIZE = 28
"""Side of a picture in px."""

# A picture of 28 x 28 px takes 2.4 kB before compression; what programs write beside it, little.
_MOST_BYTES = 256 * 1024


def read_bytes(path: Path) -> bytes:
    """Return what a file holds, nothing if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""  # reported as unreadable when it is decoded


type Loaded = tuple[UInt8[np.ndarray, "28 28 3"] | None, tuple[str, str]]
"""The picture with u first, or None, the code and the reason why it cannot be used."""


class Pictures:
    """Flow images, each decoded once."""

    def __init__(self) -> None:
        self._known: dict[Path, Loaded] = {}

    def __call__(self, path: Path) -> Loaded:
        """Return a picture."""
        if path not in self._known:
            self._known[path] = _load(path)
        return self._known[path]

    def fits(self, path: Path) -> bool:
        """Whether a file is a picture of the right form."""
        return self(path)[0] is not None


def _load(path: Path) -> Loaded:
    data = np.frombuffer(read_bytes(path), np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if 0 < data.size <= _MOST_BYTES else None
    if data.size > _MOST_BYTES:
        return None, ("image-size", f"{path.name!r} has {data.size} bytes, too many for 28 x 28 px")
    if image is None:
        return None, ("image-unreadable", f"{path.name!r} is damaged or no picture")
    eight = image.dtype == np.uint8 and image.ndim == 3
    if eight and image.shape[2] == 4 and (image[..., 3] == 255).all():
        image = image[..., :3]  # a full alpha channel says nothing
    if not eight or image.shape[2] != 3:
        channels = image.shape[2] if image.ndim == 3 else 1
        reason = f"{path.name!r} is {image.dtype} with {channels} channels, expected uint8 with 3"
        return None, ("image-channels", reason)
    if image.shape[:2] != (SIZE, SIZE):
        height, width = image.shape[:2]
        reason = f"{path.name!r} is {width} x {height} px, expected {SIZE} x {SIZE}"
        return None, ("image-size", reason)
    return np.ascontiguousarray(image[..., ::-1]), ("", "")
