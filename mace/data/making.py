"""From clips to a motion set: the one place where motion is computed for learning."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from mace.annotation.action_units import listed_units
from mace.config import to_dict
from mace.data.cache import MotionCache
from mace.data.clips import Clip, frame_pairs
from mace.data.config import VariantConfig
from mace.data.motion_set import MotionSet
from mace.errors import DataError
from mace.motion.config import MotionConfig
from mace.motion.representation import represent
from mace.progress import progress

# Pairs of frames given to `represent` at once: enough to fill the cores, few enough for memory.
PAIRS_AT_ONCE = 32


def make_motion_set(
    clips: Sequence[Clip],
    *,
    motion: MotionConfig,
    variants: VariantConfig,
    classes: tuple[str, ...],
    cache_dir: Path | None = None,
) -> MotionSet:
    """Compute the motion of every clip's frame pairs, or read it from `cache_dir` if it is there.

    The cache is keyed by the frames, the annotation, both configurations and the source of
    `mace.motion`, so that it never serves the flow of an older version.

    Raises:
        DataError: for no clip, an emotion outside `classes`, crops of several sizes, or a bad
            onset or apex.
        OutputError: if the cache cannot be written.
    """
    clips = list(clips)
    _check(clips, classes)
    pairs = [frame_pairs(clip, variants) for clip in clips]
    reference = np.stack([c.frames[r] for c, p in zip(clips, pairs, strict=True) for r, _ in p])
    target = np.stack([c.frames[t] for c, p in zip(clips, pairs, strict=True) for _, t in p])
    subjects = tuple(sorted({clip.person for clip in clips}))
    unfinished = MotionSet(
        inputs=np.zeros((len(clips), 0, 0, 0, 0), np.float32),
        labels=np.array([classes.index(clip.emotion) for clip in clips], np.int32),
        groups=np.array([subjects.index(clip.person) for clip in clips], np.int32),
        subjects=subjects,
        clips=tuple(clip.name for clip in clips),
        classes=tuple(classes),
        motion=motion,
    )
    cache = None
    if cache_dir is not None:
        settings = [to_dict(motion), to_dict(variants), unfinished.fingerprint]
        cache = MotionCache(cache_dir, settings, reference, target)
    inputs = None if cache is None else cache.read()
    if inputs is None:
        moved = _represent(reference, target, motion)
        inputs = moved.reshape(len(clips), -1, *moved.shape[1:])
        if cache is not None:
            cache.write(inputs)
    units = tuple(listed_units(clip.aus) for clip in clips)
    partitions = tuple(clip.partition for clip in clips)
    return replace(unfinished, inputs=inputs, units=units, partitions=partitions, fingerprint="")


def _represent(
    reference: UInt8[np.ndarray, "p s s"], target: UInt8[np.ndarray, "p s s"], config: MotionConfig
) -> Float[np.ndarray, "p h w c"]:
    # The last batch is filled up so that a jitted flow sees one shape and compiles once.
    total = len(reference)
    size = min(PAIRS_AT_ONCE, total)
    batches = []
    with progress(f"computing {config.representation}", total) as advance:
        for start in range(0, total, size):
            index = np.minimum(np.arange(start, start + size), total - 1)
            wanted = min(size, total - start)
            batch = np.asarray(represent(reference[index], target[index], config=config))
            batches.append(batch[:wanted])
            advance(wanted)
    return np.concatenate(batches).astype(np.float32)


def _check(clips: Sequence[Clip], classes: tuple[str, ...]) -> None:
    if not clips:
        raise DataError("there is no clip to compute motion from; choose another data set or class")
    names = set()
    for clip in clips:
        if clip.name in names:
            raise DataError(f"clip {clip.name} appears twice; names must be unique")
        names.add(clip.name)
        if clip.emotion not in classes:
            raise DataError(
                f"clip {clip.name} has the emotion {clip.emotion!r}, expected one of: "
                f"{', '.join(classes)}; map the emotions to classes first"
            )
        if clip.frames.shape[1:] != clips[0].frames.shape[1:]:
            raise DataError(
                f"clip {clip.name} has crops of {clip.frames.shape[1:]} px, {clips[0].name} of "
                f"{clips[0].frames.shape[1:]} px; prepare both data sets with one crop size"
            )
