"""Frames that lie in memory already: for tests, and for loads that no decoding shall slow."""

from collections.abc import Generator, Sequence

import numpy as np

from mace.errors import DataError
from mace.live.sources.frame import Frame, SourceBase, stated_rate


class MemorySource(SourceBase):
    """Images that lie in memory, uint8 (h, w, 3) BGR or (h, w) gray, as frames."""

    def __init__(self, images: Sequence[np.ndarray], *, fps: float, name: str = "memory"):
        super().__init__()
        if len(images) == 0:
            raise DataError(f"{name} holds no images; give at least one")
        self._images = images
        self.name = name
        self.count = len(images)
        self.fps = stated_rate(fps, fps, name)
        self.size = (images[0].shape[1], images[0].shape[0])

    def frames(self) -> Generator[Frame, None, None]:
        """Yield the images in order, uncopied."""
        for index, image in enumerate(self._images):
            if self._closed.is_set():
                return
            yield Frame(index, index / self.fps, image)
