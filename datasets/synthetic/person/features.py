"""What a person has of their own: hairline, brows, freckles and moles, eyes; in gray."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32

from mace.datasets.synthetic.head.atlas import COLUMNS, ROWS, THETA, Plane, Y, texel
from mace.datasets.synthetic.head.identity import Style
from mace.datasets.synthetic.head.mesh import hairline
from mace.datasets.synthetic.person.areas import shared_areas, smooth_noise

_THICKNESS = {"short": 0.09, "medium": 0.2, "buzz": 0.0, "bald": 0.0}
_TEXELS_TO_FULL_THICKNESS = 65
_EYE = 22
_IRIS = 0.47
_BROW_LAYERS = 3
_BROW_TOP, _BROW_BOTTOM = (int(texel(0.0, y)[1]) for y in (7.8, 7.2))
_BROW_LEFT, _BROW_RIGHT = (int(texel(theta, 7.0)[0]) for theta in (-0.75, 0.75))


@dataclass(frozen=True)
class Hairdo:
    """Hair: height above its line (ragged), distance inside its area, how thick."""

    above: Plane
    inside: Plane
    thickness: float
    shell: bool


def draw_hairdo(rng: np.random.Generator, style: Style, strands: Plane) -> Hairdo:
    """Draw the hairline of a person whose cut and age are given."""
    recession = max(0.0, rng.normal(0, 0.06)) + (0.14 * style.age if style.male > 0.5 else 0)
    border = hairline(
        THETA[0],
        front=8.02 + rng.normal(0, 0.07),
        temple=7.6 + rng.normal(0, 0.06),
        side=7.12 + rng.normal(0, 0.07),
        widow=max(0.0, rng.normal(0, 0.05)),
        recession=recession,
    )
    above = (Y - border).astype(np.float32)
    hairy = (above > 0.14) & (shared_areas().ears < 0.05)
    ragged = 0.03 * smooth_noise(rng, ((26, 0.7), (190, 0.5))) + 0.03 * strands
    return Hairdo(
        above=above + ragged,
        inside=cv2.distanceTransform(hairy.astype(np.uint8), cv2.DIST_L2, 5),
        thickness=_THICKNESS[style.cut] * float(rng.uniform(0.6, 1.5)),
        shell=style.cut in ("short", "medium"),
    )


def rise(columns: np.ndarray, rows: np.ndarray, hairdo: Hairdo) -> Float32[np.ndarray, " s"]:
    """How far hair stands off the scalp at each texel, in dm.

    It lies on the scalp near its border: a gap below would show the wall behind.
    """
    inside = hairdo.inside[rows.clip(0, ROWS - 1), columns.clip(0, COLUMNS - 1)]
    share = np.clip(inside / _TEXELS_TO_FULL_THICKNESS, 0, 1)
    return (0.006 + hairdo.thickness * share * share * (3 - 2 * share)).astype(np.float32)


def draw_brows(rng: np.random.Generator, style: Style) -> Plane:
    """Opacity of the brows: strokes in a few layers, in a window of the skin."""
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
            column, row = texel(x, y)
            ends = np.stack([column - _BROW_LEFT, row - _BROW_TOP], 2)
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


def draw_spots(rng: np.random.Generator, fair: bool) -> Plane:
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
    centres = (np.stack(texel(places[:, 0], places[:, 1]), 1) * 16).astype(int)
    for centre, radius, dark in zip(centres, (size * 16).astype(int), strength, strict=True):
        cv2.circle(plane, tuple(centre), int(radius), (float(dark),), -1, cv2.LINE_AA, 4)
    return plane


def draw_eye(rng: np.random.Generator, style: Style) -> Plane:
    """Linear gray of an eyeball from in front: white, iris, pupil; 50 x 50 texels."""
    span = np.arange(-25, 25, dtype=np.float32) / _EYE
    radius = np.hypot(span[:, None], span[None])
    sclera = 0.76 * (1 - 0.25 * np.clip(radius - 0.5, 0, 1))
    ring = 1 - 0.75 * np.clip((radius - _IRIS * 0.8) / (_IRIS * 0.2), 0, 1)
    phase = np.arctan2(span[:, None], span[None])
    fibres = 1 + 0.15 * np.sin(phase * 23 + rng.uniform(0, 6))
    iris = style.iris * (0.75 + 0.9 * np.clip(radius / _IRIS, 0, 1) * ring) * fibres
    inside = np.clip((_IRIS - radius) / 0.08, 0, 1)
    pupil = np.clip((rng.uniform(0.15, 0.23) - radius) / 0.06, 0, 1)
    eye = sclera * (1 - inside) + iris * inside
    return (eye * (1 - pupil) + 0.004 * pupil).astype(np.float32)
