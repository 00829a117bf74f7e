"""TFDS builder of 4DME."""

from pathlib import Path

from mace.datasets.four_dme import reading
from mace.datasets.reading.builder import ClipBuilder, ReadingConfig
from mace.datasets.reading.records import Reading


class Builder(ClipBuilder):
    """4DME; the configuration is the camera that is read."""

    BUILDER_CONFIGS = [  # noqa: RUF012
        ReadingConfig(
            name="gray", description="micro-expressions seen by the gray camera, corrected"
        ),
    ]

    @staticmethod
    def read(manual_dir: Path, config: str) -> Reading:
        """Read sheet and tree, as `reading.read` does."""
        return reading.read(manual_dir, config)
