"""Preparing the composite from three prepared data sets and the organisers' label file."""

import contextlib
import io
import json
import shutil
import sys
from pathlib import Path

import tensorflow_datasets as tfds

from mace.annotation.class_sets import CLASS_SETS
from mace.datasets.file_format import file_format
from mace.datasets.megc2019.megc2019_dataset_builder import Builder
from mace.datasets.megc2019.reading import CompositeReading, read
from mace.datasets.reading.preparing import replace_folder
from mace.datasets.reading.report import make_report, refuse_changes
from mace.errors import ConfigError, DataError, OutputError

PRESETS = ("raw", "cropped")


def prepare(
    preset: str, *, data_dir: Path, manual_dir: Path | None = None, strict: bool = False
) -> Path:
    """Store the composite below `data_dir` and return its folder; a repeated call does nothing.

    Where a source or the label file has changed, the composite is made again.

    Args:
        preset: `raw` or `cropped`: which variants of the sources.
        data_dir: root of all prepared data sets, casme2, samm and smic among them.
        manual_dir: holds the label file.
        strict: refuse drops, such as clips that are not prepared.

    Raises:
        ConfigError: for an unknown preset or no `manual_dir`.
        DataError: if nothing is left, a source is damaged, or `strict` refuses.
        OutputError: if `data_dir` cannot be written to.
    """
    if preset not in PRESETS:
        raise ConfigError(f"megc2019 has no configuration {preset!r}; known: {', '.join(PRESETS)}")
    name = f"megc2019/{preset}"
    target = Path(_builder(preset, data_dir).data_path)
    if manual_dir is None:
        if (target / "preparation.json").exists():
            print(f"{name} is already prepared in {target}", file=sys.stderr)
            return target
        raise ConfigError(
            "megc2019 needs the label file combined_3class_gt.csv: name its folder with "
            "--manual-dir"
        )
    reading = read(manual_dir, data_dir, preset)
    if strict:
        refuse_changes(name, reading.changes)
    if not reading.picks:
        raise DataError(
            f"none of the {reading.rows} rows of the label file has a prepared clip, the first "
            f"because {reading.changes[-1].reason}"
        )
    if _fingerprint_of(target) == reading.fingerprint:
        print(f"{name} is already prepared in {target}", file=sys.stderr)
        return target
    _write(name, reading, preset, data_dir, target)
    return target


def _write(name: str, reading: CompositeReading, preset: str, data_dir: Path, target: Path) -> None:
    absent = {f"class_{one}": "" for one in CLASS_SETS}
    report = make_report(
        name,
        fingerprint=reading.fingerprint,
        rows=reading.rows,
        samples=[absent | pick.texts for pick in reading.picks],
        readable=reading.sheet,
        published=reading.published,
        changes=reading.changes,
    )
    work = data_dir / f".megc2019-{preset}.work"
    shutil.rmtree(work, ignore_errors=True)
    builder = _builder(preset, work / "built")
    builder.picks = reading.picks
    tfds.disable_progress_bar()
    try:
        # TFDS announces itself on standard output.
        with contextlib.redirect_stdout(io.StringIO()):
            builder.download_and_prepare(download_dir=str(work / "downloads"))
        report.write(Path(builder.data_path))
        replace_folder(Path(builder.data_path), target)
    except OSError as error:
        raise OutputError(f"cannot write {work}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(report.on_screen(target), end="")


def _builder(preset: str, data_dir: Path) -> Builder:
    return Builder(data_dir=str(data_dir), config=preset, file_format=file_format())


def _fingerprint_of(target: Path) -> str | None:
    """What the prepared data set was made from, None where there is none or it is damaged."""
    try:
        report = json.loads((target / "preparation.json").read_text(encoding="utf-8"))
        return report["fingerprint"] if (target / "dataset_info.json").exists() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
