"""TFDS builder of a lab's own clips."""

from pathlib import Path

from mace.datasets.folder import reading
from mace.datasets.reading.builder import ClipBuilder, ReadingConfig
from mace.datasets.reading.records import Reading


class Builder(ClipBuilder):
    """Own clips; the configuration says whether the faces are cut out already."""

    BUILDER_CONFIGS = [  # noqa: RUF012
        ReadingConfig(name="whole", description="whole frames, in which the face is found"),
        ReadingConfig(name="cropped", description="faces cut out already, taken as they are"),
    ]

    @staticmethod
    def read(manual_dir: Path, config: str) -> Reading:
        """Read the table called `annotations` within `manual_dir`, as `reading.read` does."""
        return reading.read(manual_dir, config)
