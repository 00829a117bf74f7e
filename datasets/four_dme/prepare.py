"""Preparing 4DME from the folder that its authors give out."""

from pathlib import Path

from mace.datasets.four_dme.four_dme_dataset_builder import Builder
from mace.datasets.reading.preparing import prepare_clips

PRESETS = ("gray",)


def prepare(
    preset: str,
    *,
    data_dir: Path,
    manual_dir: Path | None = None,
    strict: bool = False,
    workers: int | None = None,
) -> Path:
    """Prepare a configuration of 4DME, as `prepare_clips` does."""
    return prepare_clips(
        Builder,
        config=preset,
        data_dir=data_dir,
        manual_dir=manual_dir,
        strict=strict,
        workers=workers,
    )
