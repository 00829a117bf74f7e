"""Digests and perceptual hashes of the pictures that a split names."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from mace.errors import DataError
from mace.evaluation.fingerprints import digest, perceptual_hash
from mace.leakage.case import Item


def with_fingerprints(
    path: Path, items: Sequence[Item], pictures: Sequence[str]
) -> tuple[Item, ...]:
    """Return the items with the digest and the hash of their pictures, and check given hashes.

    Paths are relative to the folder of `path`; items without a picture stay as they are.

    Raises:
        DataError: if a picture cannot be read, or a given hash is not hexadecimal.
    """
    result = []
    for item, picture in zip(items, pictures, strict=True):
        if item.hash:
            try:
                bytes.fromhex(item.hash)
            except ValueError as error:
                raise DataError(
                    f"{path}: the hash {item.hash[:20]!r} of {item.name} is not hexadecimal"
                ) from error
        if not picture:
            result.append(item)
            continue
        image = _read(path.parent / picture)
        if image is None:
            raise DataError(
                f"{path}: the picture {picture} of {item.name} is missing or no image; give paths "
                "relative to the file, or leave the column image out"
            )
        own = digest(image)
        result.append(
            replace(item, digest=item.digest or own, hash=item.hash or perceptual_hash(image))
        )
    return tuple(result)


def _read(path: Path) -> np.ndarray | None:
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
        return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) if data.size else None
    except (OSError, cv2.error):
        return None
