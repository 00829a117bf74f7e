"""TFDS builder of the flow images; builds and reads without TensorFlow."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import tensorflow_datasets as tfds

from mace.datasets.megc2019_flow.picture import SIZE
from mace.datasets.megc2019_flow.reading import read

CONFIG = "composite"
"""The one configuration: the composite of CASME II, SMIC and SAMM."""


class Builder(tfds.core.GeneratorBasedBuilder):
    """Ready-made flow images of the MEGC2019 composite; channels u, v, optical strain."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012
    MANUAL_DOWNLOAD_INSTRUCTIONS = "A folder with the 28 x 28 pictures and their label csv."
    BUILDER_CONFIGS = [  # noqa: RUF012
        tfds.core.BuilderConfig(
            name=CONFIG, description="442 images of 68 subjects of CASME II, SMIC and SAMM"
        )
    ]

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "flow_image": tfds.features.Image(shape=(SIZE, SIZE, 3), encoding_format="png"),
                    "database": tfds.features.Text(),
                    "subject": tfds.features.Text(),
                    "clip": tfds.features.Text(),
                    "class_3": tfds.features.Text(),
                }
            )
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[tuple[str, dict]]]:
        return {"train": self._generate_examples(Path(dl_manager.manual_dir))}

    def _generate_examples(self, manual_dir: Path) -> Iterator[tuple[str, dict[str, Any]]]:
        for image in read(manual_dir).images:
            # OpenCV writes blue first; TFDS reads red first, which is u again.
            done, data = cv2.imencode(".png", image.picture[..., ::-1])
            assert done
            yield (
                image.name,
                {
                    "flow_image": io.BytesIO(data.tobytes()),
                    "database": image.database,
                    "subject": image.subject,
                    "clip": image.clip,
                    "class_3": image.class_3,
                },
            )
