"""Lamps of a recording room, and what they do to every vertex."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32
from numba import njit

from mace.datasets.synthetic.atlas import to_linear

_ZERO, _ONE = np.float32(0), np.float32(1)


@dataclass(frozen=True)
class Light:
    """A key lamp with shadows, a weak fill from the other side, and light from everywhere."""

    key: Float32[np.ndarray, " 3"]
    fill: Float32[np.ndarray, " 3"]
    key_colour: Float32[np.ndarray, " 3"]
    ambient_colour: Float32[np.ndarray, " 3"]
    fill_strength: float
    exposure: float
    backdrop: Float32[np.ndarray, "3 4 3"]

    def background(self, width: int, height: int) -> Float32[np.ndarray, "h w 3"]:
        """The softly shaded wall behind the head, in linear colour."""
        return cv2.resize(self.backdrop, (width, height), interpolation=cv2.INTER_CUBIC)


def draw_light(rng: np.random.Generator) -> Light:
    """Draw a laboratory's frontal, rather diffuse light."""
    key = np.array([rng.normal(0, 0.4), rng.normal(0.45, 0.22), 1.0])
    key /= np.linalg.norm(key)
    fill = np.array([-np.sign(key[0]) * 0.8, 0.1, 0.7])
    warm, cool = rng.normal(0, 0.05), rng.normal(0, 0.04)
    wall = to_linear(
        np.clip(rng.uniform(60, 220) * np.clip(rng.normal(1, 0.07, 3), 0.8, 1.2), 0, 255)
    )
    return Light(
        key=key.astype(np.float32),
        fill=(fill / np.linalg.norm(fill)).astype(np.float32),
        key_colour=np.float32(rng.uniform(0.45, 0.85))
        * np.array([1 + warm, 1, 1 - warm], np.float32),
        ambient_colour=np.float32(rng.uniform(0.35, 0.6))
        * np.array([1 - cool, 1, 1 + cool], np.float32),
        fill_strength=float(rng.uniform(0.08, 0.25)),
        exposure=float(rng.uniform(0.9, 1.25)),
        backdrop=wall * np.exp(0.12 * rng.standard_normal((3, 4, 1), dtype=np.float32)),
    )


@njit(fastmath=True, cache=True)
def light_vertices(
    normals: Float32[np.ndarray, "n 3"],
    sky: Float32[np.ndarray, " n"],
    lit: Float32[np.ndarray, " n"],
    kind: np.ndarray,
    key: Float32[np.ndarray, " 3"],
    fill: Float32[np.ndarray, " 3"],
    key_colour: Float32[np.ndarray, " 3"],
    ambient_colour: Float32[np.ndarray, " 3"],
    fill_strength: np.float32,
    exposure: np.float32,
    hair_shine: np.float32,
    diffuse: Float32[np.ndarray, "n 3"],
    specular: Float32[np.ndarray, " n"],
) -> None:
    """Fill `diffuse` and `specular` per vertex.

    Wrapped diffuse light, wider in red, stands for scattering under the skin; the highlight is
    Blinn's with Schlick's grazing term. `kind` is 0 skin, 1 eyeball, 2 hair; `sky` is the ambient
    occlusion and `lit` the share of the key lamp that is not shadowed.

    Source: Green, Real-time approximations to subsurface scattering, GPU Gems, 2004 (wrap); Blinn,
    Models of light reflection for computer synthesized pictures, SIGGRAPH 1977; Schlick, An
    inexpensive BRDF model, Computer Graphics Forum 13(3), 1994.
    """
    wrap = np.array([0.32, 0.16, 0.10], np.float32)
    hx, hy, hz = key[0], key[1], key[2] + _ONE
    half = np.sqrt(hx * hx + hy * hy + hz * hz)
    hx, hy, hz = hx / half, hy / half, hz / half
    power = (key_colour[0] + key_colour[1] + key_colour[2]) / np.float32(3)
    for i in range(normals.shape[0]):
        x, y, z = normals[i, 0], normals[i, 1], normals[i, 2]
        to_key = x * key[0] + y * key[1] + z * key[2]
        to_fill = x * fill[0] + y * fill[1] + z * fill[2]
        open_sky = np.float32(0.4) + np.float32(0.6) * sky[i]
        ambient = (np.float32(0.72) + np.float32(0.28) * y) * sky[i]
        for k in range(3):
            direct = max((to_key + wrap[k]) / (_ONE + wrap[k]), _ZERO) ** np.float32(1.1) * lit[i]
            weak = max((to_fill + wrap[k]) / (_ONE + wrap[k]), _ZERO) * fill_strength * open_sky
            diffuse[i, k] = exposure * (direct * key_colour[k] + weak + ambient * ambient_colour[k])
        shine = max(x * hx + y * hy + z * hz, _ZERO)
        if kind[i] == 1:
            socket = min(max(sky[i] * np.float32(1.1), np.float32(0.3)), _ONE) ** np.float32(0.6)
            for k in range(3):
                diffuse[i, k] *= socket
            specular[i] = (np.float32(1.6) * shine ** np.float32(260) + np.float32(0.03)) * power
        elif kind[i] == 2:
            specular[i] = np.float32(0.25) * shine ** np.float32(10) * lit[i] * power * hair_shine
        else:
            grazing = (_ONE - min(max(z, _ZERO), _ONE)) ** 4
            gloss = np.float32(0.16) * shine ** np.float32(18)
            gloss += np.float32(0.10) * shine ** np.float32(60)
            gloss += np.float32(0.12) * grazing * sky[i]
            specular[i] = gloss * lit[i] * power * exposure
