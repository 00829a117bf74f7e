"""A video file as a source of frames."""

from collections.abc import Generator
from contextlib import closing
from pathlib import Path

from mace.live.sources.frame import Frame, SourceBase
from mace.video.reader import VideoReader


class VideoFile(SourceBase):
    """A video file whose frames have the times that it gives them.

    `fps` counts them by so many a second instead.
    """

    def __init__(self, path: Path, *, fps: float | None = None):
        super().__init__()
        self._reader = VideoReader(path, fps=fps)
        self.name, self.size = self._reader.name, self._reader.size
        self.fps, self.count = self._reader.fps, self._reader.count

    def frames(self) -> Generator[Frame, None, None]:
        """Yield the frames in order; what is wrong with the file is reported at the end."""
        with closing(self._reader.pictures()) as pictures:
            for picture in pictures:
                if self._closed.is_set():
                    return
                yield Frame(picture.number, picture.time, picture.image)
        for remark in self._reader.remarks:
            self.report(remark.kind, remark.sentence)
