"""Images as they arrive, to the one form that face analysis knows."""

import cv2
import numpy as np
from jaxtyping import UInt8

from mace.errors import DataError


def to_gray(image: object) -> UInt8[np.ndarray, "h w"]:
    """Return `image` as a contiguous grey image.

    Args:
        image: uint8, grey (h, w) or (h, w, 1), BGR (h, w, 3) or BGRA (h, w, 4). A contiguous grey
            image is returned itself, not a copy.

    Raises:
        DataError: for anything else, such as the None of a frame that could not be decoded.
    """
    if not isinstance(image, np.ndarray):
        raise DataError(f"expected an image array, got {type(image).__name__}: cannot be decoded?")
    if image.dtype != np.uint8:
        raise DataError(f"expected an image of 8-bit values (uint8), got {image.dtype}")
    if image.size == 0 or image.ndim not in (2, 3):
        raise DataError(f"expected an image (height, width, channels), got the shape {image.shape}")
    if image.ndim == 2:
        return np.ascontiguousarray(image)
    match image.shape[2]:
        case 1:
            return np.ascontiguousarray(image[:, :, 0])
        case 3:
            return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
        case 4:
            return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGRA2GRAY))
        case channels:
            raise DataError(f"expected an image of 1, 3 or 4 channels, got {channels}")
