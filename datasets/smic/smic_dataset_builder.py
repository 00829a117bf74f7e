"""TFDS builder of SMIC."""

from pathlib import Path

from mace.datasets.reading.builder import ClipBuilder, ReadingConfig
from mace.datasets.reading.records import Reading
from mace.datasets.smic import reading


class Builder(ClipBuilder):
    """SMIC; the configuration is the camera and how clips are cut."""

    BUILDER_CONFIGS = [  # noqa: RUF012
        ReadingConfig(
            name="hs", description="the fast camera, 100 frames/s, clips cut to the expression"
        ),
        ReadingConfig(
            name="vis", description="the visual camera, 25 frames/s, clips cut to the expression"
        ),
        ReadingConfig(
            name="nir",
            description="the near-infrared camera, 25 frames/s, clips cut to the expression",
        ),
        ReadingConfig(
            name="hs_cropped",
            description="the fast camera, 100 frames/s, faces as cropped by the authors",
        ),
        ReadingConfig(
            name="vis_cropped",
            description="the visual camera, 25 frames/s, faces as cropped by the authors",
        ),
        ReadingConfig(
            name="nir_cropped",
            description="the near-infrared camera, 25 frames/s, faces as cropped by the authors",
        ),
        ReadingConfig(
            name="hs_e", description="the fast camera, 100 frames/s, long clips and their sheet"
        ),
        ReadingConfig(
            name="vis_e", description="the visual camera, 25 frames/s, long clips and their sheet"
        ),
        ReadingConfig(
            name="nir_e",
            description="the near-infrared camera, 25 frames/s, long clips and their sheet",
        ),
    ]

    @staticmethod
    def read(manual_dir: Path, config: str) -> Reading:
        """Read sheet and tree, as `reading.read` does."""
        return reading.read(manual_dir, config)
