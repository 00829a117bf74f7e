"""What stands around the face: lamps, a wall, glasses."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, Float64

from mace.datasets.synthetic.geometry.camera import View
from mace.datasets.synthetic.person.person import Person
from mace.datasets.synthetic.picture.picture_config import PictureConfig

MARGIN = 16
"""Px of a wall beyond the picture on each side, for one that moves."""

_GLASSES_STREAM = 0x61A55
_FINE = 16


@dataclass(frozen=True)
class Lamps:
    """A key lamp, a weak fill from the other side, and light from everywhere, in gray."""

    key: Float32[np.ndarray, " 3"]
    fill: Float32[np.ndarray, " 3"]
    key_power: float
    fill_power: float
    ambient_power: float
    flicker: float


def draw_lamps(rng: np.random.Generator, person: Person, config: PictureConfig) -> Lamps:
    """Draw lamps, exposed for the person's skin as a camera would, though not wholly."""
    level = config.light
    across, up, key_share, ambient_share, weak, side, flicker = rng.normal([0, 0, 0, 0, 0, 0, 0], 1)
    hard = rng.random() < config.hard
    key = np.array([0.4 * level * across, 0.45 + 0.22 * level * up, 1.0])
    if hard:
        key[0] = np.sign(side) * (0.7 + 0.3 * abs(side))
    key /= np.linalg.norm(key)
    fill = np.array([-np.sign(key[0] or 1) * 0.8, 0.1, 0.7])
    exposure = 1.05 * (0.35 / max(person.style.tone, 0.03)) ** 0.35
    ambient = 0.47 * np.exp(0.15 * level * ambient_share) * (0.5 if hard else 1.0)
    return Lamps(
        key=key.astype(np.float32),
        fill=(fill / np.linalg.norm(fill)).astype(np.float32),
        key_power=float(exposure * 0.65 * np.exp(0.2 * level * key_share) * (1.3 if hard else 1)),
        fill_power=float(exposure * 0.15 * np.exp(0.3 * level * weak)),
        ambient_power=float(exposure * ambient),
        flicker=float(np.exp(0.01 * config.flicker * flicker)),
    )


def draw_wall(
    rng: np.random.Generator, config: PictureConfig, *, height: int, width: int
) -> Float32[np.ndarray, "b c"]:
    """Draw the wall behind the head in linear light: a picture's size and `MARGIN` about it."""
    level = float(rng.uniform(0.06, 0.7))
    soft = rng.standard_normal((3, 4), dtype=np.float32)
    spots = rng.standard_normal((20, 20), dtype=np.float32)
    strength = rng.random() ** 2
    size = (width + 2 * MARGIN, height + 2 * MARGIN)
    plane = np.full(size[::-1], level, np.float32)
    if config.backdrop > 0:
        pattern = cv2.resize(soft, size, interpolation=cv2.INTER_CUBIC)
        pattern *= np.float32(0.15 * config.backdrop)
        fine = cv2.resize(spots, size, interpolation=cv2.INTER_CUBIC)
        plane *= np.exp(pattern + fine * np.float32(0.3 * config.backdrop * strength))
    return plane


def wall_on(
    wall: Float32[np.ndarray, "b c"],
    linear: Float64[np.ndarray, "2 2"],
    offset: Float64[np.ndarray, " 2"],
) -> Float32[np.ndarray, "h w"]:
    """Return the wall in a picture that is (linear, offset) of the first."""
    matrix = np.empty((2, 3))
    matrix[:, :2] = linear
    matrix[:, 2] = offset - linear @ np.full(2, float(MARGIN))
    size = (wall.shape[1] - 2 * MARGIN, wall.shape[0] - 2 * MARGIN)
    return cv2.warpAffine(
        wall, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


@dataclass(frozen=True)
class Glasses:
    """Lines on the head in dm, drawn `width` halves of a px wide in linear gray."""

    lines: tuple[Float32[np.ndarray, "k 3"], ...]
    width: int
    shade: float
    opacity: float


def draw_glasses(person: Person, config: PictureConfig) -> Glasses | None:
    """The glasses of a person, or None: a habit, hence the same in all the person's pictures."""
    rng = np.random.default_rng([_GLASSES_STREAM, person.seed])
    wears = rng.random() < config.glasses
    wide, high, corner = rng.uniform([0.22, 0.14, 2.0], [0.29, 0.22, 5.0])
    thick, shade, drop = rng.uniform([1.2, 0.005, -0.05], [3.2, 0.25, 0.02])
    opacity = rng.uniform(0.6, 1.0)
    if not wears:
        return None
    angles = np.linspace(0, 2 * np.pi, 33)
    # A superellipse: an ellipse at exponent 2, nearly a rectangle at 5.
    cos, sin = np.cos(angles), np.sin(angles)
    radius = (np.abs(cos) ** corner + np.abs(sin) ** corner) ** (-1 / corner)
    lines, inner, outer = [], [], []
    for side, eye in zip((1, -1), person.eyes, strict=True):
        middle = eye.centre + np.array([0.02 * side, drop, eye.radius + 0.14], np.float32)
        rim = np.stack([radius * cos * wide, radius * sin * high, 0 * cos], 1) + middle
        lines.append(rim.astype(np.float32))
        top = middle + np.array([0, high * 0.4, 0], np.float32)
        inner.append(top - np.array([side * wide, 0, 0], np.float32))
        edge = top + np.array([side * wide, 0, 0], np.float32)
        outer.append(np.stack([edge, edge + np.array([side * 0.1, 0, -0.35], np.float32)]))
    bridge = (inner[0] + inner[1]) / 2 + np.array([0, 0.03, 0.05], np.float32)
    lines.append(np.stack([inner[0], bridge, inner[1]]).astype(np.float32))
    lines += [line.astype(np.float32) for line in outer]
    return Glasses(tuple(lines), max(1, round(thick)), float(shade), float(opacity))


def wear(
    light: Float32[np.ndarray, "h w"], glasses: Glasses, view: View
) -> Float32[np.ndarray, "h w"]:
    """Draw the glasses over the face, at twice the resolution."""
    height, width = light.shape
    mask = np.zeros((2 * height, 2 * width), np.uint8)
    lines = [
        np.round((view.project(line) * 2 + 0.5) * _FINE).astype(np.int32) for line in glasses.lines
    ]
    cv2.polylines(mask, lines, False, (255,), glasses.width, cv2.LINE_AA, 4)
    share = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    share *= np.float32(glasses.opacity / 255)
    return light + (np.float32(glasses.shade) - light) * share
