"""Frames from files and videos, grey; what is cut off or damaged is refused, not patched."""

from collections.abc import Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from mace.errors import DataError
from mace.pictures.reading import Pixels, read_picture, significant_bits, to_8_bits
from mace.video.reader import VideoReader


def read_frame(path: Path) -> Pixels:
    """Decode one image file as grey, of 8 or 16 bits a sample.

    Raises:
        DataError: for a file that cannot be read, is cut off, or is no image.
    """
    return read_picture(path, grey=True, name=path.name)


def in_8_bits(images: Mapping[int, Pixels]) -> dict[int, UInt8[np.ndarray, "h w"]]:
    """Return the frames of a clip in 8 bits a sample, by one scale for all of them.

    Raises:
        DataError: if some have 8 bits and others 16, so that no scale fits both.
    """
    depths = {image.dtype for image in images.values()}
    if len(depths) > 1:
        raise DataError("some of its frames have 8 bits a sample, others 16")
    bits = significant_bits(images.values())
    return {number: to_8_bits(image, bits) for number, image in images.items()}


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
