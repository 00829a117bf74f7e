"""Rendered pairs that share every batch of a training run on real clips: `--mix synthetic:WEIGHT`.

Where the pairs come from is a `PairSource`, handed in, so that a renderer, a stream or a prepared
data set serve alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from mace.annotation.class_sets import CLASS_SETS
from mace.data.clips import Clip
from mace.data.loading import load_clips
from mace.data.making import make_motion_set
from mace.data.motion_set import MotionSet
from mace.errors import DataError
from mace.motion.config import MotionConfig
from mace.pretraining.rendered_pairs import PAIRS_EACH, PEOPLE, rendered_pairs
from mace.protocols.labels import canonical_class
from mace.recipes import Recipe
from mace.training.config import MixConfig
from mace.training.mixing import save_mix

IMAGES_FRAMING = (0.06, 0.18, 0.94, 1.0)
"""What ready-made flow images (`mace.data.flow_images`) show of our crop: from brows to chin."""

MOST_CLIPS = 4096
"""Most clips of a prepared data set that are mixed in."""


class PairSource(Protocol):
    """Makes onset-apex pairs of rendered people."""

    def __call__(self, *, motion: MotionConfig, classes: tuple[str, ...], seed: int) -> MotionSet:
        """Return pairs that have one of `classes`, for training beside the input `motion`."""
        ...


@dataclass(frozen=True, kw_only=True)
class RenderedPairs:
    """Pairs rendered for the input, as a `PairSource`; the pictures' motion is kept and reused.

    Attributes:
        people: how many.
        pairs_each: how many pairs each of them shows.
        workers: processes that render; None for as many as there are cores.
        cache_dir: where rendered pairs are kept; None keeps none.
    """

    people: int = PEOPLE
    pairs_each: int = PAIRS_EACH
    workers: int | None = None
    cache_dir: Path | None = None

    def __call__(self, *, motion: MotionConfig, classes: tuple[str, ...], seed: int) -> MotionSet:
        """Return pairs in several presentations each; see `rendered_pairs`."""
        return rendered_pairs(
            motion,
            classes=classes,
            people=self.people,
            pairs_each=self.pairs_each,
            seed=seed,
            workers=self.workers,
            cache_dir=self.cache_dir,
        )


@dataclass(frozen=True, kw_only=True)
class PreparedPairs:
    """The clips of a prepared data set, such as `synthetic/demo`, as a `PairSource`.

    Beside ready-made flow images, which nobody can compute, they are flow of the images' size and
    framing, whose scale `normalise = "image"` makes the same.

    Attributes:
        folder: the prepared data set.
        recipe: its `variants` are the frame pairs of each clip.
        cache_dir: where measured motion is kept; None keeps none.
    """

    folder: Path
    recipe: Recipe
    cache_dir: Path | None = None

    def __call__(self, *, motion: MotionConfig, classes: tuple[str, ...], seed: int) -> MotionSet:
        """Return the clips, no more than `MOST_CLIPS`, drawn by `seed`; see `PairSource`."""
        clips = with_classes(load_clips(self.folder), classes)
        if motion.flow == "images":
            motion = replace(motion, flow="dis", framing=IMAGES_FRAMING)
        if len(clips) > MOST_CLIPS:
            kept = np.random.default_rng(seed).permutation(len(clips))[:MOST_CLIPS]
            clips = [clips[i] for i in sorted(kept)]
        return make_motion_set(
            clips,
            motion=motion,
            variants=self.recipe.variants,
            classes=tuple(sorted({clip.emotion for clip in clips})),
            cache_dir=self.cache_dir,
        )


def with_classes(clips: Sequence[Clip], classes: Sequence[str]) -> list[Clip]:
    """Return the clips that have one of some classes, with it as their emotion.

    The emotions themselves and every set of classes are tried; the one that knows most of the
    wanted classes, and then most of the clips, is taken.

    Raises:
        DataError: if no clip has any.
    """
    wanted = {canonical_class(name): name for name in classes}
    best: list[Clip] = []
    for name in ("", *CLASS_SETS):
        found = [(clip, clip.classes.get(name) if name else clip.emotion) for clip in clips]
        kept = [
            replace(clip, emotion=wanted[canonical_class(label)])
            for clip, label in found
            if label is not None and canonical_class(label) in wanted
        ]
        best = max(best, kept, key=lambda some: (len({one.emotion for one in some}), len(some)))
    if not best:
        raise DataError(
            f"none of the {len(clips)} rendered clips has one of the classes "
            f"{', '.join(classes)}; choose another set of classes with --classes"
        )
    return best


def mix_for(
    inputs: MotionSet, source: PairSource, *, share: float, seed: int, cache_dir: Path
) -> MixConfig:
    """Make the pairs that are mixed into the training on `inputs`, and keep them in `cache_dir`.

    Raises:
        ConfigError: if the source cannot make this input.
        DataError: if the source has no pair of these classes.
        OutputError: if `cache_dir` cannot be written to.
    """
    pairs = source(motion=inputs.motion, classes=inputs.classes, seed=seed)
    config = MixConfig(
        path=cache_dir / f"mix-{pairs.fingerprint}.npz",
        fingerprint=pairs.fingerprint,
        share=share,
    )
    if not config.path.exists():
        save_mix(config, pairs)
    return config
