"""A person before a camera: the light of a frame, and the exact motion between two."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float32, Int32

from mace.datasets.synthetic.geometry import raster
from mace.datasets.synthetic.geometry.camera import View
from mace.datasets.synthetic.head.figure import figure
from mace.datasets.synthetic.person.furrows import fold
from mace.datasets.synthetic.person.person import Person
from mace.datasets.synthetic.picture import shading
from mace.datasets.synthetic.picture.scene import Lamps


class Studio:
    """One person, and the buffers of a picture of `height` x `width` px."""

    def __init__(self, person: Person, *, height: int, width: int) -> None:
        self.person, self.height, self.width = person, height, width
        self._texture = person.texture.copy()
        samples = (height * raster.SAMPLES, width * raster.SAMPLES)
        self._depth, self._ids = np.empty(samples, np.float32), np.empty(samples, np.int32)
        self._light = np.empty((len(person.rest), 2), np.float32)
        self._linear = np.empty((height, width), np.float32)

    def place(
        self, weights: Float32[np.ndarray, " u"], view: View
    ) -> tuple[Float32[np.ndarray, "n 3"], Float32[np.ndarray, "n 3"]]:
        """Return the vertices of a face, turned in dm, and on the samples with their depth.

        Args:
            weights: of `UNIT_NAMES`.
            view: of the camera.
        """
        return raster.place(self.person.pose(weights), view)

    def trace(self, screen: Float32[np.ndarray, "n 3"]) -> Int32[np.ndarray, "y x"]:
        """Return the triangle in front at each sample, -1 where there is none."""
        opacity = self._texture[..., 1]
        raster.rasterise(screen, self.person.surface, opacity, self._depth, self._ids)
        raster.mend(self._ids, self._depth)
        return self._ids

    def expose(
        self,
        weights: Float32[np.ndarray, " u"],
        view: View,
        *,
        lamps: Lamps,
        lit: Float32[np.ndarray, " n"],
        wall: Float32[np.ndarray, "h w"],
    ) -> tuple[Float32[np.ndarray, "h w"], Float32[np.ndarray, "n 3"], Int32[np.ndarray, "y x"]]:
        """Return the linear light of a frame, its vertices on the samples, and what is in front.

        Light and triangles lie in buffers that the next call fills again.

        Args:
            weights: of `UNIT_NAMES`.
            view: of the camera.
            lamps: that light the face.
            lit: share of the key lamp that each vertex sees (`Person.shadows`).
            wall: behind the head, linear light.
        """
        person = self.person
        placed, screen = self.place(weights, view)
        shading.light_vertices(
            placed, person.surface.triangles, person.sky, lit, figure().kind, lamps.key, lamps.fill,
            np.float32(lamps.key_power), np.float32(lamps.fill_power),
            np.float32(lamps.ambient_power), np.float32(person.style.shine),
            self._light,
        )  # fmt: skip
        fold(person.texture, weights, self._texture)
        ids = self.trace(screen)
        shading.shade(
            screen, ids, self._depth, person.surface, self._texture, self._light, wall,
            self._linear,
        )  # fmt: skip
        return self._linear, screen, ids

    def motion(
        self,
        begin: Float32[np.ndarray, "n 3"],
        end: Float32[np.ndarray, "n 3"],
        ids: Int32[np.ndarray, "y x"],
    ) -> tuple[Float32[np.ndarray, "h w 2"], Bool[np.ndarray, "h w"]]:
        """Return the displacement in px of what each pixel shows, and which pixels show the head.

        Args:
            begin: vertices on the samples in the frame whose pixels they are,
            end: and in the other frame.
            ids: what is in front in the first.
        """
        step = np.ascontiguousarray((end - begin)[:, :2]) / np.float32(raster.SAMPLES)
        field = np.empty((self.height, self.width, 2), np.float32)
        shading.spread(begin, ids, self.person.surface.triangles, step, field)
        shown = ids.reshape(self.height, raster.SAMPLES, self.width, raster.SAMPLES) >= 0
        return field, shown.any((1, 3))


def on_pixels(
    screen: Float32[np.ndarray, "n 3"], rows: Sequence[int] | np.ndarray
) -> Float32[np.ndarray, "k 2"]:
    """Return where some vertices lie in the picture, px with pixel centres at integers."""
    return screen[rows, :2] / np.float32(raster.SAMPLES) - np.float32(0.5)
