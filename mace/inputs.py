"""From prepared data sets to the arrays a network learns from."""

from collections.abc import Callable, Sequence
from pathlib import Path

from mace.annotation.class_sets import ClassSet
from mace.data.clips import Clip
from mace.data.flow_images import holds_flow_images, load_flow_images
from mace.data.loading import load_clips
from mace.data.making import make_motion_set
from mace.data.motion_set import MotionSet
from mace.data.selection import choose_benchmark, choose_classes
from mace.errors import ConfigError, DataError
from mace.protocols.benchmarks import Benchmark
from mace.recipes import Recipe


def motion_set(clips: Sequence[Clip], recipe: Recipe, *, cache_dir: Path | None) -> MotionSet:
    """Return the recipe's inputs for all clips; classes are the emotions present, in order."""
    classes = tuple(sorted({clip.emotion for clip in clips}))
    return make_motion_set(
        clips, motion=recipe.motion, variants=recipe.variants, classes=classes, cache_dir=cache_dir
    )


def read_clips(folder: Path) -> list[Clip]:
    """Return the clips of a prepared data set.

    Raises:
        DataError: if it holds no clips but ready-made images, or is damaged.
    """
    if holds_flow_images(folder):
        raise DataError(f"{folder} holds ready-made flow images, no clips; choose another data set")
    return load_clips(folder)


def read_motion(
    folder: Path,
    recipe: Recipe,
    *,
    cache_dir: Path | None,
    classes: ClassSet | None = None,
    benchmark: Benchmark | None = None,
    check: Callable[[Sequence[Clip]], None] | None = None,
) -> MotionSet:
    """Return the recipe's inputs for every clip of a prepared data set, computed or ready-made.

    With `classes` only for the clips that have a class in this set, which is what is learnt then;
    with `benchmark` only for those that it scores.
    `check` is shown the clips before their motion, which may take an hour, is computed.

    Raises:
        ConfigError: if the recipe's input is not what ready-made images hold, or they are to have
            other classes than their own.
        DataError: if the data set is damaged.
    """
    if not holds_flow_images(folder):
        clips = load_clips(folder)
        chosen = clips if classes is None else choose_classes(clips, classes)
        if benchmark is not None:
            chosen = choose_benchmark(chosen, benchmark)
        if check is not None:
            check(chosen)
        return motion_set(chosen, recipe, cache_dir=cache_dir)
    if classes is not None:
        raise ConfigError(f"{folder} has classes of its own; leave out --classes")
    images = load_flow_images(folder)
    if recipe.motion != images.motion:
        raise ConfigError(
            f"{folder} holds ready-made flow images of {images.motion.size} px, and nothing else "
            "can be computed from them; leave out what begins with --recipe.motion"
        )
    return images
