"""Preparing the data set: one call, which an interruption does not waste."""

import contextlib
import io
import logging
import shutil
import sys
from pathlib import Path

import tensorflow_datasets as tfds

from mace.config import config_hash
from mace.datasets.file_format import file_format
from mace.datasets.synthetic.presets import PRESETS, Preset, preset_named
from mace.datasets.synthetic.rendering import store_subjects
from mace.datasets.synthetic.synthetic_dataset_builder import Builder, config_for
from mace.errors import ConfigError
from mace.files import write_text

DEFAULT = "demo"


def prepare(
    preset: str | Preset, *, data_dir: Path, seed: int = 0, workers: int | None = None
) -> Path:
    """Render a preset into `data_dir` and return the folder of the prepared data set.

    An interrupted call goes on with the subjects that are missing; a repeated one does nothing.

    Args:
        preset: `tiny`, `demo`, `full`, `long` or `pairs`, or a preset of your own with a name of
            its own.
        data_dir: root of all prepared data sets.
        seed: of the people and the clips.
        workers: processes, by default as many as there are cores; the data do not depend on it.

    Raises:
        ConfigError: for an unknown preset, or a seed below 0.
        OutputError: if the folder cannot be written to.
    """
    chosen = preset_named(preset) if isinstance(preset, str) else preset
    if seed < 0:
        raise ConfigError(f"the seed is {seed}, expected 0 or more")
    config = config_for(chosen, seed=seed)
    # TFDS wants its own configurations by name, and others as objects of another name.
    known = config.name if PRESETS.get(config.name) == chosen else config
    # Of others it prints every setting, as a warning.
    logging.getLogger("absl").setLevel(logging.ERROR)
    builder = Builder(data_dir=str(data_dir), config=known, file_format=file_format())
    path = Path(builder.data_path)
    if (path / "dataset_info.json").exists():
        print(f"synthetic/{config.name} is already prepared in {path}", file=sys.stderr)
        return path
    folder = _work_folder(builder, chosen, seed)
    store_subjects(chosen, seed, folder, workers=workers)
    # TFDS announces itself on standard output; its own bars count what is rendered already.
    tfds.disable_progress_bar()
    with contextlib.redirect_stdout(io.StringIO()):
        builder.download_and_prepare(download_dir=str(folder / "downloads"))
    shutil.rmtree(folder, ignore_errors=True)
    return path


def _work_folder(builder: Builder, preset: Preset, seed: int) -> Path:
    """The folder of finished subjects, emptied if they were made with other settings."""
    folder = builder.work_folder
    stamp, mark = folder / "settings", f"{config_hash(preset)} {seed} {Builder.VERSION}"
    if folder.exists() and (not stamp.exists() or stamp.read_text() != mark):
        shutil.rmtree(folder)
    write_text(stamp, mark)
    return folder
