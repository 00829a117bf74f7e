"""Preparing SMIC from the folder that its authors give out."""

from pathlib import Path

from mace.datasets.reading.preparing import prepare_clips
from mace.datasets.smic.smic_dataset_builder import Builder

PRESETS = ("hs", "vis", "nir", "hs_cropped", "vis_cropped", "nir_cropped", "hs_e", "vis_e", "nir_e")


def prepare(
    preset: str,
    *,
    data_dir: Path,
    manual_dir: Path | None = None,
    strict: bool = False,
    workers: int | None = None,
) -> Path:
    """Prepare a variant of SMIC, as `prepare_clips` does."""
    return prepare_clips(
        Builder,
        config=preset,
        data_dir=data_dir,
        manual_dir=manual_dir,
        strict=strict,
        workers=workers,
    )
