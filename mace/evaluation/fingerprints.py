"""What tells whether two pictures are the same, or nearly: a digest and a perceptual hash.

The hash is the signs of the horizontal differences of a small version of the picture (dHash: N.
Krawetz, "Kind of Like That", 2013), 16 x 16 bits for each channel: 64 bits, as usual, do not tell
corrected faces apart, whose eyes all lie in one place.
"""

import hashlib

import cv2
import numpy as np
from jaxtyping import Float, Shaped

SIDE = 16

NEAR = 0.06
"""Part of the bits up to which two pictures are near-duplicates."""


def digest(image: Shaped[np.ndarray, "..."]) -> str:
    """Return 16 hexadecimal digits that name the content of an array."""
    hasher = hashlib.sha256(f"{image.dtype}{image.shape}".encode())
    hasher.update(np.ascontiguousarray(image).tobytes())
    return hasher.hexdigest()[:16]


def perceptual_hash(image: Shaped[np.ndarray, "h w *c"]) -> str:
    """Return the hash of a picture as hexadecimal digits; empty for one without any structure.

    Rows of a table and other arrays of less than half of `SIDE` are no pictures and have none.
    """
    if min(image.shape[:2]) < SIDE // 2:
        return ""
    layers = image.astype(np.float32).reshape(*image.shape[:2], -1)
    bits = [_signs(layers[..., i]) for i in range(layers.shape[-1])]
    structured = [signs for signs in bits if signs is not None]
    # A picture without structure, such as the flow of a still face, is like every other one.
    return (
        np.packbits(np.concatenate(structured)).tobytes().hex()
        if len(structured) == len(bits)
        else ""
    )


def _signs(layer: Float[np.ndarray, "h w"]) -> np.ndarray | None:
    small = cv2.resize(layer, (SIDE + 1, SIDE), interpolation=cv2.INTER_AREA)
    difference = np.diff(small, axis=1)
    if not np.isfinite(difference).all() or np.abs(difference).max() < 1e-6:
        return None
    return (difference > 0).ravel()
