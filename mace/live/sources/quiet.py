"""Keeps OpenCV and FFmpeg off standard error: what is wrong is said in one sentence instead."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

# Read by FFmpeg's side of OpenCV when it is first used.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


@contextmanager
def quiet() -> Iterator[None]:
    """Silence OpenCV's own warnings within."""
    before = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(before)
