"""The skin of a person in gray, for faces of up to about 110 px between the eyes."""

import cv2
import numpy as np
from jaxtyping import Float32

from mace.datasets.synthetic.head import atlas
from mace.datasets.synthetic.head.atlas import COLUMNS, HEIGHT, ROWS, SHEET, Y
from mace.datasets.synthetic.head.identity import Style, to_linear
from mace.datasets.synthetic.person.areas import shared_areas, smooth_noise
from mace.datasets.synthetic.person.features import (
    Hairdo,
    draw_brows,
    draw_eye,
    draw_hairdo,
    draw_spots,
)

# Linear gray and gloss of teeth, mouth, tongue and nostrils.
_FLAT = (
    (atlas.TEETH, 0.62, 0.7),
    (atlas.MOUTH, 0.05, 0.24),
    (atlas.TONGUE, 0.11, 0.47),
    (atlas.NOSTRIL, 0.003, 0.04),
)
# A full beard has at least this density of stubble.
_BEARD = 0.05


def paint(
    rng: np.random.Generator, style: Style, *, contrast: float
) -> tuple[Float32[np.ndarray, "rows columns 2"], Hairdo]:
    """Paint one person; `contrast` scales the mottling of the skin.

    Returns:
        Linear gray and gloss (opacity on the sheet of the hair layer below), and the hairdo.
    """
    shared = shared_areas()
    grain = rng.standard_normal((ROWS, COLUMNS), dtype=np.float32)
    fine = rng.standard_normal((ROWS, COLUMNS), dtype=np.float32)
    coarse = rng.standard_normal((ROWS // 27, COLUMNS), dtype=np.float32)
    streaks = cv2.resize(coarse, (COLUMNS, ROWS), interpolation=cv2.INTER_CUBIC)
    strands = 0.55 * streaks + 1.0 * cv2.GaussianBlur(fine, (1, 15), 0)
    hairdo = draw_hairdo(rng, style, strands)

    tone, hair = style.tone, style.hair
    broad = smooth_noise(rng, ((7, 0.5), (17, 0.4), (52, 0.3)))
    pores = cv2.GaussianBlur(grain, (0, 0), 0.6)
    dark = np.float32(0.05 * contrast) * (broad + smooth_noise(rng, ((130, 0.6), (260, 0.5))))
    dark += np.float32(0.06 * contrast) * pores
    dark -= shared.flush * np.float32(0.4 * rng.uniform(0.05, 0.26))
    dark -= shared.rings * np.float32(rng.uniform(0.05, 0.45))
    dark -= shared.lids * np.float32(rng.uniform(0.05, 0.5))
    dark -= shared.nostrils * np.float32(1.2)
    dark -= draw_spots(rng, tone > 0.25) * np.float32(0.75)
    skin = np.exp(dark) * np.float32(tone)
    wrinkles = (0.3 + 2.2 * style.age) / 2.5 * rng.uniform(0.5, 1.2)
    skin *= 1 - shared.pace * np.float32(min(wrinkles, 1.0))

    painted = style.male < 0.5 and rng.random() < 0.45
    lips = tone * (0.42 if painted else 0.58) * float(rng.normal(1, 0.07))
    opacity = np.clip(shared.lips * 1.15, 0, 1) * np.float32(0.85)
    skin += (lips * (1 + 0.1 * streaks) - skin) * opacity
    if style.beard > _BEARD:
        dots = np.clip(0.55 + 1.0 * pores, 0, 1)
        stubble = np.clip(shared.beard * style.beard * (dots * 0.75 + 0.15), 0, 0.93)
        skin += (hair * 0.9 + 0.012 - skin) * stubble
    brow = min(hair * rng.uniform(0.5, 0.9), tone * 0.4)
    skin += (brow - skin) * draw_brows(rng, style)
    lash = rng.uniform(0.5, 0.9) if style.male < 0.5 else rng.uniform(0.2, 0.55)
    skin += (0.012 - skin) * (shared.lashes * np.float32(lash))
    cover = np.zeros((ROWS, COLUMNS), np.float32)
    if style.cut != "bald":
        cover = np.clip((hairdo.above + 0.05 * strands + 0.05) / 0.16, 0, 1)
        cover = cover * cover * (3 - 2 * cover) * (1 - shared.ears)
    stubbly = 0.55 + 0.35 * np.clip(0.6 + 0.5 * grain, 0, 1) if style.cut == "buzz" else 0.95
    skin += (hair * np.exp(0.28 * strands) - skin) * (cover * stubbly)
    neckline = 5.62 + rng.uniform(-0.1, 0.14)
    dressed = np.clip((neckline - Y) / 0.012, 0, 1).astype(np.float32)
    cloth = to_linear(rng.uniform(20, 210)) * (1 + 0.06 * streaks)
    skin += (cloth - skin) * dressed

    gloss = 0.42 + 0.25 * shared.oily + 0.06 * grain
    gloss = gloss * (1 - 0.5 * cover) * (1 - 0.9 * dressed) + 0.35 * shared.lips
    gloss *= rng.uniform(0.6, 1.2)

    texture = np.zeros((2 * SHEET, COLUMNS, 2), np.float32)
    texture[:ROWS, :, 0], texture[:ROWS, :, 1] = skin, np.clip(gloss, 0, 1)
    eye = draw_eye(rng, style)
    for column, row in atlas.EYE_CENTRES:
        x, y = column, int(row) - HEIGHT + ROWS
        window = texture[y - 24 : y + 26, x - 25 : x + 25]
        window[..., 0], window[..., 1] = eye, 1
    for (column, row), level, shine in _FLAT:
        x, y = column, row - HEIGHT + ROWS
        texture[y - 10 : y + 10, x - 10 : x + 10] = level, shine
    # One sample stands for a pixel inside a surface; it must not see finer than one.
    texture[:ROWS, :, 0] = cv2.GaussianBlur(texture[:ROWS, :, 0], (0, 0), 0.6)
    if hairdo.shell:
        below = texture[SHEET : SHEET + ROWS]
        below[..., 0] = hair * np.exp(0.28 * strands + 0.25 * smooth_noise(rng, ((12, 0.7),)))
        opaque = (hairdo.above + 0.04 * strands - 0.02) / 0.12
        below[..., 1] = np.clip(opaque, 0, 1) * (1 - shared.ears)
    return texture, hairdo
