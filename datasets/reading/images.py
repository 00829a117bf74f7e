"""Frames from files and videos, grey; what is cut off or damaged is refused, not patched."""

from contextlib import closing
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from mace.errors import DataError
from mace.video import VideoReader

# How a whole file of a format begins and ends; decoders fill what is missing with grey.
_ENDS = ((b"\xff\xd8", b"\xff\xd9"), (b"\x89PNG", b"IEND"))


def read_frame(path: Path) -> UInt8[np.ndarray, "h w"]:
    """Decode one image file as grey.

    Raises:
        DataError: for a file that cannot be read, is cut off, or is no image.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path.name} cannot be read ({error.strerror or error})") from error
    for start, end in _ENDS:
        # A thumbnail within the file ends early; some programs append a few bytes of their own.
        if content.startswith(start) and content.rfind(end) < len(content) // 2:
            raise DataError(f"{path.name} is cut off; copy it again")
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error:
        image = None
    if image is None:
        raise DataError(f"{path.name} is no image that can be decoded")
    return np.asarray(image, np.uint8)


def read_video(path: Path, first: int, last: int) -> tuple[dict[int, np.ndarray], int]:
    """Decode the frames `first` to `last` of a video as grey; the video's first frame is 1.

    Interlaced frames are made whole, non-square pixels square, as in `mace live`.

    Returns:
        The frames by number, as far as they exist, and how many frames were passed in all; decoding
        stops after `last`.

    Raises:
        DataError: for a file that is no video, or in which a frame up to `last` cannot be decoded,
            so that those after it have no sure number.
    """
    try:
        reader = VideoReader(path)
    except DataError as error:
        raise DataError(f"{path.name} is no video that can be decoded") from error
    frames: dict[int, np.ndarray] = {}
    count = 0
    # Frames are counted one by one: seeking is exact in hardly any format.
    with closing(reader.pictures()) as pictures:
        for count, picture in enumerate(islice(pictures, last), start=1):
            if reader.unreadable:
                raise DataError(f"{path.name} cannot be decoded at frame {count}; copy it again")
            if count >= first:
                image = cv2.cvtColor(picture.image, cv2.COLOR_BGR2GRAY)
                frames[count] = np.asarray(image, np.uint8)
    if reader.unreadable and count < last:
        raise DataError(f"{path.name} cannot be decoded beyond frame {count}; copy it again")
    return frames, count
