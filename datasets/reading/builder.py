"""What the TFDS builders of all licensed data sets share; builds and reads without TensorFlow."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import tensorflow_datasets as tfds

from mace.datasets.clip_features import as_files, clip_features, event_features
from mace.datasets.reading.correcting import load
from mace.datasets.reading.long_videos import LongReading
from mace.datasets.reading.records import Reading
from mace.datasets.reading.storing import store_clips
from mace.face.config import FaceConfig


@dataclass(eq=False)
class ReadingConfig(tfds.core.BuilderConfig):
    """A variant of a data set, such as one of its folder trees.

    Attributes:
        face: settings of the face correction.
        videos: whether it has long videos with all that happens in them, in place of clips.
    """

    face: FaceConfig = field(default_factory=FaceConfig)
    videos: bool = False


class ClipBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Base of the builders: a subclass named Builder says how sheet and tree are read.

    Through TFDS alone (`builder.download_and_prepare` with a manual folder) the clips are made on
    the way; `mace prepare` makes them first and hands over the files in `clips`, so that it can
    resume, check and report.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "The data set needs a licence agreement with its authors. Put the annotation file and the "
        "frames anywhere below the manual folder; the data set's README.md says where to get them."
    )

    clips: Sequence[Path] | None = None

    @staticmethod
    @abstractmethod
    def read(manual_dir: Path, config: str) -> Reading | LongReading:
        """Read sheet and tree; no image is decoded.

        Raises:
            DataError: if there is no sheet, or it is not what it should be.
        """

    @property
    def settings(self) -> ReadingConfig:
        """The configuration, of the type that only these builders have."""
        return cast(ReadingConfig, self.builder_config)

    def _info(self) -> tfds.core.DatasetInfo:
        extra = event_features() if self.settings.videos else None
        return self.dataset_info_from_configs(features=clip_features(self.settings.face, extra))

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[tuple[str, dict]]]:
        clips = self.clips
        if clips is None:
            reading = self.read(Path(dl_manager.manual_dir), self.settings.name)
            folder = Path(self.data_path).parent / ".clips"
            clips = store_clips(reading, face=self.settings.face, folder=folder).paths
        return {"train": self._generate_examples(clips)}

    def _generate_examples(self, clips: Sequence[Path]) -> Iterator[tuple[str, dict[str, Any]]]:
        for path in clips:
            outcome = load(path)
            assert outcome is not None, f"{path} vanished"
            assert outcome.sample is not None
            sample = outcome.sample
            yield f"{sample['subject']}/{sample['clip']}", as_files(sample)
