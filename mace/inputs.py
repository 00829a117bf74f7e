"""From prepared data sets to the arrays a network learns from."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mace.annotation.action_units import listed_units
from mace.annotation.class_sets import ClassSet
from mace.data.cache import MotionCache
from mace.data.clips import Clip
from mace.data.flow_images import holds_flow_images, load_flow_images
from mace.data.loading import load_clips
from mace.data.making import make_motion_set
from mace.data.motion_set import MotionSet
from mace.data.selection import choose_benchmark, choose_classes
from mace.datasets.reading.tables import read_table
from mace.descriptors.lbp_top import LBPTOP
from mace.errors import ConfigError, DataError
from mace.progress import track
from mace.protocols.benchmarks import Benchmark
from mace.protocols.names import clip_key
from mace.recipes import Recipe

_UNIT_COLUMNS = {
    "clip": ("clip", "filename"),
    "?subject": ("subject", "sub"),
    "aus": ("aus", "au", "actionunits", "actionunit"),
}


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
    lbp_top: bool = False,
) -> MotionSet:
    """Return the recipe's inputs for every clip of a prepared data set, computed or ready-made.

    With `classes` only for the clips that have a class in this set, which is what is learnt then;
    with `benchmark` only for those that it scores.
    `check` is shown the clips before their motion, which may take an hour, is computed. With
    `lbp_top` the clips' LBP-TOP histograms come as well.

    Raises:
        ConfigError: if the recipe's input is not what ready-made images hold, or they are to have
            other classes than their own, or LBP-TOP is asked of them.
        DataError: if the data set is damaged, or a clip has too few frames for LBP-TOP.
    """
    if not holds_flow_images(folder):
        clips = load_clips(folder)
        chosen = clips if classes is None else choose_classes(clips, classes)
        if benchmark is not None:
            chosen = choose_benchmark(chosen, benchmark)
        if check is not None:
            check(chosen)
        made = motion_set(chosen, recipe, cache_dir=cache_dir)
        return with_lbp_top(made, chosen, cache_dir=cache_dir) if lbp_top else made
    if lbp_top:
        raise ConfigError(
            f"{folder} holds ready-made flow images, and LBP-TOP needs the frames of clips; leave "
            "out lbp_top, or prepare the clips themselves"
        )
    if classes is not None:
        raise ConfigError(f"{folder} has classes of its own; leave out --classes")
    images = load_flow_images(folder)
    if recipe.motion != images.motion:
        raise ConfigError(
            f"{folder} holds ready-made flow images of {images.motion.size} px, and nothing else "
            "can be computed from them; leave out what begins with --recipe.motion"
        )
    return images


def with_lbp_top(
    motion_set: MotionSet, clips: Sequence[Clip], *, cache_dir: Path | None
) -> MotionSet:
    """Return a set with the LBP-TOP histograms of its clips, from onset to offset.

    Raises:
        DataError: for a clip of too few frames.
        OutputError: if the cache cannot be written.
    """
    descriptor = LBPTOP()
    frames = [clip.frames[clip.onset : clip.offset + 1] for clip in clips]
    cache = None
    if cache_dir is not None:
        cache = MotionCache(cache_dir, ["lbp_top", descriptor.get_params()], *frames)
        stored = cache.read()
        if stored is not None:
            return replace(motion_set, lbp_top=stored)
    rows = []
    for clip, own in zip(track(clips, "computing LBP-TOP", len(clips)), frames, strict=True):
        try:
            rows.append(descriptor.transform([own])[0])
        except ValueError as error:
            raise DataError(f"clip {clip.name}: {error}; leave out lbp_top") from error
    histograms = np.stack(rows)
    if cache is not None:
        cache.write(histograms)
    return replace(motion_set, lbp_top=histograms)


def with_units(motion_set: MotionSet, path: Path) -> MotionSet:
    """Return a set with the action units that a table lists, such as the sheet of its data set.

    Args:
        motion_set: whose clips they are; those that the table does not name keep their units.
        path: a table as `mace prepare` reads them, with the columns `clip` (or `filename`), `aus`
            (or `action units`) and perhaps `subject`. `clip` is `database/subject/clip`, or as much
            of its end as names it alone, in whatever spelling.

    Raises:
        DataError: if the file cannot be read, lacks a column, or a row fits several clips.
    """
    keys = {name: clip_key(*name.split("/", 2)) for name in motion_set.clips}
    texts: dict[str, list[str]] = {name: [] for name in keys}
    for row in read_table(path, columns=_UNIT_COLUMNS, keys=("clip",)).rows:
        clip = row.name("clip")
        given = clip if "/" in clip else "/".join(filter(None, (row.name("subject"), clip)))
        fitting = [name for name, key in keys.items() if _completed(given, name) == key]
        if len(fitting) > 1:
            raise DataError(
                f"{path}, row {row.number}: {given} may be {fitting[0]} or {fitting[1]}; write the "
                "whole name, database/subject/clip"
            )
        for name in fitting:
            texts[name].append(row.raw("aus"))
    units = tuple(
        listed_units(texts[name]) if texts[name] else own
        for name, own in zip(motion_set.clips, motion_set.units, strict=True)
    )
    return replace(motion_set, units=units, fingerprint="")


def _completed(given: str, name: str) -> str:
    """Return the key of a clip whose name lacks what comes first, taken from another's."""
    parts = given.split("/")[-3:]
    return clip_key(*name.split("/", 2)[: 3 - len(parts)], *parts)
