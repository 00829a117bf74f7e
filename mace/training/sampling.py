"""Which clips make up a batch: a pure function of seed and step, so a run resumes anywhere."""

import functools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from mace.losses.units import UnitTargets
from mace.training.state import MIX, MIX_VARIANT, MIXUP, ORDER, VARIANT, FoldArrays, stream_key

QUANTILES = 1024

type Mixed = tuple[Float[Array, "m v h w c"], Int[Array, " m"], UnitTargets | None]


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Batch:
    """What one step learns from.

    Attributes:
        images: inputs before augmentation.
        targets: soft one-hot classes.
        place: each clip's place in the whole batch.
        units: of the action units, which are learnt beside the classes; None where none are.
    """

    images: Float[Array, "... b h w c"]
    targets: Float[Array, "... b k"]
    place: Int[Array, "... b"]
    units: UnitTargets | None = None


def epoch_order(fold: FoldArrays, epoch: Int[Array, ""]) -> Int[Array, " n"]:
    """Return the training clips in the random order of an epoch, all other clips behind them."""
    score = jax.random.uniform(stream_key(fold.seed, ORDER, epoch), fold.member.shape)
    return jnp.argsort(jnp.where(fold.member > 0, score, 2.0))


def batch_clips(
    fold: FoldArrays,
    step: Int[Array, ""],
    *,
    batch_size: int,
    order: Int[Array, " n"] | None = None,
) -> Int[Array, " b"]:
    """Return the clips of a step. The last batch of an epoch is filled from the epoch's start.

    `order` is the epoch's where it is known already: sorting it anew costs as much as a small
    network.
    """
    epoch, within = jnp.divmod(step, fold.steps_per_epoch)
    slots = (within * batch_size + jnp.arange(batch_size, dtype=jnp.int32)) % fold.size
    return (epoch_order(fold, epoch) if order is None else order)[slots]


def draw(
    inputs: Float[Array, "n v h w c"],
    labels: Int[Array, " n"],
    fold: FoldArrays,
    step: Int[Array, ""],
    *,
    batch_size: int,
    temporal: bool,
    mixup: float,
    units: UnitTargets | None = None,
    mixed: Mixed | None = None,
    own: int | None = None,
    order: Int[Array, " n"] | None = None,
) -> Batch:
    """Gather the batch of a step on the device.

    Args:
        inputs: every clip of the set in all its variants.
        labels: the clips' classes.
        fold: the training run.
        step: from 0.
        batch_size: b.
        temporal: choose a variant at random; otherwise the annotated one.
        mixup: alpha; each clip is mixed with its neighbour in the batch before augmentation, so
            that both are changed alike. (Zhang et al. mix after it; before it, the result does not
            depend on how many devices share the batch.)
        units: what is known of the clips' action units.
        mixed: inputs, labels and units of a second set, which fills the batch at random.
        own: how many clips of the batch are the fold's own; all of them by default.
        order: `epoch_order` of the step's epoch, if it is known.
    """
    clips = batch_clips(fold, step, batch_size=batch_size if own is None else own, order=order)
    variants = inputs.shape[1]
    chosen = jnp.zeros_like(clips)
    if temporal and variants > 1:
        key = stream_key(fold.seed, VARIANT, step)
        chosen = jax.random.randint(key, clips.shape, 0, variants, jnp.int32)
    images = inputs[clips, chosen]
    drawn = images, labels[clips], _of(units, clips)
    if mixed is not None:
        more = _draw_mixed(*mixed, fold, step, count=batch_size - len(clips), temporal=temporal)
        drawn = jax.tree.map(lambda own, their: jnp.concatenate([own, their]), drawn, more)
    images, classes, units = drawn
    targets = jax.nn.one_hot(classes, fold.class_counts.shape[0], dtype=jnp.float32)
    if mixup:
        key = stream_key(fold.seed, MIXUP, step)
        share = jax.random.choice(key, jnp.asarray(beta_quantiles(mixup)), classes.shape)
        images = mix_neighbours(images, share[:, None, None, None])
        targets, units = jax.tree.map(
            lambda values: mix_neighbours(values, share[:, None]), (targets, units)
        )
    place = jnp.arange(batch_size, dtype=jnp.int32)
    return Batch(images=images, targets=targets, place=place, units=units)


def _of(units: UnitTargets | None, clips: Int[Array, " b"]) -> UnitTargets | None:
    return jax.tree.map(lambda values: values[clips], units)


def _draw_mixed(
    inputs: Float[Array, "m v h w c"],
    labels: Int[Array, " m"],
    units: UnitTargets | None,
    fold: FoldArrays,
    step: Int[Array, ""],
    *,
    count: int,
    temporal: bool,
) -> tuple[Float[Array, "b h w c"], Int[Array, " b"], UnitTargets | None]:
    clips = jax.random.randint(
        stream_key(fold.seed, MIX, step), (count,), 0, len(labels), jnp.int32
    )
    chosen = jnp.zeros_like(clips)
    if temporal and inputs.shape[1] > 1:
        key = stream_key(fold.seed, MIX_VARIANT, step)
        chosen = jax.random.randint(key, clips.shape, 0, inputs.shape[1], jnp.int32)
    return inputs[clips, chosen], labels[clips], _of(units, clips)


@functools.cache
def beta_quantiles(alpha: float) -> Float[np.ndarray, " q"]:
    """Return equally likely values of Beta(alpha, alpha)."""
    # Here, as it takes half a second to import and only mixup needs it.
    from scipy.special import betaincinv

    # To choose among them compiles in no time; `jax.random.beta` takes three seconds.
    middles = (np.arange(QUANTILES) + 0.5) / QUANTILES
    return betaincinv(alpha, alpha, middles).astype(np.float32)


def mix_neighbours(
    values: Float[Array, "b *s"], share: Float[Array, "b *one"]
) -> Float[Array, "b *s"]:
    """Return each value times its share, plus the rest of the one before it in the batch."""
    return share * values + (1 - share) * jnp.roll(values, 1, axis=0)
