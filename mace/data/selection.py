"""What a command scores on: a set of classes in place of the emotions, a benchmark's clips."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from mace.annotation.class_sets import CLASS_SETS, ClassSet
from mace.data.clips import Clip
from mace.errors import DataError
from mace.protocols.benchmarks import Benchmark
from mace.protocols.counts import exclusions, select
from mace.protocols.folds import clips_of

# Clips that a reason names; more are counted only.
NAMED = 5


def choose_classes(clips: Sequence[Clip], chosen: ClassSet) -> list[Clip]:
    """Return the clips that have a class in a set, with it as their emotion.

    How many are left out, and with which emotions, is printed on standard error.

    Raises:
        DataError: if no clip has a class in the set.
    """
    kept = [replace(clip, emotion=clip.classes[chosen]) for clip in clips if chosen in clip.classes]
    if not kept:
        there = [name for name in CLASS_SETS if any(name in clip.classes for clip in clips)]
        raise DataError(
            f"none of the {len(clips)} clips has a class in the set {chosen}; sets they have: "
            f"{', '.join(there) or 'none'}"
        )
    left_out = Counter(clip.emotion for clip in clips if chosen not in clip.classes)
    if left_out:
        names = ", ".join(f"{emotion or 'none'} {n}" for emotion, n in left_out.most_common())
        print(
            f"{len(kept)} clips have a class in the set {chosen}; left out {left_out.total()}: "
            f"{names}",
            file=sys.stderr,
        )
    return kept


def choose_benchmark(clips: Sequence[Clip], benchmark: Benchmark) -> list[Clip]:
    """Return the clips that are of a benchmark; their emotion is the class they are scored on.

    How many it leaves out, and for what reason, is printed on standard error.

    Raises:
        DataError: if none is.
    """
    about = (
        [clip.emotion for clip in clips],
        [clip.person for clip in clips],
        [clip.apex_source for clip in clips],
    )
    index = select(benchmark, *about)
    if benchmark.folds == "partition":
        index = [index[k] for k in clips_of([clips[i].partition for i in index], benchmark.tested)]
    by_reason: dict[str, list[str]] = {}
    excluded = exclusions(benchmark, *about)
    for i, reason in excluded.items():
        by_reason.setdefault(reason, []).append(clips[i].name)
    for i in sorted(set(range(len(clips))) - set(index) - set(excluded)):
        reason = f"of the partition {clips[i].partition or '(none)'}"
        by_reason.setdefault(reason, []).append(clips[i].name)
    if by_reason:
        reasons = "; ".join(
            f"{len(names)} {reason}" + (f" ({', '.join(names)})" if len(names) <= NAMED else "")
            for reason, names in by_reason.items()
        )
        print(
            f"{len(index)} clips are of {benchmark.title}; left out {reasons}",
            file=sys.stderr,
        )
    return [clips[i] for i in index]
