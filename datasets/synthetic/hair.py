"""Hair: the hairline, the painted scalp, the strands of the shell, and how far it stands off."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32

from mace.datasets.synthetic import atlas
from mace.datasets.synthetic.atlas import SKIN_HEIGHT, WIDTH, value_noise
from mace.datasets.synthetic.identity import Style
from mace.datasets.synthetic.mesh import hairline, head_mesh

_THICKNESS = {"short": 0.09, "medium": 0.2, "buzz": 0.0, "bald": 0.0}
_TEXELS_TO_FULL_THICKNESS = 130


@dataclass(frozen=True)
class Hair:
    """Hair of one identity on the skin chart.

    Attributes:
        above: height above the hairline in decimetres, with ragged edge.
        clear: 1 where no hair grows for good (the ears).
        strands: random streaks along the strands, about -2 to 2.
        thickness: how far each hair vertex stands off the scalp, in decimetres.
        shell: whether the hair has a layer of its own.
    """

    above: Float32[np.ndarray, "h w"]
    clear: Float32[np.ndarray, "h w"]
    strands: Float32[np.ndarray, "h w"]
    thickness: Float32[np.ndarray, " s"]
    shell: bool


def draw_hair(rng: np.random.Generator, style: Style) -> Hair:
    """Draw hairline and strands."""
    recession = max(0.0, rng.normal(0, 0.06)) + (0.14 * style.age if style.male > 0.5 else 0)
    border = hairline(
        atlas.THETA,
        front=8.02 + rng.normal(0, 0.07),
        temple=7.6 + rng.normal(0, 0.06),
        side=7.12 + rng.normal(0, 0.07),
        widow=max(0.0, rng.normal(0, 0.05)),
        recession=recession,
    )
    coarse = rng.standard_normal((40, WIDTH), dtype=np.float32)
    streaks = cv2.resize(coarse, (WIDTH, SKIN_HEIGHT), interpolation=cv2.INTER_CUBIC)
    fine = rng.standard_normal((SKIN_HEIGHT, WIDTH), dtype=np.float32)
    strands = 0.55 * streaks + 1.35 * cv2.GaussianBlur(fine, (1, 31), 0)
    ragged = 0.03 * value_noise(rng, ((30, 0.7), (220, 0.5))) + 0.03 * strands
    side = np.abs(atlas.THETA)
    ear = np.clip((side - 1.02) / 0.05, 0, 1) * np.clip((2.0 - side) / 0.05, 0, 1)
    clear = ear * np.clip((7.42 - atlas.Y) / 0.05, 0, 1) * (side < 1.75)
    above = (atlas.Y - border).astype(np.float32)

    mesh = head_mesh()
    # The shell lies on the scalp where it is thin: a gap below would show the wall behind.
    inside = ((above > 0.14) & (clear < 0.05)).astype(np.uint8)
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, 5) / _TEXELS_TO_FULL_THICKNESS
    columns, rows = mesh.texture_points[mesh.scalp].astype(int).T
    rise = np.clip(distance[rows.clip(0, SKIN_HEIGHT - 1), columns.clip(0, WIDTH - 1)], 0, 1)
    rise = rise * rise * (3 - 2 * rise)
    theta, height = atlas.angle(mesh.fine_average[mesh.scalp]), mesh.fine_average[mesh.scalp, 1]
    wave_x, wave_y = rng.uniform(2, 5), rng.uniform(3, 7)
    lumps = 1 + 0.25 * np.sin(theta * wave_x + rng.uniform(0, 6)) * np.sin(
        height * wave_y + rng.uniform(0, 6)
    )
    full = _THICKNESS[style.cut] * rng.uniform(0.6, 1.5)
    return Hair(
        above=above + ragged,
        clear=clear.astype(np.float32),
        strands=strands.astype(np.float32),
        thickness=(0.006 + full * rise * lumps).astype(np.float32),
        shell=style.cut in ("short", "medium"),
    )


def scalp_cover(hair: Hair, style: Style) -> Float32[np.ndarray, "h w"]:
    """How much hair covers the painted skin: a long soft fade in streaks, not an edge."""
    if style.cut == "bald":
        return np.zeros_like(hair.above)
    streaked = np.clip((hair.above + 0.05 * hair.strands + 0.05) / 0.16, 0, 1)
    return streaked * streaked * (3 - 2 * streaked) * (1 - hair.clear)


def paint_hair(rng: np.random.Generator, hair: Hair, style: Style) -> np.ndarray:
    """The shell's image (h, w, 4) uint8; its alpha thins out towards the hairline in strands."""
    shade = np.exp(0.28 * hair.strands + 0.25 * value_noise(rng, ((14, 0.7),)))
    image = np.empty((SKIN_HEIGHT, WIDTH, 4), np.uint8)
    image[..., :3] = atlas.to_display(style.hair * shade[..., None])
    alpha = np.clip((hair.above + 0.04 * hair.strands - 0.02) / 0.12, 0, 1) * (1 - hair.clear)
    image[..., 3] = (alpha * 255).astype(np.uint8) if hair.shell else 0
    return image
