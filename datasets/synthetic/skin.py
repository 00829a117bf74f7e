"""Skin: tone, mottling, redness, freckles, lips, lids, brows, beard, scalp and clothes."""

import cv2
import numpy as np
from jaxtyping import Float32

from mace.datasets.synthetic import atlas
from mace.datasets.synthetic.assets import skin_masks
from mace.datasets.synthetic.atlas import SKIN_HEIGHT, THETA, WIDTH, Y, gaussian, value_noise
from mace.datasets.synthetic.brows import paint_brows, paint_stubble
from mace.datasets.synthetic.furrows import resting_darkening
from mace.datasets.synthetic.hair import Hair, scalp_cover
from mace.datasets.synthetic.identity import Style

# Blood shows on cheeks, nose, ears and chin: angle, height, two widths, strength.
_FLUSH = (
    (-0.62, 6.95, 0.25, 0.20, 1.0),
    (0.62, 6.95, 0.25, 0.20, 1.0),
    (0.0, 6.98, 0.16, 0.12, 0.9),
    (-1.5, 7.0, 0.25, 0.30, 0.8),
    (1.5, 7.0, 0.25, 0.30, 0.8),
    (0.0, 6.25, 0.25, 0.12, 0.5),
)
# Absorption of red, green and blue by blood, by thin dark skin, and by melanin in freckles.
_BLOOD = np.array([0.25, -0.55, -0.5], np.float32)
_SHADOW = np.array([-0.8, -1.05, -0.8], np.float32)
_MELANIN = np.array([-0.5, -0.8, -1.0], np.float32)

Plane = Float32[np.ndarray, "h w"]


def _absorb(plane: Plane, spectrum: np.ndarray) -> np.ndarray:
    return np.exp(plane.astype(np.float32)[..., None] * spectrum)


def _blend(skin: np.ndarray, colour: np.ndarray, opacity: Plane) -> np.ndarray:
    # In place and in float32: the chart is large, and painting it is what a subject costs.
    share = opacity.astype(np.float32)[..., None]
    skin *= 1 - share
    skin += np.asarray(colour, np.float32) * share
    return skin


def _spots(rng: np.random.Generator, fair: bool) -> Plane:
    """Freckles on nose and cheeks, and a few moles anywhere."""
    plane = np.zeros((SKIN_HEIGHT, WIDTH), np.float32)
    freckles = int(rng.integers(0, 260) * max(0.0, rng.random() - 0.35) * (1.5 if fair else 0.2))
    dots = [
        (rng.normal(0, 0.55), rng.normal(7.02, 0.22), rng.integers(1, 3), rng.uniform(0.1, 0.4))
        for _ in range(freckles)
    ]
    dots += [
        (rng.uniform(-0.9, 0.9), rng.uniform(6.2, 7.9), rng.integers(2, 5), rng.uniform(0.5, 1.1))
        for _ in range(rng.integers(0, 7))
    ]
    for theta, y, radius, strength in dots:
        column, row = atlas.texel(theta, y)
        centre = (int(column), int(row))
        cv2.circle(plane, centre, int(radius), (float(strength),), -1, cv2.LINE_AA)
    return cv2.GaussianBlur(plane, (0, 0), 0.9)


def _nostril_rims() -> Plane:
    """Soft dark spots where the skin turns into the nostrils, which take in no light."""
    return gaussian(-0.055, 6.895, 0.022, 0.012) + gaussian(0.055, 6.895, 0.022, 0.012)


def _lip_colour(rng: np.random.Generator, style: Style) -> np.ndarray:
    colour = style.tone * np.array([0.80, 0.52, 0.52], np.float32) * rng.normal(1, 0.07, 3)
    painted = style.male < 0.5 and rng.random() < 0.45
    return colour * np.array([0.95, 0.6, 0.65]) if painted else colour


def _clothes(rng: np.random.Generator, grain: Plane) -> tuple[np.ndarray, Plane]:
    colour = rng.uniform(20, 210) * np.clip(rng.normal(1, 0.25, 3), 0.3, 1.6)
    vee = rng.uniform(0, 0.3) if rng.random() < 0.4 else 0.0
    neckline = 5.62 + rng.uniform(-0.1, 0.14) - vee * np.exp(-((THETA / 0.35) ** 2))
    cloth = 1 + 0.1 * value_noise(rng, ((30, 0.6), (300, 0.6))) + 0.05 * grain
    cover = np.clip((neckline - Y) / 0.012, 0, 1).astype(np.float32)
    return atlas.to_linear(np.clip(colour, 8, 235)) * cloth[..., None], cover


def paint_skin(
    rng: np.random.Generator, style: Style, hair: Hair
) -> tuple[Float32[np.ndarray, "h w 3"], Plane]:
    """Paint the skin chart.

    Returns:
        Linear colour, and gloss from 0 to 1.
    """
    masks = skin_masks()
    broad = value_noise(rng, ((8, 0.5), (20, 0.4), (60, 0.3)))
    close = value_noise(rng, ((150, 0.5), (420, 0.6)))
    grain = rng.standard_normal((SKIN_HEIGHT, WIDTH), dtype=np.float32)
    pores = cv2.GaussianBlur(grain, (0, 0), 0.8)
    skin = style.tone * np.exp(0.05 * broad + 0.035 * close + 0.05 * pores)[..., None]

    flush = sum((a * gaussian(t, y, st, sy) for t, y, st, sy, a in _FLUSH), start=np.float32(0))
    skin *= _absorb(flush * rng.uniform(0.05, 0.26) + 0.05 * broad, _BLOOD)
    rings = gaussian(-0.30, 7.10, 0.14, 0.06) + gaussian(0.30, 7.10, 0.14, 0.06)
    thin = rings * rng.uniform(0.05, 0.45) + masks.lids * rng.uniform(0.05, 0.5)
    skin *= _absorb(thin, _SHADOW)
    skin *= (1 - resting_darkening(style.age) * rng.uniform(0.5, 1.2))[..., None]
    skin *= _absorb(_spots(rng, bool(style.tone.mean() > 0.25)), _MELANIN)
    skin *= _absorb(_nostril_rims() * 1.2, _SHADOW)

    streaks = 1 + 0.1 * value_noise(rng, ((300, 1.0),))
    lips = _lip_colour(rng, style) * streaks[..., None]
    skin = _blend(skin, lips, np.clip(masks.lips * 1.15, 0, 1) * 0.85)
    if style.beard > 0.05:
        skin = _blend(skin, style.hair * 0.9 + 0.012, paint_stubble(style, grain))
    brow = np.minimum(style.hair * rng.uniform(0.5, 0.9), style.tone * 0.4)
    skin = _blend(skin, brow, paint_brows(rng, style))
    lash = rng.uniform(0.5, 0.9) if style.male < 0.5 else rng.uniform(0.2, 0.55)
    skin = _blend(skin, np.full(3, 0.012), masks.lashes * np.float32(lash))

    cover = scalp_cover(hair, style)
    stubbly = 0.55 + 0.35 * np.clip(0.6 + 0.5 * grain, 0, 1) if style.cut == "buzz" else 0.95
    strands = style.hair * np.exp(0.28 * hair.strands)[..., None]
    skin = _blend(skin, strands, cover * stubbly)
    fabric, dressed = _clothes(rng, grain)
    skin = _blend(skin, fabric, dressed)

    oily = gaussian(0, 7.0, 0.25, 0.3) + gaussian(0, 7.8, 0.6, 0.15)
    gloss = 0.42 + 0.25 * oily + 0.06 * grain
    gloss = gloss * (1 - 0.5 * cover) * (1 - 0.9 * dressed) + 0.35 * masks.lips
    return skin.astype(np.float32), np.clip(gloss * rng.uniform(0.6, 1.2), 0, 1).astype(np.float32)
