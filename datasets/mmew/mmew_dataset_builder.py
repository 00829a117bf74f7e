"""TFDS builder of MMEW."""

from pathlib import Path

from mace.datasets.mmew import reading
from mace.datasets.reading.builder import ClipBuilder, ReadingConfig
from mace.datasets.reading.records import Reading


class Builder(ClipBuilder):
    """MMEW; the configuration is the part that is read."""

    BUILDER_CONFIGS = [  # noqa: RUF012
        ReadingConfig(name="micro", description="micro-expressions, 90 frames/s, corrected"),
    ]

    @staticmethod
    def read(manual_dir: Path, config: str) -> Reading:
        """Read sheet and tree, as `reading.read` does."""
        return reading.read(manual_dir, config)
