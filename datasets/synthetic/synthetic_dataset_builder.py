"""TFDS builder of the synthetic data set; builds and reads without TensorFlow."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import tensorflow_datasets as tfds

from mace.datasets.clip_features import as_files, clip_features
from mace.datasets.synthetic.movement.action_units import AU_NAMES
from mace.datasets.synthetic.presets import PRESETS, Preset
from mace.datasets.synthetic.rendering import load_subject, store_subjects


@dataclass(eq=False)
class SyntheticConfig(tfds.core.BuilderConfig):
    """A preset with a seed; the default seed has the preset's own name."""

    preset: Preset = PRESETS["tiny"]
    seed: int = 0


def config_for(preset: Preset, *, seed: int = 0) -> SyntheticConfig:
    """The builder's configuration of a preset, named `demo` or, with another seed, `demo-seed3`."""
    return SyntheticConfig(
        name=preset.name if seed == 0 else f"{preset.name}-seed{seed}",
        description=preset.description,
        preset=preset,
        seed=seed,
    )


class Builder(tfds.core.GeneratorBasedBuilder):
    """Rendered micro-expressions with exact truth."""

    VERSION = tfds.core.Version("2.0.0")
    RELEASE_NOTES = {  # noqa: RUF012
        "2.0.0": "One renderer: clips and videos show the people of pairs, and move as they do.",
        "1.2.0": "Pairs: people differ in what an action unit moves. Clips and videos as before.",
        "1.1.0": "The classes of each set, raw annotation and flags.",
        "1.0.0": "First version.",
    }
    BUILDER_CONFIGS = [config_for(preset) for preset in PRESETS.values()]  # noqa: RUF012

    @property
    def settings(self) -> SyntheticConfig:
        """The configuration, of the type that only this builder has."""
        return cast(SyntheticConfig, self.builder_config)

    @property
    def work_folder(self) -> Path:
        """Where finished subjects wait until the data set is complete."""
        name = f".{self.name}-{self.settings.name}-{self.VERSION}.work"
        return Path(self.data_path).parent.parent.parent / name

    def _info(self) -> tfds.core.DatasetInfo:
        preset = self.settings.preset
        size = preset.face.crop.size
        tensor = tfds.features.Tensor
        truth: dict[str, Any] = {
            "au_weights": tensor(shape=(None, len(AU_NAMES)), dtype=np.float32),
        }
        if preset.kind != "pairs":
            truth["points"] = tensor(shape=(None, 68, 2), dtype=np.float32)
            truth["eye_centres"] = tensor(shape=(None, 2, 2), dtype=np.float32)
            truth["blink"] = tensor(shape=(None,), dtype=np.float32)
        extra: dict[str, Any] = {"truth": truth}
        if preset.kind != "videos":
            truth["motion"] = tensor(shape=(size, size, 2), dtype=np.float32)
        else:
            text, index = tfds.features.Text(), np.int32
            extra["events"] = tfds.features.Sequence(
                {
                    "kind": text,
                    "emotion": text,
                    "aus": text,
                    "onset": index,
                    "apex": index,
                    "offset": index,
                }
            )
        return self.dataset_info_from_configs(features=clip_features(preset.face, extra))

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[tuple[str, dict]]]:
        return {"train": self._generate_examples()}

    def _generate_examples(self) -> Iterator[tuple[str, dict[str, Any]]]:
        config = self.settings
        folder = self.work_folder
        store_subjects(config.preset, config.seed, folder)
        for index in range(config.preset.subjects):
            for sample in load_subject(folder, index):
                yield f"{sample['subject']}/{sample['clip']}", as_files(sample)
