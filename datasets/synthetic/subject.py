"""A person in a recording room: head, texture, light, habits. Everything follows from one seed."""

import numpy as np

from mace.datasets.synthetic import camera
from mace.datasets.synthetic.action_units import AU_NAMES, face_units
from mace.datasets.synthetic.geometry import ambient_occlusion
from mace.datasets.synthetic.hair import draw_hair
from mace.datasets.synthetic.identity import draw_identity
from mace.datasets.synthetic.lighting import draw_light
from mace.datasets.synthetic.mesh import head_mesh
from mace.datasets.synthetic.surface import full_points, visible_surface
from mace.datasets.synthetic.texture import paint_texture

# Keeps the streams of subjects, clips and plans apart.
SUBJECT_STREAM = 0x5B1EC7
# Reach is measured at a part of the full action unit, as small as micro-expressions are.
_SMALL = 0.1


class Subject:
    """One synthetic person; building one takes about half a second.

    Attributes:
        seed: what the person follows from.
        style: sex, age and colours.
        surface: the visible head at rest.
        texture: the painted atlas (rows, columns, 4) uint8.
        points: all resting positions, hidden ones included, for the shadows.
        sky: ambient occlusion of every vertex of `surface`.
        light: the lamps of this person's recordings.
        gain: how strongly this person shows each action unit, about 1.
        asymmetry: share by which the left side (positive) leads.
        yaw, pitch, roll: habitual pose in radians.
        shift: habitual place in the image, in units of the eye distance.
        size: apparent size relative to the configured eye distance.
        grain: sensor noise in grey levels at noise level 1.
    """

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([SUBJECT_STREAM, seed])
        self.seed = seed
        shape, self.style = draw_identity(rng)
        hair = draw_hair(rng, self.style)
        self.texture = paint_texture(rng, self.style, hair)
        self.points, normals, balls = full_points(shape, hair.thickness)
        mesh = head_mesh()
        triangles = mesh.triangles if hair.shell else mesh.triangles[: mesh.solid]
        self.occluders = triangles
        self.surface = visible_surface(self.points, balls, self.texture, bald=not hair.shell)
        self.sky = ambient_occlusion(self.points, normals, triangles)[self.surface.vertex_ids]
        self.light = draw_light(rng)
        self.gain = {au: float(np.exp(rng.normal(0, 0.25))) for au in AU_NAMES}
        self.asymmetry = float(rng.normal(0, 0.15))
        self.yaw, self.pitch, self.roll = (float(v) for v in rng.normal(0, [0.05, 0.05, 0.03]))
        self.shift = rng.normal(0, [0.1, 0.06])
        self.size = float(rng.uniform(0.95, 1.05))
        self._reach: dict[str, float] = {}
        self.grain = float(rng.uniform(0.8, 2.0))

    def reach(self, au: str) -> float:
        """Largest displacement of the skin seen from in front at full AU, in decimetres."""
        if au in self._reach:
            return self._reach[au]
        surface = self.surface
        total = sum(weight * surface.delta(unit) for unit, weight in face_units(au).items())
        pose = camera.Pose(0, 0, 0, 0, 0, 1)
        before, after = (
            camera.project(camera.place(points, pose), pose, width=0, height=0)
            for points in (surface.rest, surface.rest + np.float32(_SMALL) * np.asarray(total))
        )
        moved = (after - before)[surface.expressive, :2] / _SMALL
        self._reach[au] = float(np.linalg.norm(moved, axis=1).max())
        return self._reach[au]
