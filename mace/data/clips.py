"""Annotated clips: their names, their classes, and the frame pairs their motion is measured on."""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import UInt8

from mace.data.config import VariantConfig
from mace.errors import DataError


@dataclass(frozen=True, kw_only=True, eq=False)
class Clip:
    """One annotated micro-expression with corrected frames.

    Attributes:
        database: name of the data set.
        subject: who is seen.
        clip: its name, unique within the subject.
        frames: uint8 gray crops.
        fps: frames per second.
        onset: where the movement begins; an index into `frames`, as are the next two.
        apex: where it is strongest.
        offset: where it is over.
        apex_source: who found the apex: `annotated`, or the name of a method.
        aus: action units, alternatives in one entry apart by bars.
        emotion: the annotated emotion, or the class that took its place; labels are made of it.
        classes: the clip's class in each class set that has one for it.
        partition: the authors' own, such as DFME's `training` and `test A`; empty where there is
            none.
    """

    database: str
    subject: str
    clip: str
    frames: UInt8[np.ndarray, "t s s"]
    fps: float
    onset: int
    apex: int
    offset: int
    apex_source: str
    aus: tuple[str, ...]
    emotion: str
    classes: Mapping[str, str] = field(default_factory=dict)
    partition: str = ""

    @property
    def name(self) -> str:
        """`database/subject/clip`, unique over all databases."""
        return f"{self.database}/{self.subject}/{self.clip}"

    @property
    def person(self) -> str:
        """`database/subject`, the group that leave-one-subject-out leaves out."""
        return f"{self.database}/{self.subject}"


def relabel(clips: Iterable[Clip], classes: Mapping[str, str | None]) -> list[Clip]:
    """Rename the clips' emotions to classes; those mapped to None are left out.

    Raises:
        DataError: for an emotion that the mapping does not name.
    """
    kept = []
    for clip in clips:
        if clip.emotion not in classes:
            raise DataError(
                f"clip {clip.name} has the emotion {clip.emotion!r}, which the mapping to classes "
                f"does not name; it names: {', '.join(classes)}"
            )
        name = classes[clip.emotion]
        if name is not None:
            kept.append(replace(clip, emotion=name))
    return kept


def frame_pairs(clip: Clip, config: VariantConfig) -> list[tuple[int, int]]:
    """Return the 1 + `extra` (reference, target) frame indices of a clip, the annotated one first.

    Raises:
        DataError: if onset and apex are not two frames of the clip in this order.
    """
    frames = len(clip.frames)
    if not 0 <= clip.onset < clip.apex < frames:
        raise DataError(
            f"clip {clip.name} has onset {clip.onset} and apex {clip.apex} in {frames} frames, "
            "expected 0 <= onset < apex < frames; mend the annotation or leave the clip out"
        )
    candidates = [
        (before + abs(shift), before, clip.onset - before, clip.apex + shift)
        for before in range(config.reference_frames + 1)
        for shift in range(-config.target_frames, config.target_frames + 1)
        if clip.onset - before >= 0 and clip.onset < clip.apex + shift < frames
    ]
    pairs = [(reference, target) for _, _, reference, target in sorted(candidates)]
    return list(itertools.islice(itertools.cycle(pairs), 1 + config.extra))
