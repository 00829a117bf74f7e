"""The pictures of a recorded session, as a video: annotated, the source's own, or none."""

from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from jaxtyping import UInt8

type Pictures = Literal["annotated", "own", "none"]
"""`annotated`: what was drawn, MPEG-4. `own`: the source's frames, MJPEG, so that nothing of one
frame is smeared into the next and the video can be played to `mace live` again."""

VIDEO = "annotated.mp4"
PLAIN_VIDEO = "video.avi"
# Of the source's own frames as JPEG; lower ones smear what a micro-expression moves.
_QUALITY = 95


class PictureFile:
    """The video of one session, or nothing where no pictures are kept."""

    def __init__(
        self, folder: Path, pictures: Pictures, *, fps: float, size: tuple[int, int]
    ) -> None:
        """Open the video in `folder`, for `fps` frames a second of `size` (width, height) px."""
        self._path = folder / (PLAIN_VIDEO if pictures == "own" else VIDEO)
        self._size = size
        self.written = 0
        self._video = None if pictures == "none" else _open(self._path, pictures, fps, size)

    @property
    def ready(self) -> bool:
        """Whether it can be written to."""
        return self._video is None or self._video.isOpened()

    def write(self, image: UInt8[np.ndarray, "h w 3"] | None) -> None:
        """Append a picture; one of another size is brought to that of the first ones."""
        if self._video is None or image is None:
            return
        if (image.shape[1], image.shape[0]) != self._size:
            image = np.asarray(cv2.resize(image, self._size), np.uint8)
        self._video.write(image)
        self.written += 1

    def close(self) -> None:
        """End the video."""
        if self._video is not None:
            self._video.release()

    def lost(self) -> int:
        """Return how many of the pictures the closed file lacks."""
        if self._video is None:
            return 0
        # OpenCV's writer reports no error when the disk is full, so the file is asked itself.
        capture = cv2.VideoCapture(str(self._path))
        found = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
        capture.release()
        return max(self.written - found, 0)


def _open(path: Path, pictures: Pictures, fps: float, size: tuple[int, int]) -> cv2.VideoWriter:
    if pictures == "annotated":
        # MPEG-4 Part 2: the one compressed format OpenCV's wheels can write everywhere.
        return cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, size)
    fourcc = cv2.VideoWriter.fourcc(*"MJPG")
    video = cv2.VideoWriter(str(path), cv2.CAP_OPENCV_MJPEG, fourcc, fps, size)
    video.set(cv2.VIDEOWRITER_PROP_QUALITY, _QUALITY)
    return video
