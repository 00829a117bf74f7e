"""TFDS builder of SAMM."""

from pathlib import Path

from mace.datasets.reading.builder import ClipBuilder, ReadingConfig
from mace.datasets.reading.records import Reading
from mace.datasets.samm import reading


class Builder(ClipBuilder):
    """SAMM; the configuration is the kind of frames."""

    BUILDER_CONFIGS = [  # noqa: RUF012
        ReadingConfig(name="raw", description="960 x 650 px as distributed, corrected"),
        ReadingConfig(name="cropped", description="faces that somebody cropped, as they are"),
    ]

    @staticmethod
    def read(manual_dir: Path, config: str) -> Reading:
        """Read sheet and tree, as `reading.read` does."""
        return reading.read(manual_dir, config)
