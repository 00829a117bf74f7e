"""Rendered pairs as a set of clips: what `--mix synthetic:WEIGHT` makes for the input at hand.

Every pair is presented in several ways (`mace.motion.conventions.present`), which are the variants
of one clip: for ready-made flow images as the public ones are made, stretched to 8 bits and all,
for clips as ours are, in the recipe's own size and framing.
"""

import functools
from dataclasses import replace
from pathlib import Path
from typing import Literal

import cv2
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float16, Key

from mace.data.flow_images import scale_flow_images, stretch_flow
from mace.data.motion_set import MotionSet
from mace.datasets.synthetic.movement.action_units import UNITS, PairClasses
from mace.datasets.synthetic.movement.prototypes import CLASS_SETS, class_names, labels_of_emotions
from mace.datasets.synthetic.pairs.config import PairConfig
from mace.datasets.synthetic.pairs.draw import present_units
from mace.datasets.synthetic.pairs.stored import StoredPairs, make_pairs
from mace.errors import ConfigError, DataError
from mace.motion.config import MotionConfig
from mace.motion.conventions import (
    CANVAS,
    PUBLIC_WINDOW,
    ConventionConfig,
    Window,
    mirror,
    present,
    window_of,
)
from mace.motion.detrend import remove_head_motion
from mace.protocols.labels import canonical_class

PEOPLE, PAIRS_EACH = 192, 12
PEOPLE_FROM = 300_000
"""Seed of the first person; seed s of a set takes its people from 10,000 s further on."""

ESTIMATORS = ("dis", "tvl1")
# What stored pairs have that is closest to a flow they were not measured by.
_CLOSEST = {"images": "tvl1", "patches": "dis"}
VARIANTS = 4

type Detrend = Literal["none", "median", "affine"]

_PUBLIC = ConventionConfig(public=1.0)
# A corrected face lies within a pixel or two of its place, and the pairs' crops err as much.
# Head motion is taken out before, as the recipe says, hence `public`, which takes out none.
_OWN = ConventionConfig(public=1.0, jitter=0.02, loose=0.0)
_BATCH = 256


def rendered_pairs(
    motion: MotionConfig,
    *,
    classes: tuple[str, ...],
    people: int = PEOPLE,
    pairs_each: int = PAIRS_EACH,
    seed: int = 0,
    variants: int = VARIANTS,
    workers: int | None = None,
    cache_dir: Path | None = None,
) -> MotionSet:
    """Render onset-apex pairs, or read what is stored, and return them as the input `motion`.

    Variant 0 is by the estimator of `motion` (TV-L1 for flow images), the others by DIS and TV-L1
    in turn, each in a window of its own and mirrored or not.

    Args:
        motion: the input they are for; optical flow, ready-made or not.
        classes: names of the classes wanted; pairs of none of them are left out.
        people: how many.
        pairs_each: pairs of each.
        seed: of people, pairs and presentations.
        variants: presentations of each pair.
        workers: processes that render, as many as there are cores by default.
        cache_dir: where rendered pairs are kept; see `make_pairs`.

    Raises:
        ConfigError: if `motion` is no flow.
        DataError: if no rendered pair has one of `classes`.
    """
    if motion.representation != "flow":
        raise ConfigError(
            f"rendered pairs are made as optical flow, not as {motion.representation}; mix in a "
            "prepared data set, such as --mix synthetic/demo:0.5"
        )
    chosen = pair_classes(classes)
    first = PEOPLE_FROM + 10_000 * seed
    pairs = make_pairs(
        range(first, first + people),
        pairs_each,
        seed=first,
        config=PairConfig(classes=chosen),
        estimators=ESTIMATORS,
        workers=workers,
        cache_dir=cache_dir,
    )
    wanted = {canonical_class(name): name for name in classes}
    names = [wanted.get(canonical_class(name)) for name in class_names(chosen)]
    known = tuple(name for name in classes if name in names)
    label_of = np.array([-1 if name is None else known.index(name) for name in names] + [-1])
    labels = label_of[labels_of_emotions(chosen)[pairs.emotion]]
    rows = np.flatnonzero(labels >= 0)
    who, groups = np.unique(pairs.person[rows], return_inverse=True)
    listed = present_units(pairs.unit_px[rows])
    return MotionSet(
        inputs=_variants(pairs, rows, motion, seed=seed, variants=variants),
        labels=labels[rows].astype(np.int32),
        groups=groups.astype(np.int32),
        subjects=tuple(f"synthetic/pair{seed}" for seed in who),
        clips=tuple(f"synthetic/pair{pairs.person[k]}/{k % pairs_each:03d}" for k in rows),
        classes=known,
        motion=motion,
        units=tuple(frozenset(np.array(UNITS)[row].tolist()) for row in listed),
    )


def pair_classes(classes: tuple[str, ...]) -> PairClasses:
    """Return the set of the pairs' classes that knows most of some names.

    Raises:
        DataError: if none knows any.
    """
    wanted = {canonical_class(name) for name in classes}
    known: dict[PairClasses, int] = {
        name: len(wanted & {canonical_class(one) for one in class_names(name)})
        for name in CLASS_SETS
    }
    best = max(known, key=lambda name: known[name])
    if not known[best]:
        raise DataError(
            f"rendered pairs have none of the classes {', '.join(classes)}; choose another set of "
            "classes with --classes"
        )
    return best


def _variants(
    pairs: StoredPairs, kept: np.ndarray, motion: MotionConfig, *, seed: int, variants: int
) -> Float[np.ndarray, "n v h w 3"]:
    own = _CLOSEST.get(motion.flow, motion.flow)
    inputs = np.empty((len(kept), variants, motion.size, motion.size, 3), np.float32)
    for variant in range(variants):
        by = ESTIMATORS[(ESTIMATORS.index(own) + variant) % len(ESTIMATORS)]
        key = jax.random.fold_in(jax.random.key(seed), variant)
        inputs[:, variant] = _presented(pairs.of(by)[kept], key, motion)
    return inputs


def _presented(
    fields: Float16[np.ndarray, "n r r 2"], key: Key[Array, ""], motion: MotionConfig
) -> Float[np.ndarray, "n h w 3"]:
    images = motion.flow == "images"
    if motion.smooth and not images:
        sigma = motion.smooth / (CANVAS / fields.shape[1])
        fields = np.stack([cv2.GaussianBlur(f.astype(np.float32), (0, 0), sigma) for f in fields])
    config = replace(_PUBLIC if images else _OWN, size=motion.size)
    window = PUBLIC_WINDOW if images else window_of(motion.framing)
    parts = []
    for start in range(0, len(fields), _BATCH):
        # The last batch is filled up, so that JAX compiles once.
        rows = np.minimum(np.arange(start, start + _BATCH), len(fields) - 1)
        shown = _present(
            jnp.asarray(fields[rows], jnp.float32),
            jax.random.fold_in(key, start),
            config=config,
            window=window,
            detrend="none" if images else motion.detrend,
        )
        parts.append(np.asarray(shown)[: len(fields) - start])
    shown = np.concatenate(parts)
    return scale_flow_images(stretch_flow(shown)) if images else shown


@functools.partial(jax.jit, static_argnames=("config", "window", "detrend"))
def _present(
    fields: Array, key: Array, *, config: ConventionConfig, window: Window, detrend: Detrend
) -> Array:
    # `present` takes out head motion in one way only; a recipe may want another, or none.
    fields = remove_head_motion(fields, method=detrend, grid=16, rounds=4)
    keys = jax.random.split(key)
    fields = mirror(fields, jax.random.bernoulli(keys[0], 0.5, (len(fields),)))
    return present(fields, keys[1], config=config, windows=(window, window))
