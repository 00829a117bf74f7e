"""TFDS builder of SAMM."""

from pathlib import Path

from mace.datasets.reading.builder import ClipBuilder, ReadingConfig
from mace.datasets.reading.long_videos import LongReading
from mace.datasets.reading.records import Reading
from mace.datasets.samm import reading, videos


class Builder(ClipBuilder):
    """SAMM; the configuration is the kind of frames."""

    BUILDER_CONFIGS = [  # noqa: RUF012
        ReadingConfig(name="raw", description="960 x 650 px as distributed, corrected"),
        ReadingConfig(name="cropped", description="faces that somebody cropped, as they are"),
        ReadingConfig(
            name="long",
            description="SAMM Long Videos with micro- and macro-expressions, for spotting",
            videos=True,
        ),
    ]

    @staticmethod
    def read(manual_dir: Path, config: str) -> Reading | LongReading:
        """Read sheet and tree, as `reading.read` and `videos.read` do."""
        if config == "long":
            return videos.read(manual_dir)
        return reading.read(manual_dir, config)
