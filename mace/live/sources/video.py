"""A video file, decoded by OpenCV."""

from collections.abc import Generator
from pathlib import Path

import cv2

from mace.errors import DataError
from mace.live.sources.frame import Frame, SourceBase, stated_rate
from mace.live.sources.quiet import quiet

# Containers round the frame count of a variable-rate stream; one missing in a hundred is no damage.
COUNT_TOLERANCE = 0.01


class VideoFile(SourceBase):
    """A video file, decoded by OpenCV."""

    def __init__(self, path: Path, *, fps: float | None = None):
        super().__init__()
        with quiet():
            capture = cv2.VideoCapture(str(path))
        try:
            readable, first = capture.read() if capture.isOpened() else (False, None)
            if not readable or first is None:
                raise DataError(
                    f"{path} cannot be read as a video: it is no video, it is cut off before "
                    "its index, or its codec is unknown; convert it (to MJPEG, say) and try again"
                )
            stated = capture.get(cv2.CAP_PROP_FPS)
            self.count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        finally:
            capture.release()
        self.name = str(path)
        self.size = (first.shape[1], first.shape[0])
        self.fps = stated_rate(fps, stated, self.name)
        self._path = path

    def frames(self) -> Generator[Frame, None, None]:
        """Yield the frames in order.

        Raises:
            DataError: after the last readable frame, if the file promised more.
        """
        capture = cv2.VideoCapture(str(self._path))
        read = 0
        try:
            while not self._closed.is_set():
                good, image = capture.read()
                if not good:
                    break
                yield Frame(read, read / self.fps, image)
                read += 1
        finally:
            capture.release()
        if not self._closed.is_set() and read < self.count * (1 - COUNT_TOLERANCE) - 1:
            raise DataError(
                f"{self.name} is cut off: {read} of {self.count} frames can be read; copy it "
                "again, or cut it cleanly where it breaks"
            )
