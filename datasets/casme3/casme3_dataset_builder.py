"""TFDS builder of CAS(ME)^3."""

from pathlib import Path

from mace.datasets.casme3 import reading, videos
from mace.datasets.reading.builder import ClipBuilder, ReadingConfig
from mace.datasets.reading.long_videos import LongReading
from mace.datasets.reading.records import Reading


class Builder(ClipBuilder):
    """CAS(ME)^3; the configuration is the part that is read."""

    BUILDER_CONFIGS = [  # noqa: RUF012
        ReadingConfig(
            name="part_a", description="micro-expressions of part A, colour frames, corrected"
        ),
        ReadingConfig(
            name="long",
            description="the long videos of part A with micro- and macro-expressions, for spotting",
            videos=True,
        ),
        ReadingConfig(
            name="long_c",
            description="the long videos of part C with micro-expressions, for spotting",
            videos=True,
        ),
    ]

    @staticmethod
    def read(manual_dir: Path, config: str) -> Reading | LongReading:
        """Read sheet and tree, as the functions of `reading` and `videos` do."""
        if config == "long":
            return videos.read_part_a(manual_dir)
        if config == "long_c":
            return videos.read_part_c(manual_dir)
        return reading.read(manual_dir, config)
