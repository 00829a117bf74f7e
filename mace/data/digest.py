"""A name for content: SHA-256 over bytes and arrays."""

import hashlib

import numpy as np


def digest(*parts: bytes | np.ndarray) -> str:
    """Return 64 hexadecimal digits; an array counts with its type and shape."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            total.update(f"{part.dtype}{part.shape}".encode())
            part = np.ascontiguousarray(part).data
        total.update(part)
    return total.hexdigest()
