"""A person: head, painted skin, and what hides the sky from it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from mace.datasets.synthetic.geometry.normals import vertex_normals, visibility
from mace.datasets.synthetic.geometry.raster import Surface, pose_points
from mace.datasets.synthetic.head.figure import figure
from mace.datasets.synthetic.head.identity import Style, draw_identity
from mace.datasets.synthetic.head.mesh import Eyeball, eyeballs
from mace.datasets.synthetic.person.features import rise
from mace.datasets.synthetic.person.paint import paint

_HEAD_STREAM, _PAINT_STREAM, _SKIN_STREAM = 0x5B1EC7, 0x9A147, 0x5C1
_DIRECTIONS = 20
_SKY_TEXELS = 80
_SHADOW_TEXELS = 160


@dataclass(frozen=True)
class Person:
    """One synthetic person; building one takes a few hundredths of a second.

    Attributes:
        seed: what the person follows from.
        style: sex, age and colours.
        coarse: the coarse head in dm, which throws the shadows.
        rest: vertices of the figure in dm.
        texture: linear gray and gloss.
        sky: share of the sky that each vertex sees.
        eyes: left and right.
        surface: of the figure; not everybody's hair has a layer of its own.
    """

    seed: int
    style: Style
    coarse: Float32[np.ndarray, "c 3"]
    rest: Float32[np.ndarray, "n 3"]
    texture: Float32[np.ndarray, "rows columns 2"]
    sky: Float32[np.ndarray, " n"]
    eyes: tuple[Eyeball, Eyeball]
    surface: Surface

    def pose(self, weights: Float32[np.ndarray, " k"]) -> Float32[np.ndarray, "n 3"]:
        """Vertices of the face whose units have the given weights; eyeballs stay round."""
        points = pose_points(self.rest, figure().deltas, weights)
        for rows, eye in zip(figure().eyes, self.eyes, strict=True):
            points[rows] = eye.rounded(points[rows])
        return points

    def shadows(self, towards: np.ndarray) -> Float32[np.ndarray, " n"]:
        """Share of a lamp that each vertex sees; `towards` is its direction from the head."""
        occluders = figure().occluders
        lit = visibility(self.coarse, occluders, towards, resolution=_SHADOW_TEXELS, bias=0.06)
        return _to_vertices(lit)


def _to_vertices(coarse: Float32[np.ndarray, " c"]) -> Float32[np.ndarray, " n"]:
    shape = figure()
    fine = shape.subdivide @ coarse
    return np.concatenate([fine, fine[shape.scalp]]).astype(np.float32)


def _sky(coarse: Float32[np.ndarray, "c 3"]) -> Float32[np.ndarray, " n"]:
    """Ambient occlusion by depth maps of the coarse head from directions in front."""
    occluders = figure().occluders
    normals = vertex_normals(coarse, figure().coarse_triangles)
    i = np.arange(_DIRECTIONS) + 0.5
    polar, azimuth = np.arccos(1 - 2 * i / _DIRECTIONS), np.pi * (1 + 5**0.5) * i
    lattice = np.stack(
        [np.sin(polar) * np.cos(azimuth), np.cos(polar), np.sin(polar) * np.sin(azimuth)], 1
    ).astype(np.float32)
    received, possible = np.zeros((2, len(coarse)), np.float32)
    for direction in lattice[lattice[:, 2] >= np.float32(-0.7)]:
        cosine = np.clip(normals @ direction, 0, 1)
        lit = visibility(coarse, occluders, direction, resolution=_SKY_TEXELS, bias=0.05)
        received += cosine * lit
        possible += cosine
    share = received / np.maximum(possible, np.float32(1e-3))
    return _to_vertices(np.clip(share, np.float32(0.12), 1))


def draw_head(seed: int) -> tuple[Float32[np.ndarray, "c 3"], Style]:
    """Draw the coarse head in dm and the style of the person of a seed."""
    return draw_identity(np.random.default_rng([_HEAD_STREAM, seed]))


def make_person(seed: int, *, mottling: float = 0.0) -> Person:
    """Build the person of a seed; `mottling` is the spread among people of the skin's (log)."""
    coarse, style = draw_head(seed)
    spread = np.random.default_rng([_SKIN_STREAM, seed]).standard_normal()
    contrast = float(np.exp(mottling * spread))
    texture, hairdo = paint(np.random.default_rng([_PAINT_STREAM, seed]), style, contrast=contrast)
    shape, eyes = figure(), eyeballs(coarse)
    fine = (shape.subdivide @ coarse).astype(np.float32)
    for rows, eye in zip(shape.eyes, eyes, strict=True):
        fine[rows] = eye.rounded(fine[rows])
    normals = vertex_normals(fine, shape.surface.bald().triangles)[shape.scalp]
    columns, rows = shape.surface.texture_points[shape.vertex_ids[shape.scalp]].astype(int).T
    lift = rise(columns, rows, hairdo)
    hair = fine[shape.scalp] + normals * lift[:, None]
    return Person(
        seed=seed,
        style=style,
        coarse=coarse,
        rest=np.concatenate([fine, hair]).astype(np.float32),
        texture=texture,
        sky=_sky(coarse),
        eyes=eyes,
        surface=shape.surface if hairdo.shell else shape.surface.bald(),
    )
