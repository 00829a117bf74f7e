"""The front of the fine head: the vertices and triangles that a pair can show, for all people."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float32, Int, Int32, Int64

from mace.datasets.synthetic.geometry.raster import nearest
from mace.datasets.synthetic.geometry.subdivision import halves
from mace.datasets.synthetic.head.assets import UNIT_NAMES, head_assets
from mace.datasets.synthetic.head.identity import draw_identity
from mace.datasets.synthetic.head.landmarks import EYE_CORNERS
from mace.datasets.synthetic.head.mesh import eyeballs, head_mesh
from mace.datasets.synthetic.pairs import canvas

# Yaw and pitch in degrees, distance in decimetres, from which the front is seen.
_VIEWS = ((0, 0, 20), (-16, 0, 11), (16, 0, 11), (0, -16, 11), (0, 16, 11), (9, 9, 5), (-9, -9, 5))
_PEOPLE = 8

type MeshName = Literal["fine", "coarse"]


@dataclass(frozen=True)
class Front:
    """Vertices of the fine mesh that are kept, eyeballs last, and their triangles.

    Attributes:
        vertex_ids: index in the fine mesh of each kept vertex.
        triangles: indices into the kept vertices.
        eyes: number of vertices of the left and the right eyeball, which come last in this order.
        skin: which vertices lie on the outer skin.
        average: positions on the average head in decimetres.
        units: displacement for each of `UNIT_NAMES`, in decimetres.
    """

    vertex_ids: Int64[np.ndarray, " v"]
    triangles: Int32[np.ndarray, "t 3"]
    eyes: tuple[int, int]
    skin: Bool[np.ndarray, " v"]
    average: Float32[np.ndarray, "v 3"]
    units: Float32[np.ndarray, "k v 3"]


def fine_points(
    shape: Float32[np.ndarray, "c 3"],
) -> tuple[Float32[np.ndarray, "n 3"], Float32[np.ndarray, "2 3"]]:
    """Fine vertices of a coarse shape with round eyeballs, and the centres of these."""
    mesh, eyes = head_mesh(), eyeballs(shape)
    fine = np.ascontiguousarray(mesh.subdivide @ shape, np.float32)
    for rows, eye in zip(mesh.eyes, eyes, strict=True):
        fine[rows] = eye.rounded(fine[rows])
    return fine, np.stack([eye.centre for eye in eyes])


def visible(
    points: Float32[np.ndarray, "v 3"], triangles: Int32[np.ndarray, "t 3"], *, side: int
) -> Int32[np.ndarray, "side side"]:
    """The triangle in front at each cell of the canvas, -1 where there is none.

    Args:
        points: positions on the canvas in px (pixel centres at integers), and depth.
        triangles: indices into them.
        side: cells along each side.
    """
    screen = points.copy()
    screen[:, :2] = (points[:, :2] + np.float32(0.5)) * np.float32(side / canvas.SIZE)
    return nearest(screen, triangles, side=side)


def barycentric(
    points: Float32[np.ndarray, "v 3"],
    triangles: Int32[np.ndarray, "t 3"],
    ids: Int[np.ndarray, "side side"],
) -> Float32[np.ndarray, "side side 2"]:
    """Weights of the second and third vertex at the middle of each cell; 0 where there is none."""
    side = len(ids)
    rows, columns = np.nonzero(ids >= 0)
    a, b, c = np.moveaxis(points[triangles[ids[rows, columns]], :2], 1, 0)
    middle = np.stack([columns, rows], 1).astype(np.float32)
    at = (middle + np.float32(0.5)) * np.float32(canvas.SIZE / side) - np.float32(0.5) - a
    first, second = b - a, c - a
    area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    out = np.zeros((side, side, 2), np.float32)
    out[rows, columns, 0] = (at[:, 0] * second[:, 1] - at[:, 1] * second[:, 0]) / area
    out[rows, columns, 1] = (first[:, 0] * at[:, 1] - first[:, 1] * at[:, 0]) / area
    return np.clip(out, 0, 1)


@cache
def head_front(mesh: MeshName = "fine") -> Front:
    """Find the front once per process (about a second): what some people show in some views.

    A ring of neighbours makes up for people who show a little more.

    Args:
        mesh: `fine` has the renderer's triangles. `coarse` joins the same places on the same
            surface by the four times larger triangles of the mesh before its subdivision.
    """
    if mesh == "fine":
        return _front(head_mesh().surface.bald().triangles)
    # The subdivision keeps the numbers of the vertices that it divides.
    return _front(halves(head_assets().quads))


def _front(triangles: Int32[np.ndarray, "t 3"]) -> Front:
    mesh, assets = head_mesh(), head_assets()
    shown = np.zeros(len(triangles), bool)
    for number in range(_PEOPLE):
        fine, _ = fine_points(draw_identity(np.random.default_rng([0xF407, number]))[0])
        for yaw, pitch, distance in _VIEWS:
            pose = np.deg2rad([yaw, pitch, 0])
            view = canvas.still_view(fine[list(EYE_CORNERS)], pose=pose, distance=distance)
            ids = visible(canvas.on_canvas(fine, view), triangles, side=canvas.SIZE)
            shown[ids[ids >= 0]] = True
    touched = np.zeros(len(mesh.fine_average), bool)
    touched[triangles[shown].ravel()] = True
    shown = touched[triangles].any(1)

    used = np.unique(triangles[shown])
    left, right = (np.intersect1d(used, eye) for eye in mesh.eyes)
    rest = np.setdiff1d(used, np.concatenate([left, right]))
    ids = np.concatenate([rest, left, right]).astype(np.int64)
    location = np.full(len(mesh.fine_average), -1, np.int32)
    location[ids] = np.arange(len(ids), dtype=np.int32)
    subdivide = mesh.subdivide[ids]
    units = [np.asarray(subdivide @ assets.delta(name), np.float32) for name in UNIT_NAMES]
    return Front(
        vertex_ids=ids,
        triangles=np.ascontiguousarray(location[triangles[shown]]),
        eyes=(len(left), len(right)),
        skin=mesh.skin[ids],
        average=mesh.fine_average[ids],
        units=np.stack(units),
    )
