"""TFDS builder of CAS(ME)^3, part A."""

from pathlib import Path

from mace.datasets.casme3 import reading
from mace.datasets.reading.builder import ClipBuilder, ReadingConfig
from mace.datasets.reading.records import Reading


class Builder(ClipBuilder):
    """CAS(ME)^3, part A; the configuration is the part that is read."""

    BUILDER_CONFIGS = [  # noqa: RUF012
        ReadingConfig(
            name="part_a", description="micro-expressions of part A, colour frames, corrected"
        ),
    ]

    @staticmethod
    def read(manual_dir: Path, config: str) -> Reading:
        """Read sheet and tree, as `reading.read` does."""
        return reading.read(manual_dir, config)
