"""The pixels of stored pictures: decoded whole or refused, and brought to 8 bits by one scale."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8, UInt16

from mace.errors import DataError

type Pixels = UInt8[np.ndarray, "h w *c"] | UInt16[np.ndarray, "h w *c"]

# How files of the usual formats begin; one that begins so and cannot be decoded is damaged.
_BEGINNINGS = (b"\xff\xd8", b"\x89PNG", b"BM", b"II*\0", b"MM\0*", b"RIFF", b"\0\0\0\x0cjP")
# Significant bits of cameras' samples.
_BITS = (8, 10, 12, 14, 16)


def read_picture(path: Path, *, grey: bool = False, name: str | None = None) -> Pixels:
    """Decode one picture, of 8 or 16 bits a sample as it is stored, turned as its EXIF says.

    Args:
        path: the file.
        grey: return its luminance, in place of blue, green and red.
        name: what an error calls it, by default `path`.

    Raises:
        DataError: for a file that cannot be read, is cut off or damaged, holds several pictures
            (an animation, pages) or none.
    """
    name = str(path) if name is None else name
    try:
        if path.exists() and not path.is_file():  # a pipe would never end
            raise DataError(f"{name} is no file; move it away")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{name} cannot be read ({error.strerror or error})") from error
    if not content:
        raise DataError(f"{name} is empty (0 bytes); copy it again, or remove it")
    if _may_hold_several(content) and (count := cv2.imcount(str(path))) > 1:
        raise DataError(
            f"{name} holds {count} pictures, as an animation or pages; store one picture a file"
        )
    flag = cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flag | cv2.IMREAD_ANYDEPTH)
    except cv2.error:
        image = None
    if image is None and content.startswith(_BEGINNINGS):
        raise DataError(f"{name} is cut off or damaged; copy it again, or remove it")
    if image is None:
        raise DataError(f"{name} cannot be read as a picture; replace or remove it")
    if image.dtype not in (np.uint8, np.uint16):
        raise DataError(f"{name} has samples of type {image.dtype}; store 8 or 16 bits a sample")
    return image


def _may_hold_several(content: bytes) -> bool:
    """Whether a file is of a form that holds several pictures, as far as its beginning says."""
    if content.startswith(b"\x89PNG"):
        return b"acTL" in content[: content.find(b"IDAT")]
    if content.startswith(b"RIFF"):
        return content[12:16] == b"VP8X" and len(content) > 20 and bool(content[20] & 2)
    return content.startswith((b"GIF8", b"II*\0", b"II+\0", b"MM\0*", b"MM\0+"))


def significant_bits(images: Iterable[Pixels]) -> int:
    """Return how many bits the samples of a recording use: 8, 10, 12, 14 or 16.

    Cameras store 10 or 12 bits in 16, and no format says how many.
    """
    most = max((int(image.max(initial=0)) for image in images), default=0)
    return next(bits for bits in _BITS if most < 1 << bits)


def to_8_bits(image: Pixels, bits: int) -> UInt8[np.ndarray, "h w *c"]:
    """Return a picture in 8 bits a sample, of samples that use `bits`; brighter ones saturate."""
    if image.dtype == np.uint8:
        return np.asarray(image, np.uint8)
    return np.minimum(image >> (bits - 8), 255).astype(np.uint8)
