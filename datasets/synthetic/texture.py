"""The whole texture of one identity: skin, irises, flat patches, and the hair layer below."""

import numpy as np
from jaxtyping import Float32, UInt8

from mace.datasets.synthetic import atlas
from mace.datasets.synthetic.hair import Hair, paint_hair
from mace.datasets.synthetic.identity import Style
from mace.datasets.synthetic.skin import paint_skin

_IRIS, _PATCH = 0.47, 50
_FLAT = (
    (atlas.TEETH, (222, 212, 196), 180),
    (atlas.MOUTH, (92, 40, 36), 60),
    (atlas.TONGUE, (150, 80, 76), 120),
    (atlas.NOSTRIL, (26, 12, 10), 10),
)


def paint_eye(rng: np.random.Generator, style: Style) -> Float32[np.ndarray, "100 100 3"]:
    """Sclera with veins, fibrous iris with a dark ring, pupil; linear colour.

    The radius is 1 at `atlas.EYE_RADIUS` texels.
    """
    rows, columns = np.mgrid[-_PATCH:_PATCH, -_PATCH:_PATCH].astype(np.float32) / atlas.EYE_RADIUS
    radius, phase = np.hypot(rows, columns), np.arctan2(rows, columns)
    size = (2 * _PATCH, 2 * _PATCH)
    veins = np.abs(atlas.value_noise(rng, ((30, 0.6), (60, 0.4)), size)) * np.clip(radius, 0, 1)
    sclera = atlas.to_linear([228, 220, 212]) * (1 - 0.25 * np.clip(radius - 0.5, 0, 1))[..., None]
    sclera = sclera * np.stack([np.ones_like(veins), 1 - 0.05 * veins, 1 - 0.05 * veins], -1)
    fibres = 1 + 0.125 * np.sin(phase * 37 + rng.uniform(0, 6))
    fibres += 0.22 * atlas.value_noise(rng, ((40, 1.0),), size)
    ring = 1 - 0.75 * np.clip((radius - _IRIS * 0.8) / (_IRIS * 0.2), 0, 1)
    iris = style.iris * ((0.75 + 0.9 * np.clip(radius / _IRIS, 0, 1) * ring) * fibres)[..., None]
    inside = np.clip((_IRIS - radius) / 0.04, 0, 1)[..., None]
    pupil = np.clip((rng.uniform(0.15, 0.23) - radius) / 0.03, 0, 1)[..., None]
    eye = sclera * (1 - inside) + iris * inside
    return (eye * (1 - pupil) + np.float32(0.004) * pupil).astype(np.float32)


def paint_texture(
    rng: np.random.Generator, style: Style, hair: Hair
) -> UInt8[np.ndarray, "rows columns 4"]:
    """Paint everything: RGB as displayed; the fourth channel is gloss, or the shell's opacity."""
    texture = np.zeros((2 * atlas.HEIGHT, atlas.WIDTH, 4), np.uint8)
    skin, gloss = paint_skin(rng, style, hair)
    texture[: atlas.SKIN_HEIGHT, :, :3] = atlas.to_display(skin)
    texture[: atlas.SKIN_HEIGHT, :, 3] = (gloss * 255).astype(np.uint8)
    eye = atlas.to_display(paint_eye(rng, style))
    for column, row in atlas.EYE_CENTRES:
        window = texture[row - 49 : row + 51, column - _PATCH : column + _PATCH]
        window[..., :3], window[..., 3] = eye, 255
    for (column, row), colour, shine in _FLAT:
        window = texture[row - 20 : row + 20, column - 20 : column + 20]
        window[..., :3], window[..., 3] = colour, shine
    below = slice(atlas.HEIGHT, atlas.HEIGHT + atlas.SKIN_HEIGHT)
    texture[below] = paint_hair(rng, hair, style)
    return texture
