"""Bringing inputs to zero mean and unit deviation, the same way in training, test and live."""

from dataclasses import dataclass
from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Float

NormaliseKind = Literal["training", "image", "none"]


@dataclass(frozen=True, kw_only=True)
class Normalisation:
    """Statistics of the training clips' channels, and whether they are used (`TrainConfig`)."""

    kind: NormaliseKind
    mean: tuple[float, ...]
    std: tuple[float, ...]


def normalise(
    images: Float[Array, "b h w c"],
    mean: Float[Array, " c"],
    std: Float[Array, " c"],
    *,
    kind: NormaliseKind,
) -> Float[Array, "b h w c"]:
    """Shift and scale each channel by the given statistics, by the image's own, or not at all."""
    if kind == "none":
        return images
    if kind == "image":
        mean = jnp.mean(images, axis=(1, 2), keepdims=True)
        std = jnp.std(images, axis=(1, 2), keepdims=True)
        # A still face has no motion to bring to unit deviation; it stays at zero.
        std = jnp.where(std > 1e-6, std, 1.0)
    return (images - mean) / std
