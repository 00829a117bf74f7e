"""Preparing CASME II from the folder that its authors give out."""

from pathlib import Path

from mace.datasets.casme2.casme2_dataset_builder import Builder
from mace.datasets.reading.preparing import prepare_clips

PRESETS = ("raw_selected", "raw", "cropped")


def prepare(
    preset: str,
    *,
    data_dir: Path,
    manual_dir: Path | None = None,
    strict: bool = False,
    workers: int | None = None,
) -> Path:
    """Prepare a frame tree of CASME II, as `prepare_clips` does."""
    return prepare_clips(
        Builder,
        config=preset,
        data_dir=data_dir,
        manual_dir=manual_dir,
        strict=strict,
        workers=workers,
    )
