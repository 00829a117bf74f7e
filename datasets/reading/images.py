"""Frames from files and videos, grey; what is cut off or damaged is refused, not patched."""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from mace.errors import DataError
from mace.pictures.reading import Pixels, read_picture, significant_bits, to_8_bits


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

    Returns:
        The frames by number, as far as they exist, and how many frames were passed in all; decoding
        stops after `last`.

    Raises:
        DataError: for a file that is no video.
    """
    capture = cv2.VideoCapture(str(path))
    frames: dict[int, np.ndarray] = {}
    count = 0
    try:
        # Frames are counted one by one: seeking is exact in hardly any format.
        while count < last and capture.grab():
            count += 1
            if count >= first:
                done, image = capture.retrieve()
                if not done:
                    break
                frames[count] = (
                    image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
                )
    except cv2.error as error:
        raise DataError(f"{path.name} cannot be decoded from frame {count + 1} on") from error
    finally:
        capture.release()
    if not count:
        raise DataError(f"{path.name} is no video that can be decoded")
    return frames, count
