"""TFDS builder of the composite; builds and reads without TensorFlow."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import tensorflow_datasets as tfds

from mace.datasets.clip_features import as_files, clip_features, encode_png
from mace.datasets.megc2019.reading import Pick, read, samples_in
from mace.datasets.reading.builder import ReadingConfig
from mace.errors import DataError


class Builder(tfds.core.GeneratorBasedBuilder):
    """Clips of CASME II, SMIC and SAMM, which are prepared below the same folder already."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "The label file combined_3class_gt.csv; casme2, samm and smic must be prepared before."
    )
    BUILDER_CONFIGS = [  # noqa: RUF012
        ReadingConfig(name="raw", description="442 clips of 68 subjects, corrected by mace"),
        ReadingConfig(name="cropped", description="442 clips of 68 subjects, authors' crops"),
    ]

    picks: Sequence[Pick] | None = None

    def _info(self) -> tfds.core.DatasetInfo:
        face = cast(ReadingConfig, self.builder_config).face
        return self.dataset_info_from_configs(features=clip_features(face))

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[tuple[str, dict]]]:
        picks = self.picks
        if picks is None:
            data_dir = Path(self.data_path).parent.parent.parent
            picks = read(Path(dl_manager.manual_dir), data_dir, self.builder_config.name).picks  # pyright: ignore
        return {"train": self._generate_examples(picks)}

    def _generate_examples(self, picks: Sequence[Pick]) -> Iterator[tuple[str, dict[str, Any]]]:
        size = cast(ReadingConfig, self.builder_config).face.crop.size
        sources = {pick.source.folder: samples_in(pick.source.folder) for pick in picks}
        for pick in picks:
            stored = sources[pick.source.folder][pick.index]
            frames = [frame[..., 0] for frame in stored["frames"]]
            if frames[0].shape != (size, size):
                raise DataError(
                    f"{pick.source.name} has crops of {frames[0].shape[0]} px, expected {size}; "
                    "prepare it again with the default face correction"
                )
            sample = {
                name: value.decode() if isinstance(value, bytes) else value
                for name, value in stored.items()
            }
            sample |= {"frames": [encode_png(frame) for frame in frames], **pick.texts}
            yield pick.label.name, as_files(sample)
