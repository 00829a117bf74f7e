"""TFDS builder of DFME."""

from pathlib import Path

from mace.datasets.dfme import reading
from mace.datasets.reading.builder import ClipBuilder, ReadingConfig
from mace.datasets.reading.records import Reading


class Builder(ClipBuilder):
    """DFME; the configuration is the part that is read."""

    BUILDER_CONFIGS = [  # noqa: RUF012
        ReadingConfig(name="clips", description="micro-expressions of all sheets found, corrected"),
    ]

    @staticmethod
    def read(manual_dir: Path, config: str) -> Reading:
        """Read sheet and tree, as `reading.read` does."""
        return reading.read(manual_dir, config)
