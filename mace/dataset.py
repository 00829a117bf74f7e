"""A prepared data set as Python has it: arrays, clips and annotations."""

import html
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Shaped

from mace.annotation.class_sets import ClassSet
from mace.data.clips import Clip
from mace.data.config import VariantConfig
from mace.data.flow_images import holds_flow_images
from mace.data.loading import load_clips
from mace.data.making import make_motion_set
from mace.data.motion_set import MotionSet
from mace.data.selection import choose_benchmark, choose_classes
from mace.errors import ConfigError
from mace.inputs import read_motion
from mace.motion.config import MotionConfig
from mace.places import DATA_DIR, prepared_dataset
from mace.protocols.benchmarks import BenchmarkName, find_benchmark
from mace.recipes import FLOW, FLOW_IMAGES

if TYPE_CHECKING:
    import pandas as pd


def load_dataset(
    name: str,
    *,
    data_dir: str | Path = DATA_DIR,
    classes: ClassSet | None = None,
    benchmark: BenchmarkName | None = None,
    motion: MotionConfig | None = None,
) -> "Dataset":
    """Return a data set that `mace prepare` has made.

    Args:
        name: such as `casme2` or `synthetic/demo`; `mace doctor` lists what is prepared.
        data_dir: where prepared data sets lie.
        classes: set of classes in place of the emotions; clips without one are left out.
        benchmark: a protocol of the field, whose clips and classes alone are taken.
        motion: what `X` is computed from the clips; by default optical flow (u, v, strain) between
            onset and apex, 32 px.

    Raises:
        ConfigError: for a benchmark of no such name, or settings that ready-made flow images do not
            take.
        DataError: if it is not prepared, or damaged.
    """
    folder = prepared_dataset(name, data_dir=Path(data_dir))
    chosen = None if benchmark is None else find_benchmark(benchmark)
    if holds_flow_images(folder):
        if motion is not None or chosen is not None:
            raise ConfigError(
                f"{name} holds ready-made flow images; leave out motion and benchmark"
            )
        images = read_motion(folder, FLOW_IMAGES, cache_dir=None, classes=classes)
        return Dataset(name, folder, clips=None, motion_set=images)
    clips = load_clips(folder)
    if classes is None and chosen is not None:
        classes = chosen.class_set
    if classes is not None:
        clips = choose_classes(clips, classes)
    if chosen is not None:
        clips = choose_benchmark(clips, chosen)
    return Dataset(name, folder, clips=clips, motion=motion or FLOW.motion)


class Dataset:
    """Annotated clips with the arrays that a classifier learns from.

    Attributes:
        name: as it was asked for.
        folder: where it lies.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        *,
        clips: list[Clip] | None,
        motion: MotionConfig | None = None,
        motion_set: MotionSet | None = None,
    ) -> None:
        self.name, self.folder = name, folder
        self._clips, self._motion, self._motion_set = clips, motion, motion_set

    @property
    def clips(self) -> tuple[Clip, ...]:
        """The clips with their corrected frames, uint8 (t, s, s), and annotations.

        Raises:
            ConfigError: of ready-made flow images, behind which there are none.
        """
        if self._clips is None:
            raise ConfigError(f"{self.name} holds ready-made flow images; there are no clips")
        return tuple(self._clips)

    @cached_property
    def motion_set(self) -> MotionSet:
        """Inputs, labels and people as the trainer takes them."""
        if self._motion_set is not None:
            return self._motion_set
        clips = self.clips
        assert self._motion is not None
        return make_motion_set(
            clips,
            motion=self._motion,
            variants=VariantConfig(extra=0),
            classes=tuple(sorted({clip.emotion for clip in clips})),
        )

    @property
    def X(self) -> Float[np.ndarray, "n h w c"]:
        """Motion images, float32: for flow u, v in px of a 128-px crop, and strain."""
        return self.motion_set.inputs[:, 0]

    @property
    def y(self) -> Shaped[np.ndarray, " n"]:
        """The class of each clip, by name."""
        return np.array(self.motion_set.classes)[self.motion_set.labels]

    @property
    def groups(self) -> Shaped[np.ndarray, " n"]:
        """The person of each clip, `database/subject`."""
        return np.array(self.motion_set.subjects)[self.motion_set.groups]

    @cached_property
    def annotations(self) -> "pd.DataFrame":
        """A row for each clip: names, class, onset, apex and offset (positions), fps, action units.

        Of ready-made flow images names and class alone.
        """
        import pandas as pd

        if self._clips is None:
            parts = [clip.split("/", 2) for clip in self.motion_set.clips]
            table = pd.DataFrame(parts, columns=["database", "subject", "clip"])
            return table.assign(label=self.y)
        rows = [
            {
                "database": clip.database,
                "subject": clip.subject,
                "clip": clip.clip,
                "label": clip.emotion,
                "onset": clip.onset,
                "apex": clip.apex,
                "offset": clip.offset,
                "frames": len(clip.frames),
                "fps": clip.fps,
                "apex_source": clip.apex_source,
                "action_units": " ".join(clip.aus),
            }
            for clip in self._clips
        ]
        return pd.DataFrame(rows)

    def __len__(self) -> int:
        return len(self.motion_set if self._clips is None else self._clips)

    def __repr__(self) -> str:
        people = self.annotations.groupby(["database", "subject"]).ngroups
        counts = self.annotations["label"].value_counts()
        classes = ", ".join(f"{count} {name}" for name, count in counts.items())
        return f"{self.name}: {len(self)} clips of {people} people ({classes})"

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>{self.annotations.head().to_html()}"
