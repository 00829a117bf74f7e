"""Random changes of one image: mirror, warp, strength, noise."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from mace.augment.config import AugmentConfig
from mace.config import switched_on
from mace.motion.config import MotionConfig


def augment(
    image: Float[Array, "h w c"],
    key: Key[Array, ""],
    *,
    config: AugmentConfig,
    motion: MotionConfig,
    noise_scale: Float[Array | np.ndarray, " c"] | None = None,
) -> Float[Array, "h w c"]:
    """Change one image at random; the order is flip, warp, magnitude, noise.

    Args:
        image: float32, flow channels in px.
        key: typed JAX key; the same key gives the same change.
        config: the ranges.
        motion: says what the channels mean.
        noise_scale: standard deviation of each channel over the training clips; ones if None.
    """
    keys = jax.random.split(key, 4)
    if config.flip:
        image = jnp.where(jax.random.bernoulli(keys[0]), flip(image, motion=motion), image)
    if config.warps:
        unit = jax.random.uniform(keys[1], (4,), minval=-1.0, maxval=1.0)
        height, width = image.shape[:2]
        image = warp(
            image,
            shift=unit[:2] * config.shift * jnp.array([width, height], jnp.float32),
            angle=jnp.deg2rad(unit[2] * config.rotation),
            scale=1.0 + unit[3] * config.scale,
            motion=motion,
        )
    if switched_on(config.magnitude):
        strength = jax.random.uniform(
            keys[2], minval=1.0 - config.magnitude, maxval=1.0 + config.magnitude
        )
        image = image * strength
    if switched_on(config.noise):
        noise = jax.random.normal(keys[3], image.shape)
        image = image + config.noise * noise * (1.0 if noise_scale is None else noise_scale)
    return image


def flip(image: Float[Array, "h w c"], *, motion: MotionConfig) -> Float[Array, "h w c"]:
    """Mirror left to right; in a mirror the horizontal flow changes its sign."""
    mirrored = image[:, ::-1]
    if motion.representation == "flow":
        mirrored = mirrored.at[..., 0].multiply(-1.0)
    return mirrored


def warp(
    image: Float[Array, "h w c"],
    *,
    shift: Float[Array, "2"],
    angle: Float[Array, ""],
    scale: Float[Array, ""],
    motion: MotionConfig,
) -> Float[Array, "h w c"]:
    """Turn by `angle` rad and enlarge by `scale` about the centre, then move by `shift` (x, y) px.

    Positive angles turn the x axis towards the y axis, which points down. One bilinear resampling;
    what comes in from outside repeats the edge. Flow vectors turn and grow with the face; optical
    strain is the norm of a gradient of displacement by position, so that neither changes it.
    """
    height, width = image.shape[:2]
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    grid_y, grid_x = jnp.mgrid[:height, :width].astype(jnp.float32)
    x = grid_x - centre_x - shift[0]
    y = grid_y - centre_y - shift[1]
    source_x = (cos * x + sin * y) / scale + centre_x
    source_y = (cos * y - sin * x) / scale + centre_y
    warped = _bilinear(image, source_x, source_y)
    if motion.representation == "flow":
        u, v = warped[..., 0], warped[..., 1]
        turned = scale * jnp.stack([cos * u - sin * v, sin * u + cos * v], axis=-1)
        warped = jnp.concatenate([turned, warped[..., 2:]], axis=-1)
    return warped


def _bilinear(
    image: Float[Array, "h w c"], x: Float[Array, "h w"], y: Float[Array, "h w"]
) -> Float[Array, "h w c"]:
    height, width = image.shape[:2]
    x = jnp.clip(x, 0.0, width - 1.0)
    y = jnp.clip(y, 0.0, height - 1.0)
    left = jnp.clip(jnp.floor(x).astype(jnp.int32), 0, max(width - 2, 0))
    top = jnp.clip(jnp.floor(y).astype(jnp.int32), 0, max(height - 2, 0))
    right = jnp.minimum(left + 1, width - 1)
    bottom = jnp.minimum(top + 1, height - 1)
    across = (x - left.astype(jnp.float32))[..., None]
    down = (y - top.astype(jnp.float32))[..., None]
    above = image[top, left] * (1 - across) + image[top, right] * across
    below = image[bottom, left] * (1 - across) + image[bottom, right] * across
    return above * (1 - down) + below * down
