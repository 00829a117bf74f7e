"""Bringing unlabelled inputs of a new domain to the pixel statistics of the one trained on.

Each pixel of each channel, after normalisation, is shifted and scaled so that its mean and
deviation over the target's clips become those over the clips the network was trained on:
x' = (x - mean_target) / std_target · std_source + mean_source. It needs no class of any clip, only
clips; it takes out what framing, flow estimator and camera do to all clips of a data set alike.

Source: the second-order alignment of Sun, Feng and Saenko, "Return of Frustratingly Easy Domain
Adaptation", AAAI 2016, with the covariance cut down to its diagonal, since a data set of
micro-expressions has fewer clips than an input has pixels.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from mace.augment.image import flip
from mace.bundle import Bundle, NormaliseKind, PixelStatistics
from mace.errors import ConfigError, DataError
from mace.motion.config import MotionConfig
from mace.prediction import Adaptation, Trained, normalise
from mace.training.config import AdaptConfig

BATCH = 256


def pixel_statistics(trained: Trained, inputs: Float[np.ndarray, "n h w c"]) -> PixelStatistics:
    """Return the statistics of inputs as the network of `trained` sees them.

    Where its predictions are averaged with those of mirror images, these are counted as well.

    Raises:
        DataError: for no inputs.
    """
    if not len(inputs):
        raise DataError("there are no inputs to take pixel statistics of; give at least one clip")
    program = _moments(trained.motion, trained.normalisation.kind, trained.flip_average)
    mean = np.asarray(trained.normalisation.mean, np.float32)
    std = np.asarray(trained.normalisation.std, np.float32)
    sums = np.zeros((2, *inputs.shape[1:]))
    size = min(BATCH, len(inputs))
    for start in range(0, len(inputs), size):
        index = np.arange(start, start + size)
        weight = (index < len(inputs)).astype(np.float32)
        batch = inputs[np.minimum(index, len(inputs) - 1)]
        sums += np.asarray(program(batch, weight, mean, std), np.float64)
    first, second = sums / len(inputs)
    deviation = np.sqrt(np.maximum(second - first**2, 0.0))
    return PixelStatistics(mean=first.astype(np.float32), std=deviation.astype(np.float32))


def make_adaptation(
    source: PixelStatistics, target: PixelStatistics, *, clips: int, config: AdaptConfig
) -> Adaptation:
    """Return the change that brings `target` to `source`, shrunk towards none for few clips.

    With the share w = clips / (clips + `config.prior_clips`), the target's mean and variance are
    taken to be w times its own and 1 - w times the source's.

    Raises:
        ConfigError: if the two are of different shapes.
    """
    if source.mean.shape != target.mean.shape:
        raise ConfigError(
            f"the network was trained on inputs of {source.mean.shape}, these are "
            f"{target.mean.shape}; give inputs of that size"
        )
    share = clips / (clips + config.prior_clips)
    mean = share * target.mean + (1 - share) * source.mean
    variance = share * target.std.astype(np.float64) ** 2
    variance += (1 - share) * source.std.astype(np.float64) ** 2
    # A pixel that hardly ever moves must not be blown up into noise.
    floor = config.floor * np.sqrt(np.mean(source.std.astype(np.float64) ** 2))
    scale = np.maximum(source.std, floor) / np.maximum(np.sqrt(variance), floor)
    offset = source.mean - scale * mean
    return Adaptation(scale=scale.astype(np.float32), offset=offset.astype(np.float32))


def adapt_bundle(
    bundle: Bundle, inputs: Float[np.ndarray, "n v h w c"], *, config: AdaptConfig
) -> Adaptation:
    """Return the adaptation of a bundle to unlabelled clips of v frame pairs each.

    Raises:
        ConfigError: if the bundle does not know the statistics of what it was trained on, or they
            are of another size.
        DataError: for no clips.
    """
    if bundle.reference is None:
        raise ConfigError(
            "this model does not hold the pixel statistics of what it was trained on, which "
            "adapting needs; leave out --adapt or use the pre-trained one"
        )
    pairs = inputs.reshape(-1, *inputs.shape[2:])
    target = pixel_statistics(bundle, pairs)
    return make_adaptation(bundle.reference, target, clips=len(inputs), config=config)


@functools.lru_cache(maxsize=8)
def _moments(motion: MotionConfig, kind: NormaliseKind, mirrored: bool):
    @jax.jit
    def moments(
        images: Float[Array, "b h w c"],
        weight: Float[Array, " b"],
        mean: Float[Array, " c"],
        std: Float[Array, " c"],
    ) -> Float[Array, "2 h w c"]:
        def once(images: Float[Array, "b h w c"]) -> Float[Array, "2 h w c"]:
            normal = normalise(images, mean, std, kind=kind)
            powers = jnp.stack([normal, normal**2])
            return jnp.einsum("b,pbhwc->phwc", weight, powers, precision="highest")

        straight = once(images)
        if not mirrored:
            return straight
        return (straight + once(jax.vmap(functools.partial(flip, motion=motion))(images))) / 2

    return moments
