"""TFDS builder of CASME II."""

from pathlib import Path

from mace.datasets.casme2 import reading
from mace.datasets.reading.builder import ClipBuilder, ReadingConfig
from mace.datasets.reading.records import Reading


class Builder(ClipBuilder):
    """CASME II; the configuration is the frame tree that is read."""

    BUILDER_CONFIGS = [  # noqa: RUF012
        ReadingConfig(name="raw_selected", description="onset to offset, 640 x 480 px, corrected"),
        ReadingConfig(name="raw", description="whole recordings, 640 x 480 px, corrected"),
        ReadingConfig(name="cropped", description="faces as cropped by the authors, as they are"),
    ]

    @staticmethod
    def read(manual_dir: Path, config: str) -> Reading:
        """Read sheet and tree, as `reading.read` does."""
        return reading.read(manual_dir, config)
