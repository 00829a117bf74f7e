"""Preparing CASME II from the folder that its authors give out."""

from pathlib import Path

from mace.datasets.casme2.casme2_dataset_builder import Builder
from mace.datasets.casme2.reading import CODINGS, read
from mace.datasets.reading.preparing import prepare_clips
from mace.errors import ConfigError

PRESETS = ("raw_selected", "raw", "cropped")


def prepare(
    preset: str,
    *,
    data_dir: Path,
    manual_dir: Path | None = None,
    coding: int | None = None,
    strict: bool = False,
    workers: int | None = None,
) -> Path:
    """Prepare a configuration of CASME II, as `prepare_clips` does.

    Args:
        preset: `raw_selected`, `raw` or `cropped`.
        data_dir: root of all prepared data sets.
        manual_dir: the folder of the data set.
        coding: 2014 or 2019, by default the later of those that are there.
        strict: refuse repairs, choices and drops.
        workers: processes.
    """
    if coding is not None and coding not in CODINGS:
        known = " and ".join(map(str, CODINGS))
        raise ConfigError(f"there is no coding of {coding}; the codings of CASME II are {known}")
    if coding is not None and manual_dir is None:
        raise ConfigError("--coding needs --manual-dir, the folder that the coding lies in")
    known = preset in PRESETS and manual_dir is not None
    return prepare_clips(
        Builder,
        config=preset,
        data_dir=data_dir,
        manual_dir=manual_dir,
        strict=strict,
        workers=workers,
        reading=read(manual_dir, preset, coding) if known and manual_dir else None,
    )
