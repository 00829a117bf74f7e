"""Batches of onset–apex pairs without end: rendered ones, and motion made up on the device.

Every batch is a pure function of the run's seed and the step, as `mace.training.sampling.draw` is,
so that a run resumes anywhere. Rendered pairs are a finite store that was measured before, with the
errors of flow estimators; motion space makes new ones in the program that trains, without any. Both
are then presented as MACE's own clips or as public flow images are (`mace.motion.conventions`).
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float16, Int

from mace.datasets.synthetic.movement.prototypes import class_names, labels_of_emotions
from mace.datasets.synthetic.pairs.cast import Cast
from mace.datasets.synthetic.pairs.draw import UNIT_COLUMNS, draw_plans, present_units
from mace.datasets.synthetic.pairs.field import exact_fields
from mace.losses.units import UnitTargets
from mace.motion.conventions import mirror, present
from mace.prediction import motion_deviation, normalise
from mace.pretraining.config import PairStreamConfig
from mace.training.sampling import Batch
from mace.training.state import PAIRS, FoldArrays, stream_key


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class PairData:
    """What batches are drawn from, on the device.

    Attributes:
        fields: rendered pairs as each of e estimators measured them, crop px at canvas cells.
        emotion: of the rendered pairs, index into `EMOTION_NAMES`.
        unit_px: of the rendered pairs, displacement by each action unit in crop px.
        side: of the rendered pairs, which half of the face makes more of each (`Plans`).
        cast: the people of motion space.
    """

    fields: Float16[Array | np.ndarray, "e n r r 2"]
    emotion: Int[Array | np.ndarray, " n"]
    unit_px: Float[Array | np.ndarray, "n a"]
    side: Float[Array | np.ndarray, "n a"]
    cast: Cast


def draw_pairs(
    data: PairData,
    fold: FoldArrays,
    step: Int[Array, ""],
    *,
    batch_size: int,
    config: PairStreamConfig,
) -> Batch:
    """Return the batch of a step: normalised images, targets, and those of `UNITS`."""
    keys = jax.random.split(stream_key(fold.seed, PAIRS, step), 6)
    stored = round(batch_size * config.rendered)
    fields, truth = [], []
    if stored:
        estimators, count = data.fields.shape[:2]
        chosen = jax.random.randint(keys[0], (stored,), 0, count, jnp.int32)
        by = jax.random.randint(keys[1], (stored,), 0, estimators, jnp.int32)
        fields.append(jnp.asarray(data.fields)[by, chosen].astype(jnp.float32))
        truth.append(
            jax.tree.map(lambda v: jnp.asarray(v)[chosen], (data.emotion, data.unit_px, data.side))
        )
    if stored < batch_size:
        plans = draw_plans(
            keys[2],
            data.cast.entries,
            count=batch_size - stored,
            config=config.pairs,
        )
        fields.append(exact_fields(plans, data.cast))
        truth.append((plans.emotion, plans.unit_px, plans.side))
    # In random order, since the two presentations go by place.
    order = jax.random.permutation(keys[3], batch_size)
    emotion, unit_px, side = (jnp.concatenate(parts)[order] for parts in zip(*truth, strict=True))
    mirrored = jax.random.bernoulli(keys[4], 0.5, (batch_size,))
    images = present(
        mirror(jnp.concatenate(fields)[order], mirrored), keys[5], config=config.conventions
    )
    units = unit_targets(
        unit_px, jnp.where(mirrored[:, None], -side, side), deviation=motion_deviation(images)
    )
    images = normalise(images, fold.mean, fold.std, kind="image")
    labels = jnp.asarray(labels_of_emotions(config.pairs.classes))[emotion]
    targets = jax.nn.one_hot(labels, len(class_names(config.pairs.classes)), dtype=jnp.float32)
    place = jnp.arange(batch_size, dtype=jnp.int32)
    return Batch(images=images, targets=targets, place=place, units=units)


def unit_targets(
    unit_px: Float[Array, "b a"], side: Float[Array, "b a"], *, deviation: Float[Array, " b"]
) -> UnitTargets:
    """Return what is to be learnt of `UNITS`.

    Args:
        unit_px: displacement by each of `AU_NAMES`, crop px.
        side: of each of them, as in `Plans`.
        deviation: `motion_deviation` of the inputs, crop px.
    """
    px = jnp.maximum(unit_px[:, UNIT_COLUMNS], 0.0)
    return UnitTargets(
        known=jnp.ones((len(px), 1)),
        present=jnp.asarray(present_units(unit_px), jnp.float32),
        strength=px / jnp.maximum(deviation, 1e-3)[:, None],
        side=side[:, UNIT_COLUMNS],
    )


@dataclass(frozen=True, kw_only=True)
class DrawPairs:
    """`draw_pairs` with its settings; equal settings make one compiled program.

    Attributes:
        batch_size: pairs in a batch.
        config: what the batches are made of.
    """

    batch_size: int
    config: PairStreamConfig

    def __call__(self, data: PairData, fold: FoldArrays, step: Int[Array, ""]) -> Batch:
        """Return the batch of a step."""
        return draw_pairs(data, fold, step, batch_size=self.batch_size, config=self.config)
