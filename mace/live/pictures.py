"""The pictures of a recorded session, as a video: annotated, the source's own, or none."""

from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from jaxtyping import UInt8

from mace.video.writer import VideoWriter

type Pictures = Literal["annotated", "own", "none"]
"""`annotated`: what was drawn, MPEG-4. `own`: the source's frames, MJPEG, so that nothing of one
frame is smeared into the next and the video can be played to `mace live` again; those that came as
JPEG are kept bit for bit."""

VIDEO = "annotated.mp4"
PLAIN_VIDEO = "video.mov"


class PictureFile:
    """The video of one session, or nothing where no pictures are kept.

    Raises:
        OSError: if it cannot be written; so do the methods.
    """

    def __init__(self, folder: Path, pictures: Pictures, *, size: tuple[int, int]) -> None:
        """Open the video in `folder`, for frames of `size` (width, height) px."""
        self._size = size
        self._video: VideoWriter | None = None
        if pictures == "own":
            self._video = VideoWriter(folder / PLAIN_VIDEO, codec="mjpeg", size=size)
        elif pictures == "annotated":
            self._video = VideoWriter(folder / VIDEO, codec="mpeg4", size=size)

    def write(self, picture: UInt8[np.ndarray, "h w 3"] | bytes | None, time: float) -> None:
        """Append the picture of the frame at `time` s.

        One of another size is brought to that of the first ones; a JPEG must have it.
        """
        if self._video is None or picture is None:
            return
        if not isinstance(picture, bytes) and picture.shape[1::-1] != self._size:
            picture = np.asarray(cv2.resize(picture, self._size), np.uint8)
        self._video.write(picture, time)

    def close(self) -> None:
        """End the video."""
        if self._video is not None:
            self._video.close()
