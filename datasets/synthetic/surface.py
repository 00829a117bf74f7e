"""The visible part of one person's head, posed linearly by the face units."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float32, Int32, Int64, UInt8

from mace.datasets.synthetic import camera
from mace.datasets.synthetic.assets import FACE_UNIT, head_assets
from mace.datasets.synthetic.geometry import vertex_normals
from mace.datasets.synthetic.mesh import HeadMesh, head_mesh
from mace.datasets.synthetic.raster import OPAQUE_BYTE, rasterise

# Views (yaw, pitch in degrees) and extreme faces whose visible triangles together are kept.
_VIEWS = ((0, 0), (-16, 0), (16, 0), (0, -14), (0, 14), (-12, 12), (12, -12))
_EXTREMES = (
    {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0},
    {"jawOpen": 0.4},
    {"eyeWideLeft": 1.0, "eyeWideRight": 1.0},
)
_PROBE_SIZE, _PROBE_SCALE = 480, 165.0

UNIT_NAMES: tuple[str, ...] = head_assets().of_kind(FACE_UNIT)

SKIN_KIND, EYE_KIND, HAIR_KIND = range(3)


@dataclass(frozen=True)
class Eyeball:
    """A sphere that its vertices slide on: compact indices, centre and radius in decimetres."""

    indices: Int64[np.ndarray, " e"]
    centre: Float32[np.ndarray, " 3"]
    radius: float


@dataclass(frozen=True)
class Surface:
    """Vertices and triangles that a camera in front can see, in their resting position.

    Attributes:
        rest: positions in decimetres.
        vertex_ids: index of each vertex in the full mesh.
        triangles: hair last.
        solid: number of triangles that are not hair.
        texture_triangles: indices into the mesh's texture points.
        kind: SKIN_KIND, EYE_KIND or HAIR_KIND per vertex.
        expressive: outer skin, where motion is measured.
        eyeballs: left and right.
    """

    rest: Float32[np.ndarray, "n 3"]
    vertex_ids: Int64[np.ndarray, " n"]
    triangles: Int32[np.ndarray, "t 3"]
    solid: int
    texture_triangles: Int32[np.ndarray, "t 3"]
    kind: UInt8[np.ndarray, " n"]
    expressive: Bool[np.ndarray, " n"]
    eyeballs: tuple[Eyeball, Eyeball]
    _deltas: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    def delta(self, unit: str) -> Float32[np.ndarray, "n 3"]:
        """Displacement of every vertex for the fully active face unit, in decimetres."""
        if unit not in self._deltas:
            mesh = head_mesh()
            under = _under_hair(mesh)[self.vertex_ids]
            fine = mesh.subdivide @ head_assets().delta(unit)
            self._deltas[unit] = np.ascontiguousarray(fine[under], np.float32)
        return self._deltas[unit]

    def pose(
        self, weights: Float32[np.ndarray, " k"], deltas: Float32[np.ndarray, "k n 3"]
    ) -> Float32[np.ndarray, "n 3"]:
        """Positions for the given weights of the displacements; eyeballs stay round."""
        points = self.rest + np.tensordot(weights, deltas, 1)
        for eye in self.eyeballs:
            arm = points[eye.indices] - eye.centre
            length = np.linalg.norm(arm, axis=1, keepdims=True)
            points[eye.indices] = eye.centre + arm * (eye.radius / np.maximum(length, 1e-6))
        return points


def _under_hair(mesh: HeadMesh) -> Int64[np.ndarray, " n"]:
    """The fine vertex that moves each vertex: itself, or the one under a hair vertex."""
    return np.concatenate([np.arange(len(mesh.fine_average)), mesh.scalp])


def full_points(
    shape: Float32[np.ndarray, "v 3"], thickness: Float32[np.ndarray, " s"]
) -> tuple[Float32[np.ndarray, "n 3"], Float32[np.ndarray, "n 3"], list[tuple[np.ndarray, float]]]:
    """All resting positions and normals, hair included, and centre and radius of the eyeballs."""
    mesh = head_mesh()
    fine = np.ascontiguousarray(mesh.subdivide @ shape, np.float32)
    balls = []
    for indices, coarse in zip(mesh.eyes, mesh.coarse_eyes, strict=True):
        corners = shape[coarse]
        centre = (corners.max(0) + corners.min(0)) / 2
        radius = float(corners[:, 0].max() - corners[:, 0].min()) / 2
        arm = fine[indices] - centre
        fine[indices] = centre + arm * (radius / np.linalg.norm(arm, axis=1, keepdims=True))
        balls.append((centre.astype(np.float32), radius))
    normals = vertex_normals(fine, mesh.triangles[: mesh.solid])
    hair = fine[mesh.scalp] + normals[mesh.scalp] * thickness[:, None]
    points = np.concatenate([fine, hair])
    hair_normals = vertex_normals(points, mesh.triangles[mesh.solid :])[len(fine) :]
    return points, np.concatenate([normals, hair_normals]), balls


def seen_triangles(
    points: np.ndarray, triangles: np.ndarray, texture: np.ndarray, bald: bool
) -> Bool[np.ndarray, " t"]:
    """Which triangles a camera in front sees of a whole head, at rest or in an extreme face."""
    mesh = head_mesh()
    count = mesh.solid if bald else len(triangles)
    depth = np.empty((_PROBE_SIZE, _PROBE_SIZE), np.float32)
    ids = np.empty((_PROBE_SIZE, _PROBE_SIZE), np.int32)
    seen = np.zeros(len(triangles), bool)
    under = _under_hair(mesh)
    faces = [points] + [
        points + (mesh.subdivide @ head_assets().blend(extreme))[under] for extreme in _EXTREMES
    ]
    shots = [(points, *view) for view in _VIEWS] + [(face, 0, 0) for face in faces[1:]]
    for face, yaw, pitch in shots:
        pose = camera.Pose(np.deg2rad(yaw), np.deg2rad(pitch), 0, 0, 0, _PROBE_SCALE)
        placed = camera.place(face.astype(np.float32), pose)
        screen = camera.project(placed, pose, width=_PROBE_SIZE, height=_PROBE_SIZE)
        rasterise(
            screen, triangles[:count], mesh.solid, mesh.texture_points,
            mesh.texture_triangles[:count], texture[..., 3], OPAQUE_BYTE, depth, ids,
        )  # fmt: skip
        seen[ids[ids >= 0]] = True
    return seen


def visible_surface(
    points: Float32[np.ndarray, "n 3"],
    balls: list[tuple[np.ndarray, float]],
    texture: UInt8[np.ndarray, "rows columns 4"],
    *,
    bald: bool,
) -> Surface:
    """Keep what can be seen within about 15 degrees of frontal, plus two rings of neighbours.

    The rings keep normals right at the border; everything behind is never transformed.
    """
    mesh = head_mesh()
    keep = seen_triangles(points, mesh.triangles, texture, bald)
    usable = np.ones(len(keep), bool)
    usable[mesh.solid :] = not bald
    for _ in range(2):
        touched = np.zeros(len(points), bool)
        touched[mesh.triangles[keep].ravel()] = True
        keep = touched[mesh.triangles].any(1) & usable
    ids = np.unique(mesh.triangles[keep])
    place = np.full(len(points), -1, np.int32)
    place[ids] = np.arange(len(ids), dtype=np.int32)
    kind = np.full(len(points), SKIN_KIND, np.uint8)
    kind[np.concatenate(mesh.eyes)] = EYE_KIND
    kind[len(mesh.fine_average) :] = HAIR_KIND
    expressive = np.zeros(len(points), bool)
    expressive[: len(mesh.skin)] = mesh.skin
    left, right = (
        Eyeball(place[eye][place[eye] >= 0].astype(np.int64), centre, radius)
        for eye, (centre, radius) in zip(mesh.eyes, balls, strict=True)
    )
    return Surface(
        rest=points[ids],
        vertex_ids=ids.astype(np.int64),
        triangles=np.ascontiguousarray(place[mesh.triangles[keep]]),
        solid=int(keep[: mesh.solid].sum()),
        texture_triangles=np.ascontiguousarray(mesh.texture_triangles[keep]),
        kind=kind[ids],
        expressive=expressive[ids],
        eyeballs=(left, right),
    )
