"""Skin furrows: lines that deepen with the face units that fold the skin there.

The geometry alone shows no crease, since the mesh is coarser than one; a darkening along the lines
of FACS's descriptions of appearance changes stands in for it. The same lines, at rest, are the
wrinkles of age.

Source: Ekman, Friesen and Hager, Facial Action Coding System: the manual, 2002, appearance changes
of AU 1, 2, 4, 6, 7, 9, 10, 12, 14 and 17.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from jaxtyping import Float32

from mace.datasets.synthetic.head import atlas

# The part of the atlas that can fold, at half its resolution: angles ±0.85, heights 6.1–8.0.
_COLUMN, _ROW = (int(v) // 2 * 2 for v in atlas.texel(-0.85, 8.0))
_WIDTH, _HEIGHT = (
    int(v) // 2 - h for v, h in zip(atlas.texel(0.85, 6.1), (_COLUMN // 2, _ROW // 2), strict=True)
)
ORIGIN = (_COLUMN, _ROW)
SHAPE = (_HEIGHT, _WIDTH)

Line = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Furrow:
    """Lines on the right half of the chart that fold together.

    Attributes:
        lines: polylines of (angle in radians, height in decimetres).
        drivers: face units, without their side, and how much each folds the skin.
        width: thickness in atlas texels.
        depth: logarithm of the darkening for a fully active unit.
        age: darkening at rest in an old face.
        blur: softness in atlas texels.
    """

    lines: tuple[Line, ...]
    drivers: dict[str, float]
    width: int
    depth: float
    age: float
    blur: float = 3.0


def _bow(height: float, begin: float, end: float, sag: float) -> Line:
    angles = np.linspace(begin, end, 9)
    middle, half = (begin + end) / 2, (end - begin) / 2
    return tuple((float(a), float(height + sag * (1 - ((a - middle) / half) ** 2))) for a in angles)


FURROWS: dict[str, Furrow] = {
    "glabella": Furrow(
        (
            ((0.062, 7.38), (0.055, 7.47), (0.066, 7.6)),
            ((0.02, 7.44), (0.018, 7.52)),
            ((0.0, 7.335), (0.07, 7.345)),
        ),
        {"browDown": 1.0, "noseSneer": 0.35},
        4,
        0.95,
        0.12,
    ),
    "nose": Furrow(
        (
            ((0.0, 7.24), (0.07, 7.26)),
            ((0.03, 7.16), (0.09, 7.21), (0.13, 7.21)),
            ((0.05, 7.08), (0.11, 7.13), (0.16, 7.12)),
        ),
        {"noseSneer": 1.0},
        3,
        0.8,
        0.02,
        2.5,
    ),
    "forehead_inner": Furrow(
        tuple(_bow(y, 0.0, 0.3, 0.02) for y in (7.68, 7.8, 7.92)),
        {"browInnerUp": 1.0},
        3,
        0.5,
        0.14,
    ),
    "forehead_outer": Furrow(
        tuple(_bow(y, 0.2, 0.6, 0.02) for y in (7.66, 7.77, 7.89)),
        {"browOuterUp": 1.0},
        3,
        0.5,
        0.1,
    ),
    "crow": Furrow(
        tuple(
            tuple((t, 7.27 + k * 0.055 + (t - 0.6) * 0.16 * k) for t in (0.58, 0.65, 0.74))
            for k in (-1, 0, 1)
        ),
        {"cheekSquint": 1.0, "eyeSquint": 0.5},
        2,
        0.6,
        0.14,
        2.0,
    ),
    "lower_lid": Furrow(
        (((0.18, 7.13), (0.3, 7.08), (0.42, 7.1)),),
        {"eyeSquint": 0.8, "lidTighten": 0.8, "cheekSquint": 0.6},
        4,
        0.4,
        0.1,
    ),
    "nasolabial": Furrow(
        (((0.14, 6.97), (0.2, 6.9), (0.25, 6.82), (0.28, 6.73), (0.285, 6.64)),),
        {
            "mouthSmile": 0.8,
            "mouthUpperUp": 0.8,
            "cheekLift": 0.5,
            "noseSneer": 0.5,
            "cheekSquint": 0.3,
        },
        5,
        0.5,
        0.16,
        4.0,
    ),
    "dimple": Furrow(
        (((0.22, 6.75), (0.24, 6.69), (0.23, 6.63)),),
        {"mouthDimple": 1.0, "cornerTighten": 1.0},
        5,
        0.8,
        0.03,
    ),
    "corner": Furrow(
        (((0.19, 6.65), (0.22, 6.58), (0.23, 6.51)),),
        {"mouthFrown": 1.0},
        4,
        0.5,
        0.12,
    ),
    "chin": Furrow(
        (((0.0, 6.5), (0.06, 6.49), (0.1, 6.47)),),
        {"mouthShrugLower": 1.0},
        5,
        0.5,
        0.06,
        4.0,
    ),
}


@dataclass(frozen=True)
class FurrowLayers:
    """Masks of all furrows, left and right apart.

    Attributes:
        masks: 0 to 1 on the folding part of the atlas.
        windows: (row begin, row end, column begin, column end) outside of which a mask is 0.
        drivers: per layer the face units, with their side, and their weights times the depth.
        age: darkening at rest per layer.
    """

    masks: tuple[Float32[np.ndarray, "p q"], ...]
    windows: tuple[tuple[int, int, int, int], ...]
    drivers: tuple[dict[str, float], ...]
    age: tuple[float, ...]


def _draw(furrow: Furrow, mirror: float) -> Float32[np.ndarray, "p q"]:
    mask = np.zeros(SHAPE, np.float32)
    for line in furrow.lines:
        texels = [atlas.texel(mirror * theta, y) for theta, y in line]
        points = [((u - _COLUMN) / 2 * 16, (v - _ROW) / 2 * 16) for u, v in texels]
        cv2.polylines(
            mask,
            [np.array(points, np.int32)],
            False,
            (1.0,),
            max(furrow.width // 2, 1),
            cv2.LINE_AA,
            4,
        )
    return cv2.GaussianBlur(mask, (0, 0), furrow.blur / 2)


# The pack's browInnerUp has no sides, and the chin unit neither.
_MIDDLE = ("browInnerUp", "mouthShrugLower")


@cache
def furrow_layers() -> FurrowLayers:
    """Draw all furrows once per process."""
    masks, windows, drivers, ages = [], [], [], []
    # A positive angle lies at positive x, the subject's left.
    for side, mirror in (("Left", 1.0), ("Right", -1.0)):
        for furrow in FURROWS.values():
            mask = _draw(furrow, mirror)
            rows, columns = np.flatnonzero(mask.max(1) > 1e-3), np.flatnonzero(mask.max(0) > 1e-3)
            windows.append((rows[0], rows[-1] + 1, columns[0], columns[-1] + 1))
            masks.append(mask)
            drivers.append(
                {
                    unit if unit in _MIDDLE else unit + side: weight * furrow.depth
                    for unit, weight in furrow.drivers.items()
                }
            )
            ages.append(furrow.age)
    return FurrowLayers(tuple(masks), tuple(windows), tuple(drivers), tuple(ages))


def darkening(activation: Float32[np.ndarray, " k"]) -> Float32[np.ndarray, "p q"]:
    """Share of light lost on the folding part of the atlas, for the activation of each layer."""
    layers = furrow_layers()
    total = np.zeros(SHAPE, np.float32)
    for mask, (top, bottom, left, right), amount in zip(
        layers.masks, layers.windows, activation, strict=True
    ):
        if amount > 0:
            total[top:bottom, left:right] += mask[top:bottom, left:right] * amount
    return 1 - np.exp(-total)


def driver_matrix(units: tuple[str, ...]) -> Float32[np.ndarray, "units k"]:
    """How much each face unit activates each furrow layer."""
    layers = furrow_layers()
    matrix = np.zeros((len(units), len(layers.drivers)), np.float32)
    for k, drivers in enumerate(layers.drivers):
        for unit, weight in drivers.items():
            matrix[units.index(unit), k] = weight
    return matrix


def resting_darkening(age: float) -> Float32[np.ndarray, "h w"]:
    """Wrinkles of a resting face of `age` (0 to 1) on the whole skin chart."""
    share = darkening(np.array(furrow_layers().age, np.float32) * np.float32(0.3 + 2.2 * age))
    full = np.zeros((atlas.SKIN_HEIGHT, atlas.WIDTH), np.float32)
    large = cv2.resize(share, (_WIDTH * 2, _HEIGHT * 2), interpolation=cv2.INTER_LINEAR)
    full[_ROW : _ROW + 2 * _HEIGHT, _COLUMN : _COLUMN + 2 * _WIDTH] = large
    return full
