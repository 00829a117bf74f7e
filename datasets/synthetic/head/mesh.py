"""What every head shares: the fine mesh, its atlas coordinates, and the layer of hair."""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float32, Int32, Int64

from mace.datasets.synthetic.geometry.raster import Surface
from mace.datasets.synthetic.geometry.subdivision import catmull_clark, halves
from mace.datasets.synthetic.head import atlas
from mace.datasets.synthetic.head.assets import (
    LEFT_EYE,
    RIGHT_EYE,
    SKIN,
    TEETH,
    TONGUE,
    HeadAssets,
    average_head,
    head_assets,
)


@dataclass(frozen=True)
class HeadMesh:
    """Topology of the subdivided head; positions belong to an identity.

    Fine vertices come first, then a copy of the scalp's vertices that carries the hair.

    Attributes:
        subdivide: fine from coarse vertices.
        average: coarse positions of the average head, to which the atlas belongs.
        fine_average: its fine positions.
        surface: all triangles, and their places on the atlas' sheets.
        skin: fine vertices on the outer skin.
        eyes: fine vertices of the left and the right eyeball.
        coarse_eyes: coarse vertices of the left and the right eyeball.
        scalp: fine vertex under each hair vertex.
    """

    subdivide: sp.csr_matrix
    average: Float32[np.ndarray, "v 3"]
    fine_average: Float32[np.ndarray, "n 3"]
    surface: Surface
    skin: Bool[np.ndarray, " n"]
    eyes: tuple[Int64[np.ndarray, " e"], Int64[np.ndarray, " e"]]
    coarse_eyes: tuple[Int64[np.ndarray, " c"], Int64[np.ndarray, " c"]]
    scalp: Int32[np.ndarray, " s"]

    @property
    def vertices(self) -> int:
        """Fine vertices and hair vertices together."""
        return len(self.fine_average) + len(self.scalp)


class Eyeball(NamedTuple):
    """A sphere in dm, on which the eye's vertices slide."""

    centre: Float32[np.ndarray, " 3"]
    radius: np.float32

    def rounded(self, points: Float32[np.ndarray, "e 3"]) -> Float32[np.ndarray, "e 3"]:
        """Return the vertices of the eye where they are on the sphere."""
        arm = points - self.centre
        length = np.maximum(np.sqrt((arm * arm).sum(1, keepdims=True)), np.float32(1e-6))
        return self.centre + arm * (self.radius / length)


def eyeballs(coarse: Float32[np.ndarray, "v 3"]) -> tuple[Eyeball, Eyeball]:
    """Return the left and the right eyeball of a coarse head in dm."""
    left, right = (coarse[rows] for rows in head_mesh().coarse_eyes)
    return _eyeball(left), _eyeball(right)


def _eyeball(corners: Float32[np.ndarray, "c 3"]) -> Eyeball:
    low, high = corners.min(0), corners.max(0)
    return Eyeball((high + low) / 2, (high[0] - low[0]) / 2)


def _inner_surfaces(assets: HeadAssets) -> tuple[np.ndarray, np.ndarray]:
    """Faces inside the nose, and faces inside the mouth, by their texture island."""
    centre = assets.texture_points[assets.texture_quads].mean(1)
    height = assets.vertices[assets.quads].mean(1)[:, 1]
    skin = assets.parts == SKIN
    nose = skin & (centre[:, 0] < 0.15) & (height > 6.4)
    mouth = skin & (centre[:, 1] < 0.165) & (centre[:, 0] > 0.63) & (height > 6.0)
    return nose, mouth


def hairline(
    theta: np.ndarray,
    *,
    front: float = 7.98,
    temple: float = 7.55,
    side: float = 7.15,
    widow: float = 0.0,
    recession: float = 0.0,
    nape: float = 6.35,
) -> np.ndarray:
    """Height of the hair's lower border at each angle, in decimetres."""
    knots = [0, 0.35, 0.62, 0.95, 1.15, 1.45, 1.75, 2.3, 3.2]
    heights = [
        front - widow,
        front + recession,
        front - 0.03 + recession / 2,
        temple + 0.15,
        temple - 0.1,
        side,
        side - 0.2,
        nape,
        nape - 0.05,
    ]
    return np.interp(np.abs(theta), knots, heights).astype(np.float32)


def _scalp_band(fine: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """Vertices that may carry hair: above the lowest hairline, and not on the ears."""
    x, y, z = fine.T
    ear = (np.abs(x) > 0.80) & (y < 7.55) & (z < 0.75) & (z > 0.0)
    return skin & (y > hairline(atlas.angle(fine)) - 0.22) & ~ear


def _eye_patch(fine: np.ndarray, centre: tuple[float, float], ball: np.ndarray) -> np.ndarray:
    """Atlas coordinates of an eyeball: its frontal projection onto the iris patch."""
    middle = (ball.max(0) + ball.min(0)) / 2
    scale = atlas.EYE_RADIUS * 2 / (ball[:, 0].max() - ball[:, 0].min())
    column = centre[0] + (fine[:, 0] - middle[0]) * scale
    return np.stack([column, centre[1] - (fine[:, 1] - middle[1]) * scale], 1)


@cache
def head_mesh() -> HeadMesh:
    """Build the shared mesh once per process (about 0.2 s)."""
    assets = head_assets()
    average = average_head(assets)
    subdivide, quads = catmull_clark(assets.quads, len(average))
    fine = (subdivide @ average).astype(np.float32)
    count = len(fine)
    parts = np.repeat(assets.parts, 4)
    nose, mouth = (np.repeat(mask, 4) for mask in _inner_surfaces(assets))

    def vertices_of(part: int) -> np.ndarray:
        return np.unique(quads[parts == part])

    eyes = (vertices_of(LEFT_EYE), vertices_of(RIGHT_EYE))
    coarse_eyes = tuple(np.unique(assets.quads[assets.parts == p]) for p in (LEFT_EYE, RIGHT_EYE))
    skin = np.zeros(count, bool)
    skin[np.unique(quads[(parts == SKIN) & ~nose & ~mouth])] = True

    points = atlas.unroll(fine)
    for k in (0, 1):
        points[eyes[k]] = _eye_patch(fine[eyes[k]], atlas.EYE_CENTRES[k], average[coarse_eyes[k]])
    flat = np.array([atlas.TEETH, atlas.MOUTH, atlas.TONGUE, atlas.NOSTRIL], np.float32)

    triangles = halves(quads)
    texture = triangles.copy()
    twice = np.tile(parts, 2)
    texture[twice == TEETH] = count
    texture[np.tile(mouth, 2)] = count + 1
    texture[twice == TONGUE] = count + 2
    texture[np.tile(nose, 2)] = count + 3

    band = np.zeros(count, bool)
    band[vertices_of(SKIN)] = True
    band = _scalp_band(fine, band)
    hairy = band[triangles].all(1) & (twice == SKIN) & ~np.tile(nose | mouth, 2)
    scalp = np.unique(triangles[hairy])
    place = np.full(count, -1, np.int32)
    place[scalp] = np.arange(len(scalp), dtype=np.int32)
    hair = place[triangles[hairy]]
    hair_points = points[scalp] + np.array([0, atlas.LAYER], np.float32)

    return HeadMesh(
        subdivide=subdivide,
        average=average,
        fine_average=fine,
        surface=Surface(
            triangles=np.concatenate([triangles, hair + count]).astype(np.int32),
            solid=len(triangles),
            texture_points=atlas.on_sheets(np.concatenate([points, flat, hair_points])),
            texture_triangles=np.concatenate([texture, hair + count + len(flat)]).astype(np.int32),
        ),
        skin=skin,
        eyes=eyes,
        coarse_eyes=(coarse_eyes[0], coarse_eyes[1]),
        scalp=scalp,
    )
