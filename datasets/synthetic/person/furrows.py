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
from jaxtyping import Float32, Int64
from numba import njit

from mace.datasets.synthetic.head import atlas
from mace.datasets.synthetic.head.assets import UNIT_NAMES, sided

# The part of the skin that can fold: angles ±0.85, heights 6.1-8.0.
_LEFT, _TOP = (int(v) for v in atlas.texel(-0.85, 8.0))
_RIGHT, _BOTTOM = (int(v) for v in atlas.texel(0.85, 6.1))
FOLDS = (slice(_TOP, _BOTTOM), slice(_LEFT, _RIGHT))
_SHAPE = (_BOTTOM - _TOP, _RIGHT - _LEFT)

Line = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Furrow:
    """Lines on the left half of the face that fold together.

    Attributes:
        lines: polylines of (angle in radians, height in decimetres).
        drivers: face units, without their side, and how much each folds the skin.
        width: thickness in texels.
        depth: logarithm of the darkening for a fully active unit.
        age: darkening at rest in an old face.
        blur: softness in texels.
    """

    lines: tuple[Line, ...]
    drivers: dict[str, float]
    width: int
    depth: float
    age: float
    blur: float = 1.5


def _bow(height: float, begin: float, end: float) -> Line:
    angles = np.linspace(begin, end, 9)
    middle, half = (begin + end) / 2, (end - begin) / 2
    return tuple(
        (float(a), float(height + 0.02 * (1 - ((a - middle) / half) ** 2))) for a in angles
    )


def _crow(step: int) -> Line:
    return tuple((t, 7.27 + step * 0.055 + (t - 0.6) * 0.16 * step) for t in (0.58, 0.65, 0.74))


# fmt: off
FURROWS: dict[str, Furrow] = {
    "glabella": Furrow(
        (((0.062, 7.38), (0.055, 7.47), (0.066, 7.6)), ((0.02, 7.44), (0.018, 7.52)),
         ((0.0, 7.335), (0.07, 7.345))),
        {"browDown": 1.0, "noseSneer": 0.35}, width=2, depth=0.95, age=0.12),
    "nose": Furrow(
        (((0.0, 7.24), (0.07, 7.26)), ((0.03, 7.16), (0.09, 7.21), (0.13, 7.21)),
         ((0.05, 7.08), (0.11, 7.13), (0.16, 7.12))),
        {"noseSneer": 1.0}, width=1, depth=0.8, age=0.02, blur=1.25),
    "forehead_inner": Furrow(
        tuple(_bow(y, 0.0, 0.3) for y in (7.68, 7.8, 7.92)),
        {"browInnerUp": 1.0}, width=1, depth=0.5, age=0.14),
    "forehead_outer": Furrow(
        tuple(_bow(y, 0.2, 0.6) for y in (7.66, 7.77, 7.89)),
        {"browOuterUp": 1.0}, width=1, depth=0.5, age=0.1),
    "crow": Furrow(
        (_crow(-1), _crow(0), _crow(1)),
        {"cheekSquint": 1.0, "eyeSquint": 0.5}, width=1, depth=0.6, age=0.14, blur=1.0),
    "lower_lid": Furrow(
        (((0.18, 7.13), (0.3, 7.08), (0.42, 7.1)),),
        {"eyeSquint": 0.8, "lidTighten": 0.8, "cheekSquint": 0.6}, width=2, depth=0.4, age=0.1),
    "nasolabial": Furrow(
        (((0.14, 6.97), (0.2, 6.9), (0.25, 6.82), (0.28, 6.73), (0.285, 6.64)),),
        {"mouthSmile": 0.8, "mouthUpperUp": 0.8, "cheekLift": 0.5, "noseSneer": 0.5,
         "cheekSquint": 0.3}, width=2, depth=0.5, age=0.16, blur=2.0),
    "dimple": Furrow(
        (((0.22, 6.75), (0.24, 6.69), (0.23, 6.63)),),
        {"mouthDimple": 1.0, "cornerTighten": 1.0}, width=2, depth=0.8, age=0.03),
    "corner": Furrow(
        (((0.19, 6.65), (0.22, 6.58), (0.23, 6.51)),),
        {"mouthFrown": 1.0}, width=2, depth=0.5, age=0.12),
    "chin": Furrow(
        (((0.0, 6.5), (0.06, 6.49), (0.1, 6.47)),),
        {"mouthShrugLower": 1.0}, width=2, depth=0.5, age=0.06, blur=2.0),
}
# fmt: on


@dataclass(frozen=True)
class FurrowLayers:
    """All furrows, left and right apart.

    Attributes:
        masks: 0 to 1 on the part of the skin that can fold.
        windows: row begin, row end, column begin, column end, outside of which a mask is 0.
        drivers: darkening (log) of each layer by each of `UNIT_NAMES`.
        age: darkening at rest in an old face.
    """

    masks: Float32[np.ndarray, "k p q"]
    windows: Int64[np.ndarray, "k 4"]
    drivers: Float32[np.ndarray, "units k"]
    age: Float32[np.ndarray, " k"]


@cache
def furrow_layers() -> FurrowLayers:
    """Draw all furrows once per process."""
    # A positive angle lies at positive x, the subject's left.
    sides = [(side, furrow) for side in (0, 1) for furrow in FURROWS.values()]
    masks, windows = np.zeros((len(sides), *_SHAPE), np.float32), np.empty((len(sides), 4), int)
    drivers = np.zeros((len(UNIT_NAMES), len(sides)), np.float32)
    for k, (side, furrow) in enumerate(sides):
        mask = _draw(furrow, 1.0 - 2 * side)
        rows, columns = (np.flatnonzero(mask.max(axis) > 1e-3) for axis in (1, 0))
        top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
        masks[k, top:bottom, left:right] = mask[top:bottom, left:right]
        windows[k] = top, bottom, left, right
        for unit, weight in furrow.drivers.items():
            # A unit that has no sides folds both.
            driver = (2 * sided(unit))[side]
            drivers[UNIT_NAMES.index(driver), k] = weight * furrow.depth
    age = np.array([furrow.age for _, furrow in sides], np.float32)
    return FurrowLayers(masks, windows, drivers, age)


def _draw(furrow: Furrow, mirror: float) -> Float32[np.ndarray, "p q"]:
    mask = np.zeros(_SHAPE, np.float32)
    for line in furrow.lines:
        texels = [atlas.texel(mirror * theta, y) for theta, y in line]
        points = [((u - _LEFT) * 16, (v - _TOP) * 16) for u, v in texels]
        cv2.polylines(
            mask, [np.array(points, np.int32)], False, (1.0,), furrow.width, cv2.LINE_AA, 4
        )
    return cv2.GaussianBlur(mask, (0, 0), furrow.blur)


def oldest_wrinkles() -> atlas.Plane:
    """Share of light that the furrows of the oldest face take at rest."""
    layers = furrow_layers()
    total = np.zeros(_SHAPE, np.float32)
    for mask, amount in zip(layers.masks, layers.age * np.float32(2.5), strict=True):
        total += mask * amount
    # Wider than the furrows of a movement.
    soft = cv2.resize(1 - np.exp(-total), (2 * _SHAPE[1], 2 * _SHAPE[0]))
    skin = np.zeros((atlas.ROWS, atlas.COLUMNS), np.float32)
    skin[FOLDS] = cv2.resize(soft, _SHAPE[::-1], interpolation=cv2.INTER_AREA)
    return skin


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
    weights: Float32[np.ndarray, " units"],
    out: Float32[np.ndarray, "rows columns 2"],
) -> None:
    """Write the furrows of a face whose units have the given weights into a copy of its texture."""
    layers = furrow_layers()
    activation = np.clip(weights @ layers.drivers, 0, None).astype(np.float32)
    total = np.empty(_SHAPE, np.float32)
    _fold(texture[FOLDS], layers.masks, layers.windows, activation, total, out[FOLDS])
