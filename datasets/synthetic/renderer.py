"""One frame from a posed surface: light, rasterise, shade."""

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from mace.datasets.synthetic import camera, furrows
from mace.datasets.synthetic.camera import Pose
from mace.datasets.synthetic.geometry import vertex_normals, visibility
from mace.datasets.synthetic.lighting import light_vertices
from mace.datasets.synthetic.mesh import head_mesh
from mace.datasets.synthetic.raster import OPAQUE_BYTE, rasterise, spread
from mace.datasets.synthetic.shading import LINEAR_OF_BYTE, TONE, expose, shade
from mace.datasets.synthetic.subject import Subject

_GRAIN_MARGIN = 128


class Renderer:
    """Buffers for one subject at one size, and the shadows of one pose.

    Shadows are computed once for the resting face: a micro-expression moves none by a texel of the
    shadow map.
    """

    def __init__(
        self, subject: Subject, *, width: int, height: int, samples: int, pose: Pose, seed: int
    ) -> None:
        self.subject, self.width, self.height, self.samples = subject, width, height, samples
        self._depth = np.empty((height * samples, width * samples), np.float32)
        self._ids = np.empty((height * samples, width * samples), np.int32)
        self._linear = np.empty((height, width, 4), np.float32)
        self._background = subject.light.background(width, height)
        self._rng = np.random.default_rng([0x6124, seed])
        self._grain = self._rng.standard_normal(
            (height + _GRAIN_MARGIN, width + _GRAIN_MARGIN), dtype=np.float32
        )
        vertices = len(subject.surface.rest)
        self._diffuse = np.empty((vertices, 3), np.float32)
        self._specular = np.empty(vertices, np.float32)
        placed = camera.place(subject.points, pose)
        lit = visibility(placed, subject.occluders, subject.light.key, resolution=320, radius=2)
        self._lit = lit[subject.surface.vertex_ids]

    def screen(self, points: Float32[np.ndarray, "n 3"], pose: Pose) -> Float32[np.ndarray, "n 3"]:
        """Image positions of the vertices in px, edges at integers."""
        placed = camera.place(points, pose)
        return camera.project(placed, pose, width=self.width, height=self.height)

    def render(
        self,
        points: Float32[np.ndarray, "n 3"],
        pose: Pose,
        activation: Float32[np.ndarray, " k"],
        *,
        brightness: float,
        noise: float,
    ) -> UInt8[np.ndarray, "h w 3"]:
        """Render one frame in BGR.

        Args:
            points: posed vertices of the subject's surface, in decimetres.
            pose: of the head.
            activation: of the furrow layers.
            brightness: factor on all lamps.
            noise: sensor noise in grey levels.
        """
        subject, surface, mesh, light = (
            self.subject,
            self.subject.surface,
            head_mesh(),
            self.subject.light,
        )
        turn = camera.rotation(pose).T.astype(np.float32)
        normals = vertex_normals(points, surface.triangles) @ turn
        light_vertices(
            normals, subject.sky, self._lit, surface.kind, light.key, light.fill,
            light.key_colour, light.ambient_colour, np.float32(light.fill_strength),
            np.float32(light.exposure * brightness),
            np.float32(subject.style.hair.mean() ** 0.5), self._diffuse, self._specular,
        )  # fmt: skip
        screen = self.screen(points, pose)
        screen[:, :2] *= self.samples
        rasterise(
            screen, surface.triangles, surface.solid, mesh.texture_points,
            surface.texture_triangles, subject.texture[..., 3], OPAQUE_BYTE, self._depth,
            self._ids,
        )  # fmt: skip
        shade(
            screen, self._ids, self._depth, surface.triangles, surface.solid,
            mesh.texture_points, surface.texture_triangles, subject.texture, LINEAR_OF_BYTE,
            furrows.darkening(activation), furrows.ORIGIN, self._diffuse, self._specular,
            self.samples, self._linear,
        )  # fmt: skip
        frame = np.empty((self.height, self.width, 3), np.uint8)
        offsets = self._rng.integers(0, _GRAIN_MARGIN, (4, 2))
        expose(
            self._linear, self._background, np.float32(brightness), TONE, self._grain, offsets,
            np.float32(noise), frame,
        )  # fmt: skip
        return cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)

    def interpolate(
        self, screen: Float32[np.ndarray, "n 3"], values: Float32[np.ndarray, "n 2"]
    ) -> tuple[Float32[np.ndarray, "h w 2"], np.ndarray]:
        """Spread a value per vertex over the pixels that show the head; also their mask."""
        surface, mesh = self.subject.surface, head_mesh()
        depth = np.empty((self.height, self.width), np.float32)
        ids = np.empty((self.height, self.width), np.int32)
        rasterise(
            screen, surface.triangles, surface.solid, mesh.texture_points,
            surface.texture_triangles, self.subject.texture[..., 3], OPAQUE_BYTE, depth, ids,
        )  # fmt: skip
        image = np.empty((self.height, self.width, 2), np.float32)
        spread(screen, surface.triangles, ids, values, image)
        return image, ids >= 0
