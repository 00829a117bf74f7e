"""Preparing the flow images: a folder in, pictures that training reads out, within a second."""

import contextlib
import io
import shutil
import sys
from pathlib import Path

import tensorflow_datasets as tfds

from mace.datasets.megc2019_flow.megc2019_flow_dataset_builder import CONFIG, Builder
from mace.datasets.megc2019_flow.reading import read
from mace.errors import ConfigError, DataError

PRESETS = (CONFIG,)


def prepare(
    preset: str,
    *,
    data_dir: Path,
    manual_dir: Path | None = None,
    strict: bool = False,
    workers: int | None = None,
    seed: int = 0,
) -> Path:
    """Store the flow images below `data_dir` and return the folder; a repeated call does nothing.

    Args:
        preset: `composite`.
        data_dir: root of all prepared data sets.
        manual_dir: a folder that holds the pictures and a label file at any depth.
        strict: fail where anything had to be repaired.
        workers: unused, there is next to nothing to do.
        seed: unused, nothing is random.

    Raises:
        ConfigError: for an unknown preset or no `manual_dir`.
        DataError: if the folder does not hold what it should, or a repair with `strict`.
        OutputError: if `data_dir` cannot be written to.
    """
    if preset not in PRESETS:
        raise ConfigError(f"unknown preset {preset!r}; known: {', '.join(PRESETS)}")
    builder = Builder(data_dir=str(data_dir), config=preset, file_format="array_record")
    path = Path(builder.data_path)
    if (path / "dataset_info.json").exists():
        print(f"megc2019_flow/{preset} is already prepared in {path}", file=sys.stderr)
        return path
    if manual_dir is None:
        raise ConfigError("megc2019_flow needs --manual-dir, the folder with its pictures and csv")
    reading = read(manual_dir)
    downloads = Path(data_dir) / f".megc2019_flow-{preset}.work"
    tfds.disable_progress_bar()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            builder.download_and_prepare(
                download_dir=str(downloads),
                download_config=tfds.download.DownloadConfig(manual_dir=str(manual_dir)),
            )
    finally:
        shutil.rmtree(downloads, ignore_errors=True)
    return path
