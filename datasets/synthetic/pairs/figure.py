"""The part of the head mesh that a canvas can show, the same vertices for every person."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float32, Int32, Int64, UInt8

from mace.datasets.synthetic import atlas
from mace.datasets.synthetic.assets import SKIN, head_assets
from mace.datasets.synthetic.geometry import vertex_normals
from mace.datasets.synthetic.identity import draw_identity
from mace.datasets.synthetic.mesh import head_mesh
from mace.datasets.synthetic.pairs.front import RIGID
from mace.datasets.synthetic.surface import (
    EYE_KIND,
    HAIR_KIND,
    SKIN_KIND,
    UNIT_NAMES,
    seen_triangles,
)

# In dm of the average head: what a canvas can show, with room for other heads and poses.
_SIDE, _LOW, _HIGH, _BACK = 1.2, 5.7, 8.4, -0.4
# Hair of the average head that turns further away than this is never seen from in front.
_AWAY = -0.3
_PEOPLE = 3

# The pairs' chart is the atlas at half its resolution, cut to what the canvas can show.
LEFT = int(atlas.texel(-2.0, 7.0)[0]) // 2
RIGHT = int(atlas.texel(2.0, 7.0)[0]) // 2
TOP = int(atlas.texel(0.0, _HIGH)[1]) // 2
BOTTOM = int(atlas.texel(0.0, _LOW)[1]) // 2
ROWS, COLUMNS = BOTTOM - TOP, RIGHT - LEFT
STRIP = (atlas.HEIGHT - atlas.SKIN_HEIGHT) // 2
SHEET = ROWS + STRIP
"""Rows of one sheet: skin and patches; the sheet of the hair layer lies below it."""


@dataclass(frozen=True)
class Figure:
    """Topology, texture coordinates and movements that all people share.

    Attributes:
        subdivide: positions of the fine vertices in use, from the coarse head.
        vertex_ids: index of each vertex in the full mesh.
        scalp: row of the vertex under each hair vertex; hair vertices are the last.
        triangles: those of the hair last.
        solid: number of triangles that are not hair.
        texture_points: column and row on the chart per texture vertex.
        texture_triangles: indices into `texture_points`.
        kind: SKIN_KIND, EYE_KIND or HAIR_KIND per vertex.
        deltas: displacement in dm for every face unit at full strength.
        eyes: rows of the left and the right eyeball.
        rigid: rows of the rigid points, the four eye corners first.
        coarse_triangles: of the whole coarse head.
        occluders: those of them that throw shadows on the face.
    """

    subdivide: sp.csr_matrix
    vertex_ids: Int64[np.ndarray, " n"]
    scalp: Int64[np.ndarray, " s"]
    triangles: Int32[np.ndarray, "t 3"]
    solid: int
    texture_points: Float32[np.ndarray, "u 2"]
    texture_triangles: Int32[np.ndarray, "t 3"]
    kind: UInt8[np.ndarray, " n"]
    deltas: Float32[np.ndarray, "k n 3"]
    eyes: tuple[Int64[np.ndarray, " e"], Int64[np.ndarray, " e"]]
    rigid: Int64[np.ndarray, " r"]
    coarse_triangles: Int32[np.ndarray, "c 3"]
    occluders: Int32[np.ndarray, "o 3"]


def _on_chart(points: np.ndarray) -> np.ndarray:
    """Atlas positions, as (column, row), on the pairs' chart."""
    column, row = points.T.astype(np.float64) / 2
    hair = row >= atlas.HEIGHT / 2
    inner = np.where(hair, row - atlas.HEIGHT / 2, row)
    patch = inner > atlas.SKIN_HEIGHT / 2
    x = np.where(patch, column, np.clip(column - LEFT, 1, COLUMNS - 2))
    skin_y = np.clip(inner - TOP, 1, ROWS - 2)
    y = np.where(patch, inner - atlas.SKIN_HEIGHT / 2 + ROWS, skin_y) + hair * SHEET
    return np.stack([x, y], 1).astype(np.float32)


def _halves(quads: np.ndarray) -> Int32[np.ndarray, "c 3"]:
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)


def _in_use() -> np.ndarray:
    """Which triangles a canvas can show: seen on the average head or some others, or near."""
    mesh = head_mesh()
    fine = mesh.fine_average
    points = np.concatenate([fine, fine[mesh.scalp]])
    x, y, z = points.T
    inside = ((np.abs(x) < _SIDE) & (y > _LOW) & (y < _HIGH) & (z > _BACK))[mesh.triangles].any(1)
    blank = np.zeros((1, 1, 4), np.uint8)
    keep = seen_triangles(points, mesh.triangles, blank, bald=True)
    for number in range(_PEOPLE):
        head = mesh.subdivide @ draw_identity(np.random.default_rng([0xF16, number]))[0]
        head = np.concatenate([head, head[mesh.scalp]]).astype(np.float32)
        keep |= seen_triangles(head, mesh.triangles, blank, bald=True)
    # Neighbours, because other heads turn a little more to the camera here and there.
    touched = np.zeros(len(points), bool)
    touched[mesh.triangles[keep].ravel()] = True
    keep = touched[mesh.triangles].any(1)
    normals = vertex_normals(fine, mesh.triangles[: mesh.solid])[mesh.scalp]
    hair = np.zeros(len(points), bool)
    hair[len(fine) :] = normals[:, 2] > _AWAY
    keep |= hair[mesh.triangles].any(1)
    return keep & inside


@cache
def figure() -> Figure:
    """Build the shared figure once per process (about 0.5 s with the mesh)."""
    assets, mesh = head_assets(), head_mesh()
    keep = _in_use()
    solid = int(keep[: mesh.solid].sum())
    used = np.unique(mesh.triangles[keep])
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
    x, y, z = mesh.average.T
    front = (z > _BACK) & (y > _LOW)
    throwing = (assets.parts == SKIN) & front[assets.quads].all(1)
    return Figure(
        subdivide=subdivide,
        vertex_ids=ids.astype(np.int64),
        scalp=scalp,
        triangles=np.ascontiguousarray(place[mesh.triangles[keep]]),
        solid=solid,
        texture_points=_on_chart(mesh.texture_points),
        texture_triangles=np.ascontiguousarray(mesh.texture_triangles[keep]),
        kind=kind[ids],
        deltas=deltas,
        eyes=(left, right),
        rigid=place[list(RIGID)].astype(np.int64),
        coarse_triangles=_halves(assets.quads),
        occluders=_halves(assets.quads[throwing]),
    )
