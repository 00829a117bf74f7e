"""Preparing a lab's own clips."""

from pathlib import Path

from mace.datasets.folder.folder_dataset_builder import Builder
from mace.datasets.folder.reading import read
from mace.datasets.reading.preparing import prepare_clips
from mace.errors import ConfigError

PRESETS = ("whole", "cropped")


def prepare(
    preset: str,
    *,
    data_dir: Path,
    manual_dir: Path | None = None,
    annotations: Path | None = None,
    coder: str | None = None,
    strict: bool = False,
    workers: int | None = None,
) -> Path:
    """Prepare own clips, as `prepare_clips` does.

    Args:
        preset: `whole` frames or `cropped` faces.
        data_dir: root of all prepared data sets.
        manual_dir: the folder of the clips.
        annotations: their table; by default the one called `annotations` within `manual_dir`.
        coder: whose rows are read, of a table of several.
        strict: refuse repairs, choices and drops.
        workers: processes.
    """
    if annotations is not None and manual_dir is None:
        raise ConfigError("--annotations needs --manual-dir, the folder that its clips lie in")
    if coder is not None and manual_dir is None:
        raise ConfigError("--coder needs --manual-dir, the folder that the clips lie in")
    known = preset in PRESETS and manual_dir is not None
    return prepare_clips(
        Builder,
        config=preset,
        data_dir=data_dir,
        manual_dir=manual_dir,
        strict=strict,
        workers=workers,
        reading=read(manual_dir, preset, annotations, coder) if known and manual_dir else None,
    )
