"""The camera's sensor: tone curve, blur, its own pixel grid, noise, compression, and the crop."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from jaxtyping import Float32, Float64, UInt8
from numba import njit

from mace.datasets.synthetic.head.identity import GAMMA
from mace.datasets.synthetic.picture.picture_config import PictureConfig
from mace.motion.config import EYE_DISTANCE

_TONES = 2048
_BRIGHTEST = np.float32(4)
BANK = 1024
"""Side of the noise that every picture takes a part of; a power of two."""

STILL = (np.eye(2), np.zeros(2))
"""The crop of a frame that is where the first one was."""

_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)


@dataclass(frozen=True)
class Sensor:
    """One recording's camera.

    Attributes:
        tone: grey level (0 to 255) for radiance from 0 to 4.
        exposure: factor on all light.
        native: px of the camera per px of the canvas, None for the canvas itself.
        phase: where the camera's grid lies, in its px.
        blur: deviation of the optical blur in camera px.
        noise: deviation in grey levels.
        grains: place of the noise in the bank, for either frame of a pair.
        quality: of the JPEG, None for none.
    """

    tone: Float32[np.ndarray, " k"]
    exposure: float
    native: float | None
    phase: Float64[np.ndarray, " 2"]
    blur: float
    noise: float
    grains: np.ndarray
    quality: int | None


def draw_sensor(rng: np.random.Generator, config: PictureConfig) -> Sensor:
    """Draw a camera; as many numbers are drawn whatever the levels are."""
    gamma, contrast, exposure, noise = rng.standard_normal(4)
    chance, share, blur, pressed, quality = rng.random(5)
    low, high = np.log(config.native_px)
    native = float(np.exp(low + share * (high - low))) / EYE_DISTANCE
    first, last = config.quality
    return Sensor(
        tone=_tone(np.exp(config.gamma * gamma), np.exp(config.contrast * contrast)),
        exposure=float(np.exp(config.exposure * exposure)),
        native=native if chance < config.resampled else None,
        phase=rng.random(2),
        blur=config.blur * blur,
        noise=config.noise * float(np.exp(config.noise_spread * noise)),
        grains=rng.integers(0, BANK // 2, (2, 2)),
        quality=round(first + quality * (last - first)) if pressed < config.compressed else None,
    )


@cache
def _radiance() -> Float32[np.ndarray, " k"]:
    light = np.linspace(0, float(_BRIGHTEST), _TONES, dtype=np.float32)
    # A soft shoulder, then gamma.
    shoulder = np.clip((1 - np.exp(-1.35 * light)) * 1.15, 1e-6, 1) ** np.float32(1 / GAMMA)
    return shoulder.astype(np.float32)


def _tone(gamma: float, contrast: float) -> Float32[np.ndarray, " k"]:
    level = _radiance() ** np.float32(gamma)
    level = np.clip((level - np.float32(0.45)) * np.float32(contrast) + np.float32(0.45), 0, 1)
    return level * np.float32(255)


@njit(fastmath=True, cache=True)
def _develop(
    image: Float32[np.ndarray, "h w"], tone: Float32[np.ndarray, " k"], gain: np.float32
) -> Float32[np.ndarray, "h w"]:
    last = tone.shape[0] - 2
    scale = np.float32(tone.shape[0] - 1) / np.float32(4) * gain
    out = np.empty_like(image)
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            place = max(image[y, x] * scale, _ZERO)
            index = min(int(place), last)
            part = min(place - np.float32(index), _ONE)
            out[y, x] = tone[index] * (_ONE - part) + tone[index + 1] * part
    return out


@njit(fastmath=True, cache=True)
def _digitise(
    image: Float32[np.ndarray, "h w"],
    bank: Float32[np.ndarray, "p q"],
    row: int,
    column: int,
    sigma: np.float32,
) -> UInt8[np.ndarray, "h w"]:
    """Add noise that grows a little with the light, and round to 8 bits."""
    out = np.empty(image.shape, np.uint8)
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            level = image[y, x]
            strength = sigma * (np.float32(0.7) + level * np.float32(0.6 / 255))
            grain = bank[(row + y) & (BANK - 1), (column + x) & (BANK - 1)]
            level += strength * grain + _HALF
            out[y, x] = np.uint8(min(max(level, _ZERO), np.float32(255)))
    return out


@cache
def _bank() -> Float32[np.ndarray, "p q"]:
    """White noise that every picture takes a window of."""
    return np.random.default_rng(0x6A11).standard_normal((BANK, BANK), dtype=np.float32)


def record(
    light: Float32[np.ndarray, "h w"],
    sensor: Sensor,
    *,
    brightness: float,
    grain: Sequence[int] | np.ndarray,
    crop: tuple[Float64[np.ndarray, "2 2"], Float64[np.ndarray, " 2"]] = STILL,
) -> UInt8[np.ndarray, "h w"]:
    """The picture that a camera takes, or the crop that the face correction cuts from it.

    The light of a pair is that of the crop; the camera's pixel grid stays with the camera, so the
    crop of a corrected target samples it elsewhere, as it does in life.

    Args:
        light: linear light of every pixel.
        sensor: the camera.
        brightness: of the lamps in this frame.
        grain: row and column of its noise in the bank, which goes round.
        crop: (linear, offset) of this frame's crop from the first one's: x -> linear @ x + offset.
    """
    linear, offset = crop
    image = _develop(light, sensor.tone, np.float32(sensor.exposure * brightness))
    zoom = sensor.native or 1.0
    # Pixels integrate: a coarser grid averages over more of the canvas.
    coarser = max(0.0, 1 / zoom**2 - 1) * 0.25
    sigma = float(np.sqrt(coarser + (sensor.blur / zoom) ** 2))
    if sigma > 0.1:
        image = cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    height, width = light.shape
    matrix = np.empty((2, 3))
    if sensor.native is not None:
        # Canvas of the reference from camera px, pixel centres on integers; then this frame's crop.
        matrix[:, :2] = linear / zoom
        matrix[:, 2] = linear @ ((sensor.phase - 1) / zoom) + offset
        size = (int(np.ceil(width * zoom)) + 2, int(np.ceil(height * zoom)) + 2)
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        image = cv2.warpAffine(image, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    row, column = grain
    taken = _digitise(image, _bank(), int(row), int(column), np.float32(sensor.noise))
    if sensor.quality is not None:
        done, data = cv2.imencode(".jpg", taken, [cv2.IMWRITE_JPEG_QUALITY, sensor.quality])
        assert done
        decoded = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
        assert decoded is not None
        taken = decoded
    if sensor.native is not None:
        taken = cv2.warpAffine(
            taken, matrix, (width, height), flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
    return taken
