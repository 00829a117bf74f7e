"""The part of the head mesh that a picture can show, the same vertices for every person."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float32, Int32, Int64, UInt8

from mace.datasets.synthetic.geometry.camera import facing
from mace.datasets.synthetic.geometry.normals import vertex_normals
from mace.datasets.synthetic.geometry.raster import SAMPLES, Surface, nearest, place
from mace.datasets.synthetic.geometry.subdivision import halves
from mace.datasets.synthetic.head import atlas
from mace.datasets.synthetic.head.assets import SKIN, UNIT_NAMES, head_assets
from mace.datasets.synthetic.head.identity import draw_identity
from mace.datasets.synthetic.head.landmarks import LANDMARKS, RIGID
from mace.datasets.synthetic.head.mesh import head_mesh

SKIN_KIND, EYE_KIND, HAIR_KIND = range(3)

# In dm of the average head: what a picture can show, with room for other heads and poses.
_SIDE, _LOW, _HIGH, _BACK = 2.0, 5.1, 8.9, -0.4
# Hair of the average head that turns further away than this is never seen from in front.
_AWAY = -0.3
_PEOPLE = 3
# Views (yaw, pitch in degrees) and extreme faces in which a camera in front sees a triangle.
_VIEWS = ((0, 0), (-16, 0), (16, 0), (0, -14), (0, 14), (-12, 12), (12, -12))
_EXTREMES = (
    {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0},
    {"jawOpen": 0.4},
    {"eyeWideLeft": 1.0, "eyeWideRight": 1.0},
)
_PROBE_SIZE, _PROBE_SCALE = 240, 82.5


@dataclass(frozen=True)
class Figure:
    """Topology, texture coordinates and movements that all people share.

    Attributes:
        subdivide: positions of the fine vertices in use, from the coarse head.
        vertex_ids: index of each vertex in the full mesh.
        scalp: row of the vertex under each hair vertex; hair vertices are the last.
        surface: its triangles, and their places on the atlas' sheets.
        kind: SKIN_KIND, EYE_KIND or HAIR_KIND per vertex.
        expressive: outer skin without hair, where motion is measured.
        deltas: displacement in dm for every face unit at full strength.
        eyes: rows of the left and the right eyeball.
        rigid: rows of the rigid points, the four eye corners first.
        landmarks: rows of `LANDMARKS`.
        coarse_triangles: of the whole coarse head.
        occluders: those of them that throw shadows on the face.
    """

    subdivide: sp.csr_matrix
    vertex_ids: Int64[np.ndarray, " n"]
    scalp: Int64[np.ndarray, " s"]
    surface: Surface
    kind: UInt8[np.ndarray, " n"]
    expressive: Bool[np.ndarray, " n"]
    deltas: Float32[np.ndarray, "k n 3"]
    eyes: tuple[Int64[np.ndarray, " e"], Int64[np.ndarray, " e"]]
    rigid: Int64[np.ndarray, " r"]
    landmarks: Int64[np.ndarray, " 68"]
    coarse_triangles: Int32[np.ndarray, "c 3"]
    occluders: Int32[np.ndarray, "o 3"]


def _seen(fine: Float32[np.ndarray, "n 3"]) -> Bool[np.ndarray, " s"]:
    """Which solid triangles a camera in front sees of a bald head, at rest or in extreme faces."""
    mesh = head_mesh()
    solid = mesh.surface.bald().triangles
    shown = np.zeros(len(solid), bool)
    extreme = [fine + mesh.subdivide @ head_assets().blend(units) for units in _EXTREMES]
    for face, yaw, pitch in [*((fine, *view) for view in _VIEWS), *((f, 0, 0) for f in extreme)]:
        view = facing(
            np.deg2rad([yaw, pitch, 0]), scale=_PROBE_SCALE, middle=np.full(2, _PROBE_SIZE / 2)
        )
        _, screen = place(face.astype(np.float32), view)
        ids = nearest(screen, solid, side=_PROBE_SIZE * SAMPLES)
        shown[ids[ids >= 0]] = True
    return shown


def _in_use() -> np.ndarray:
    """Which triangles a picture can show: seen on the average head or some others, or near."""
    mesh = head_mesh()
    fine, (triangles, solid, *_) = mesh.fine_average, mesh.surface
    points = np.concatenate([fine, fine[mesh.scalp]])
    x, y, z = points.T
    inside = ((np.abs(x) < _SIDE) & (y > _LOW) & (y < _HIGH) & (z > _BACK))[triangles].any(1)
    keep = np.zeros(len(triangles), bool)
    keep[:solid] = _seen(fine)
    for number in range(_PEOPLE):
        head = mesh.subdivide @ draw_identity(np.random.default_rng([0xF16, number]))[0]
        keep[:solid] |= _seen(head.astype(np.float32))
    # Neighbours, because other heads turn a little more to the camera here and there.
    touched = np.zeros(len(points), bool)
    touched[triangles[keep].ravel()] = True
    keep = touched[triangles].any(1)
    # Around the lips everything: a hole there would show the wall behind the head.
    lips = (np.abs(x) < 0.34) & (np.abs(y - 6.65) < 0.2) & (z > 1.1)
    lips[len(fine) :] = False
    keep |= lips[triangles].any(1)
    normals = vertex_normals(fine, triangles[:solid])[mesh.scalp]
    hair = np.zeros(len(points), bool)
    hair[len(fine) :] = normals[:, 2] > _AWAY
    keep |= hair[triangles].any(1)
    return keep & inside


@cache
def figure() -> Figure:
    """Build the shared figure once per process (about 0.5 s with the mesh)."""
    assets, mesh = head_assets(), head_mesh()
    keep, whole = _in_use(), mesh.surface
    used = np.unique(whole.triangles[keep])
    fine = len(mesh.fine_average)
    # The vertex under every hair vertex is needed too, since it carries it.
    hair = used[used >= fine]
    under = mesh.scalp[hair - fine]
    ids = np.concatenate([np.unique(np.concatenate([used[used < fine], under])), hair])
    place = np.full(mesh.vertices, -1, np.int32)
    place[ids] = np.arange(len(ids), dtype=np.int32)
    kind = np.full(mesh.vertices, SKIN_KIND, np.uint8)
    kind[np.concatenate(mesh.eyes)] = EYE_KIND
    kind[fine:] = HAIR_KIND
    subdivide = sp.csr_matrix(mesh.subdivide[ids[ids < fine]])
    scalp = place[under].astype(np.int64)
    moved = [subdivide @ assets.delta(unit) for unit in UNIT_NAMES]
    deltas = np.stack([np.concatenate([d, d[scalp]]) for d in moved]).astype(np.float32)
    left, right = (place[eye][place[eye] >= 0].astype(np.int64) for eye in mesh.eyes)
    # Shadows fall from the front half of the outer skin; the body throws none on the face.
    _, y, z = mesh.average.T
    front = (z > _BACK) & (y > atlas.PAINTED_LOW)
    throwing = (assets.parts == SKIN) & front[assets.quads].all(1)
    return Figure(
        subdivide=subdivide,
        vertex_ids=ids.astype(np.int64),
        scalp=scalp,
        surface=Surface(
            triangles=np.ascontiguousarray(place[whole.triangles[keep]]),
            solid=int(keep[: whole.solid].sum()),
            texture_points=whole.texture_points,
            texture_triangles=np.ascontiguousarray(whole.texture_triangles[keep]),
        ),
        kind=kind[ids],
        expressive=np.concatenate([mesh.skin, np.zeros(len(mesh.scalp), bool)])[ids],
        deltas=deltas,
        eyes=(left, right),
        rigid=place[list(RIGID)].astype(np.int64),
        landmarks=place[list(LANDMARKS)].astype(np.int64),
        coarse_triangles=halves(assets.quads),
        occluders=halves(assets.quads[throwing]),
    )
