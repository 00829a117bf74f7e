"""TFDS builder of CASME."""

from pathlib import Path

from mace.datasets.casme import reading
from mace.datasets.reading.builder import ClipBuilder, ReadingConfig
from mace.datasets.reading.records import Reading


class Builder(ClipBuilder):
    """CASME; the configuration is the kind of frames."""

    BUILDER_CONFIGS = [  # noqa: RUF012
        ReadingConfig(name="raw", description="sections A and B, or raw_selected, corrected"),
        ReadingConfig(name="cropped", description="faces as cropped by the authors, as they are"),
    ]

    @staticmethod
    def read(manual_dir: Path, config: str) -> Reading:
        """Read sheet and tree, as `reading.read` does."""
        return reading.read(manual_dir, config)
