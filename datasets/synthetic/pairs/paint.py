"""The skin of a person in gray, at the canvas' resolution: what `synthetic.skin` does in colour.

A canvas pixel is nearly two texels wide, so that nothing finer than it can show is painted.
Everything that all people share (lips, lids, places of blood, of beard) is made once per process.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from jaxtyping import Float32, Int64
from numba import njit

from mace.datasets.synthetic import atlas
from mace.datasets.synthetic.assets import skin_masks
from mace.datasets.synthetic.furrows import ORIGIN, SHAPE, furrow_layers, resting_darkening
from mace.datasets.synthetic.identity import Style
from mace.datasets.synthetic.mesh import hairline
from mace.datasets.synthetic.pairs.figure import BOTTOM, COLUMNS, LEFT, RIGHT, ROWS, SHEET, TOP

Plane = Float32[np.ndarray, "h w"]

_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
_THETA = np.ascontiguousarray(atlas.THETA[:, 2 * LEFT : 2 * RIGHT : 2])
_Y = np.ascontiguousarray(atlas.Y[2 * TOP : 2 * BOTTOM : 2])
# The window of the chart that can fold, where the furrows' own map lies.
FOLDS = (
    slice(ORIGIN[1] // 2 - TOP, ORIGIN[1] // 2 - TOP + SHAPE[0]),
    slice(ORIGIN[0] // 2 - LEFT, ORIGIN[0] // 2 - LEFT + SHAPE[1]),
)
_FLUSH = (
    (-0.62, 6.95, 0.25, 0.20, 1.0),
    (0.62, 6.95, 0.25, 0.20, 1.0),
    (0.0, 6.98, 0.16, 0.12, 0.9),
    (0.0, 6.25, 0.25, 0.12, 0.5),
)
_THICKNESS = {"short": 0.09, "medium": 0.2, "buzz": 0.0, "bald": 0.0}
_TEXELS_TO_FULL_THICKNESS = 65
_EYE = 22
_IRIS = 0.47
# Linear gray and gloss of teeth, mouth, tongue and nostrils.
_FLAT = (
    (atlas.TEETH, 0.62, 0.7),
    (atlas.MOUTH, 0.05, 0.24),
    (atlas.TONGUE, 0.11, 0.47),
    (atlas.NOSTRIL, 0.003, 0.04),
)
# A full beard has at least this density of stubble.
_BEARD = 0.05
_BROW_LAYERS = 3
_BROW_TOP, _BROW_BOTTOM = (int(atlas.texel(0, y)[1]) // 2 - TOP for y in (7.8, 7.2))
_BROW_LEFT, _BROW_RIGHT = (int(atlas.texel(t, 7.0)[0]) // 2 - LEFT for t in (-0.75, 0.75))


@dataclass(frozen=True)
class _Shared:
    lips: Plane
    lids: Plane
    lashes: Plane
    flush: Plane
    rings: Plane
    nostrils: Plane
    oily: Plane
    beard: Plane
    ears: Plane
    pace: Plane


def gray(colour: np.ndarray) -> float:
    """Luminance of a linear colour."""
    return float(np.asarray(colour, np.float32) @ _LUMA)


def _spot(theta: float, y: float, sigma_theta: float, sigma_y: float) -> Plane:
    across = np.exp(-0.5 * ((_THETA - np.float32(theta)) / np.float32(sigma_theta)) ** 2)
    return np.exp(-0.5 * ((_Y - np.float32(y)) / np.float32(sigma_y)) ** 2) * across


def _cut(mask: Plane) -> Plane:
    half = cv2.resize(
        mask, (atlas.WIDTH // 2, atlas.SKIN_HEIGHT // 2), interpolation=cv2.INTER_AREA
    )
    return np.ascontiguousarray(half[TOP:BOTTOM, LEFT:RIGHT])


def _beard_area(lips: Plane) -> Plane:
    side = np.abs(_THETA)
    area = np.clip((6.78 - _Y) / 0.12, 0, 1) * np.clip((_Y - 6.02) / 0.15, 0, 1)
    area = area * np.clip((1.35 - side) / 0.2, 0, 1)
    area *= 1 - 0.4 * np.clip(1.2 * _spot(0, 6.5, 0.12, 0.05), 0, 1)
    area *= 1 - np.clip(lips * 1.3, 0, 1)
    cheek = 6.78 - 0.42 * np.clip(side - 0.35, -0.2, 0.7) + 0.54 * np.clip(side - 0.9, 0, 1)
    return (area * np.where(side > 0.33, np.clip((cheek - _Y) / 0.12, 0, 1), 1)).astype(np.float32)


@cache
def _shared() -> _Shared:
    masks = skin_masks()
    lips, lids, lashes = (_cut(m) for m in (masks.lips, masks.lids, masks.lashes))
    side = np.abs(_THETA)
    ears = np.clip((side - 1.02) / 0.05, 0, 1) * np.clip((2.0 - side) / 0.05, 0, 1)
    return _Shared(
        lips=lips,
        lids=lids,
        lashes=lashes,
        flush=sum((a * _spot(*place) for *place, a in _FLUSH), start=np.zeros_like(lips)),
        rings=_spot(-0.30, 7.10, 0.14, 0.06) + _spot(0.30, 7.10, 0.14, 0.06),
        nostrils=_spot(-0.055, 6.895, 0.022, 0.012) + _spot(0.055, 6.895, 0.022, 0.012),
        oily=_spot(0, 7.0, 0.25, 0.3) + _spot(0, 7.8, 0.6, 0.15),
        beard=_beard_area(lips),
        ears=(ears * np.clip((7.42 - _Y) / 0.05, 0, 1) * (side < 1.75)).astype(np.float32),
        pace=_cut(resting_darkening(1.0)),
    )


def _noise(rng: np.random.Generator, octaves: tuple[tuple[int, float], ...]) -> Plane:
    """Smooth random fields; cells across the window and amplitudes."""
    total = np.zeros((ROWS, COLUMNS), np.float32)
    for cells, amplitude in octaves:
        coarse = rng.standard_normal((cells * ROWS // COLUMNS, cells), dtype=np.float32)
        coarse *= np.float32(amplitude)
        total += cv2.resize(coarse, (COLUMNS, ROWS), interpolation=cv2.INTER_CUBIC)
    return total


@dataclass(frozen=True)
class Hairdo:
    """Hair on the chart: height above its line (ragged), distance inside its area, how thick."""

    above: Plane
    inside: Plane
    thickness: float
    shell: bool


def draw_hairdo(rng: np.random.Generator, style: Style, strands: Plane) -> Hairdo:
    """Draw the hairline of a person whose cut and age are given."""
    recession = max(0.0, rng.normal(0, 0.06)) + (0.14 * style.age if style.male > 0.5 else 0)
    border = hairline(
        _THETA[0],
        front=8.02 + rng.normal(0, 0.07),
        temple=7.6 + rng.normal(0, 0.06),
        side=7.12 + rng.normal(0, 0.07),
        widow=max(0.0, rng.normal(0, 0.05)),
        recession=recession,
    )
    above = (_Y - border).astype(np.float32)
    hairy = (above > 0.14) & (_shared().ears < 0.05)
    ragged = 0.03 * _noise(rng, ((26, 0.7), (190, 0.5))) + 0.03 * strands
    return Hairdo(
        above=above + ragged,
        inside=cv2.distanceTransform(hairy.astype(np.uint8), cv2.DIST_L2, 5),
        thickness=_THICKNESS[style.cut] * float(rng.uniform(0.6, 1.5)),
        shell=style.cut in ("short", "medium"),
    )


def rise(columns: np.ndarray, rows: np.ndarray, hairdo: Hairdo) -> Float32[np.ndarray, " s"]:
    """How far hair stands off the scalp at each place of the chart, in dm.

    It lies on the scalp near its border: a gap below would show the wall behind.
    """
    inside = hairdo.inside[rows.clip(0, ROWS - 1), columns.clip(0, COLUMNS - 1)]
    share = np.clip(inside / _TEXELS_TO_FULL_THICKNESS, 0, 1)
    return (0.006 + hairdo.thickness * share * share * (3 - 2 * share)).astype(np.float32)


def _brows(rng: np.random.Generator, style: Style) -> Plane:
    """Opacity of the brows: strokes in a few layers, in a window of the chart."""
    thickness = rng.uniform(0.45, 1.4) * (1.2 if style.male > 0.5 else 0.75)
    arch, lift, length = (
        rng.uniform(-0.015, 0.06),
        rng.uniform(-0.03, 0.035),
        rng.uniform(0.36, 0.46),
    )
    hairs, strength = int(130 * rng.uniform(0.5, 1.5)), rng.uniform(0.7, 1.0)
    height, width = _BROW_BOTTOM - _BROW_TOP, _BROW_RIGHT - _BROW_LEFT
    clear = np.ones((height, width), np.float32)
    for _ in range(_BROW_LAYERS):
        layer = np.zeros_like(clear)
        for side in (-1, 1):
            along, across = rng.random(hairs) ** 0.9, np.clip(rng.normal(0, 0.5, hairs), -1, 1)
            top = 7.475 + lift + 0.035 * along - 0.12 * np.maximum(along - 0.62, 0) / 0.38
            top += arch * np.sin(np.pi * np.minimum(along * 1.25, 1))
            half = 0.046 * thickness * (1 - 0.72 * along) * (0.65 + 0.35 * np.minimum(1, along * 5))
            slant = np.deg2rad(75 - 70 * along**0.8 - across * 25 + rng.normal(0, 9, hairs))
            size = rng.uniform(0.03, 0.06, hairs)
            x, y = 0.10 + length * along, top + across * half
            x = np.stack([x, x + np.cos(slant) * size], 1) * side
            y = np.stack([y, y + np.sin(slant) * size * 0.8], 1)
            column, row = atlas.texel(x, y)  # pyright: ignore[reportArgumentType]
            ends = np.stack([column / 2 - LEFT - _BROW_LEFT, row / 2 - TOP - _BROW_TOP], 2)
            strokes = np.round(ends * 16).astype(np.int32)
            for shade, part in zip((0.2, 0.35, 0.5), np.array_split(strokes, 3), strict=True):
                colour = (float(shade * strength),)
                cv2.polylines(layer, list(part), False, colour, 1, cv2.LINE_AA, 4)
        clear *= 1 - layer
    brows = 1 - clear
    soft = cv2.GaussianBlur(brows, (0, 0), 1.5) * np.float32(0.85)
    full = np.zeros((ROWS, COLUMNS), np.float32)
    full[_BROW_TOP:_BROW_BOTTOM, _BROW_LEFT:_BROW_RIGHT] = np.clip(np.maximum(brows, soft), 0, 0.95)
    return full


def _spots(rng: np.random.Generator, fair: bool) -> Plane:
    """Freckles and moles."""
    plane = np.zeros((ROWS, COLUMNS), np.float32)
    freckles = int(rng.integers(0, 260) * max(0.0, rng.random() - 0.35) * (1.5 if fair else 0.2))
    places = np.concatenate(
        [
            np.stack([rng.normal(0, 0.55, freckles), rng.normal(7.02, 0.22, freckles)], 1),
            rng.uniform([-0.9, 6.2], [0.9, 7.9], (moles := int(rng.integers(0, 7)), 2)),
        ]
    )
    size = np.concatenate([rng.uniform(0.5, 1, freckles), rng.uniform(1, 2, moles)])
    strength = np.concatenate([rng.uniform(0.1, 0.4, freckles), rng.uniform(0.5, 1.1, moles)])
    column, row = atlas.texel(places[:, 0], places[:, 1])  # pyright: ignore[reportArgumentType]
    centres = np.stack([(column / 2 - LEFT) * 16, (row / 2 - TOP) * 16], 1).astype(int)
    for centre, radius, dark in zip(centres, (size * 16).astype(int), strength, strict=True):
        cv2.circle(plane, tuple(centre), int(radius), (float(dark),), -1, cv2.LINE_AA, 4)
    return plane


def _eye(rng: np.random.Generator, style: Style) -> Plane:
    span = np.arange(-25, 25, dtype=np.float32) / _EYE
    radius = np.hypot(span[:, None], span[None])
    sclera = 0.76 * (1 - 0.25 * np.clip(radius - 0.5, 0, 1))
    ring = 1 - 0.75 * np.clip((radius - _IRIS * 0.8) / (_IRIS * 0.2), 0, 1)
    phase = np.arctan2(span[:, None], span[None])
    fibres = 1 + 0.15 * np.sin(phase * 23 + rng.uniform(0, 6))
    iris = gray(style.iris) * (0.75 + 0.9 * np.clip(radius / _IRIS, 0, 1) * ring) * fibres
    inside = np.clip((_IRIS - radius) / 0.08, 0, 1)
    pupil = np.clip((rng.uniform(0.15, 0.23) - radius) / 0.06, 0, 1)
    eye = sclera * (1 - inside) + iris * inside
    return (eye * (1 - pupil) + 0.004 * pupil).astype(np.float32)


def paint(
    rng: np.random.Generator, style: Style, *, contrast: float
) -> tuple[Float32[np.ndarray, "rows columns 2"], Hairdo]:
    """Paint one person; `contrast` scales the mottling of the skin.

    Returns:
        Linear gray and gloss (opacity on the sheet of the hair layer below), and the hairdo.
    """
    shared = _shared()
    grain = rng.standard_normal((ROWS, COLUMNS), dtype=np.float32)
    fine = rng.standard_normal((ROWS, COLUMNS), dtype=np.float32)
    coarse = rng.standard_normal((ROWS // 27, COLUMNS), dtype=np.float32)
    streaks = cv2.resize(coarse, (COLUMNS, ROWS), interpolation=cv2.INTER_CUBIC)
    strands = 0.55 * streaks + 1.0 * cv2.GaussianBlur(fine, (1, 15), 0)
    hairdo = draw_hairdo(rng, style, strands)

    tone, hair = gray(style.tone), gray(style.hair)
    broad = _noise(rng, ((7, 0.5), (17, 0.4), (52, 0.3)))
    pores = cv2.GaussianBlur(grain, (0, 0), 0.6)
    dark = np.float32(0.05 * contrast) * (broad + _noise(rng, ((130, 0.6), (260, 0.5))))
    dark += np.float32(0.06 * contrast) * pores
    dark -= shared.flush * np.float32(0.4 * rng.uniform(0.05, 0.26))
    dark -= shared.rings * np.float32(rng.uniform(0.05, 0.45))
    dark -= shared.lids * np.float32(rng.uniform(0.05, 0.5))
    dark -= shared.nostrils * np.float32(1.2)
    dark -= _spots(rng, tone > 0.25) * np.float32(0.75)
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
    skin += (brow - skin) * _brows(rng, style)
    lash = rng.uniform(0.5, 0.9) if style.male < 0.5 else rng.uniform(0.2, 0.55)
    skin += (0.012 - skin) * (shared.lashes * np.float32(lash))
    cover = np.zeros((ROWS, COLUMNS), np.float32)
    if style.cut != "bald":
        cover = np.clip((hairdo.above + 0.05 * strands + 0.05) / 0.16, 0, 1)
        cover = cover * cover * (3 - 2 * cover) * (1 - shared.ears)
    stubbly = 0.55 + 0.35 * np.clip(0.6 + 0.5 * grain, 0, 1) if style.cut == "buzz" else 0.95
    skin += (hair * np.exp(0.28 * strands) - skin) * (cover * stubbly)
    neckline = 5.62 + rng.uniform(-0.1, 0.14)
    dressed = np.clip((neckline - _Y) / 0.012, 0, 1).astype(np.float32)
    cloth = atlas.to_linear(rng.uniform(20, 210)) * (1 + 0.06 * streaks)
    skin += (cloth - skin) * dressed

    gloss = 0.42 + 0.25 * shared.oily + 0.06 * grain
    gloss = gloss * (1 - 0.5 * cover) * (1 - 0.9 * dressed) + 0.35 * shared.lips
    gloss *= rng.uniform(0.6, 1.2)

    texture = np.zeros((2 * SHEET, COLUMNS, 2), np.float32)
    texture[:ROWS, :, 0], texture[:ROWS, :, 1] = skin, np.clip(gloss, 0, 1)
    eye = _eye(rng, style)
    for column, row in atlas.EYE_CENTRES:
        x, y = column // 2, (row - atlas.SKIN_HEIGHT) // 2 + ROWS
        window = texture[y - 24 : y + 26, x - 25 : x + 25]
        window[..., 0], window[..., 1] = eye, 1
    for (column, row), level, shine in _FLAT:
        x, y = column // 2, (row - atlas.SKIN_HEIGHT) // 2 + ROWS
        texture[y - 10 : y + 10, x - 10 : x + 10] = level, shine
    # One sample stands for a pixel inside a surface; it must not see finer than one.
    texture[:ROWS, :, 0] = cv2.GaussianBlur(texture[:ROWS, :, 0], (0, 0), 0.6)
    if hairdo.shell:
        below = texture[SHEET : SHEET + ROWS]
        below[..., 0] = hair * np.exp(0.28 * strands + 0.25 * _noise(rng, ((12, 0.7),)))
        opaque = (hairdo.above + 0.04 * strands - 0.02) / 0.12
        below[..., 1] = np.clip(opaque, 0, 1) * (1 - shared.ears)
    return texture, hairdo


@cache
def _layers() -> tuple[Float32[np.ndarray, "k p q"], Int64[np.ndarray, "k 4"]]:
    layers = furrow_layers()
    return np.stack(layers.masks), np.array(layers.windows, np.int64)


@njit(cache=True)
def _fold(
    texture: Float32[np.ndarray, "p q 2"],
    masks: Float32[np.ndarray, "k p q"],
    windows: Int64[np.ndarray, "k 4"],
    activation: Float32[np.ndarray, " k"],
    total: Float32[np.ndarray, "p q"],
    out: Float32[np.ndarray, "p q 2"],
) -> None:
    total[:] = np.float32(0)
    for k in range(masks.shape[0]):
        amount = activation[k]
        if amount > np.float32(1e-4):
            for y in range(windows[k, 0], windows[k, 1]):
                for x in range(windows[k, 2], windows[k, 3]):
                    total[y, x] += masks[k, y, x] * amount
    for y in range(total.shape[0]):
        for x in range(total.shape[1]):
            share = np.float32(1)
            if total[y, x] > np.float32(1e-5):
                share = np.exp(-total[y, x])
            out[y, x, 0] = texture[y, x, 0] * share
            out[y, x, 1] = texture[y, x, 1] * share


def fold(
    texture: Float32[np.ndarray, "rows columns 2"],
    activation: Float32[np.ndarray, " k"],
    out: Float32[np.ndarray, "rows columns 2"],
) -> None:
    """Write the furrows of a movement into `out`, a copy of the texture folded before."""
    masks, windows = _layers()
    total = np.empty(SHAPE, np.float32)
    _fold(texture[FOLDS], masks, windows, activation.astype(np.float32), total, out[FOLDS])
