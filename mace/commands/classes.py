"""The set of classes that a command scores on, in place of the annotated emotions."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from mace.annotation import CLASS_SETS, ClassSet
from mace.data import Clip
from mace.errors import DataError


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
