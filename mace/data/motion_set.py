"""The arrays a network learns from."""

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from mace.data.digest import digest
from mace.motion.config import MotionConfig


@dataclass(frozen=True, kw_only=True, eq=False)
class MotionSet:
    """All clips as the network sees them: k frame pairs a clip, class and person of each clip.

    Attributes:
        inputs: float32, variant 0 being the annotated pair.
        labels: int32, the class of each clip as an index of `classes`.
        groups: int32, the person of each clip as an index of `subjects`.
        subjects: `database/subject` of everybody.
        clips: `database/subject/clip` of each.
        classes: their names.
        motion: says what the channels are.
        units: FACS numbers of the action units that each clip's annotation lists, of alternatives
            all; none where it says nothing, which is so of every clip by default.
        partitions: the authors' own of each clip; empty, as by default, where there are none.
        lbp_top: LBP-TOP histograms of the clips' frames (`mace.descriptors.lbp_top`), for the
            baseline of this name; None where nobody asked for them, or there are no frames. They
            follow from the clips, and so have no part in the fingerprint.
        fingerprint: names the content; computed where it is not given.
    """

    inputs: Float[np.ndarray, "n k h w c"]
    labels: Int[np.ndarray, " n"]
    groups: Int[np.ndarray, " n"]
    subjects: tuple[str, ...]
    clips: tuple[str, ...]
    classes: tuple[str, ...]
    motion: MotionConfig = field(default_factory=MotionConfig)
    units: tuple[frozenset[str], ...] = ()
    partitions: tuple[str, ...] = ()
    lbp_top: Float[np.ndarray, "n d"] | None = None
    fingerprint: str = ""

    def __post_init__(self) -> None:
        if not self.units:
            object.__setattr__(self, "units", (frozenset(),) * len(self))
        if len(self.units) != len(self):
            raise ValueError(f"{len(self.units)} lists of action units for {len(self)} clips")
        if not self.partitions:
            object.__setattr__(self, "partitions", ("",) * len(self))
        if not self.fingerprint:
            object.__setattr__(self, "fingerprint", _fingerprint(self))

    def __len__(self) -> int:
        return len(self.labels)


def _fingerprint(motion_set: MotionSet) -> str:
    names: list[Any] = [motion_set.clips, motion_set.subjects, motion_set.classes]
    if any(motion_set.units):
        names.append([sorted(listed) for listed in motion_set.units])
    if any(motion_set.partitions):
        names.append(motion_set.partitions)
    arrays = (motion_set.inputs, motion_set.labels, motion_set.groups)
    return digest(json.dumps(names).encode(), *arrays)[:16]
