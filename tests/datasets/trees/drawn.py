"""Tiny drawn frames and the stray files of real disks, for trees of data sets."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import cv2
import numpy as np

WIDTH, HEIGHT = 96, 72


@cache
def drawn(number: int, suffix: str = ".jpg") -> bytes:
    """An encoded gray image whose mean brightness is about `number` % 200 + 20."""
    image = np.full((HEIGHT, WIDTH), number % 200 + 20, np.uint8)
    cv2.circle(image, (WIDTH // 2, HEIGHT // 2), 20, 230, 2)
    done, data = cv2.imencode(suffix, image)
    assert done
    return data.tobytes()


def write_frames(folder: Path, names: Iterable[tuple[str, int]]) -> None:
    """Write a drawn image for each (file name, frame number)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, number in names:
        (folder / name).write_bytes(drawn(number, Path(name).suffix.lower()))


def write_strays(folder: Path) -> None:
    """Write what Windows, macOS and unpackers leave in a folder of frames."""
    for name in (".DS_Store", "Thumbs.db", "Desktop - Shortcut.lnk", "._img1.jpg", "readme.txt"):
        (folder / name).write_bytes(b"\0stray")
