"""TFDS builder of CAS(ME)^2."""

from pathlib import Path

from mace.datasets.casme_squared import reading
from mace.datasets.reading.builder import ClipBuilder, ReadingConfig
from mace.datasets.reading.long_videos import LongReading
from mace.datasets.reading.records import Reading


class Builder(ClipBuilder):
    """CAS(ME)^2; the configuration is the kind of expression that is read."""

    BUILDER_CONFIGS = [  # noqa: RUF012
        ReadingConfig(
            name="micro", description="micro-expressions of the long videos, 30 frames/s, corrected"
        ),
        ReadingConfig(
            name="macro", description="macro-expressions of the long videos, 30 frames/s, corrected"
        ),
        ReadingConfig(
            name="long",
            description="the long videos with micro- and macro-expressions, for spotting",
            videos=True,
        ),
    ]

    @staticmethod
    def read(manual_dir: Path, config: str) -> Reading | LongReading:
        """Read sheet and tree, as `reading.read` does."""
        return reading.read(manual_dir, config)
