"""Preparing the flow images: a folder in, pictures that training reads out, within a second."""

import contextlib
import hashlib
import io
import json
import shutil
import sys
from pathlib import Path

import tensorflow_datasets as tfds

from mace.annotation.class_sets import CLASS_SETS
from mace.datasets.file_format import file_format
from mace.datasets.megc2019_flow.megc2019_flow_dataset_builder import CONFIG, Builder
from mace.datasets.megc2019_flow.reading import FlowReading, read
from mace.datasets.reading.preparing import replace_folder
from mace.datasets.reading.report import PreparationReport, make_report, refuse_changes
from mace.errors import ConfigError, OutputError

PRESETS = (CONFIG,)
_NAME = f"megc2019_flow/{CONFIG}"


def prepare(
    preset: str, *, data_dir: Path, manual_dir: Path | None = None, strict: bool = False
) -> Path:
    """Store the flow images below `data_dir` and return the folder; a repeated call does nothing.

    Where pictures or labels have changed, the data set is made again.

    Args:
        preset: `composite`.
        data_dir: root of all prepared data sets.
        manual_dir: a folder that holds the pictures and a label file at any depth.
        strict: refuse repairs, choices and drops.

    Raises:
        ConfigError: for an unknown preset or no `manual_dir`.
        DataError: if the folder does not hold what it should, or `strict` refuses.
        OutputError: if `data_dir` cannot be written to.
    """
    if preset not in PRESETS:
        raise ConfigError(
            f"megc2019_flow has no configuration {preset!r}; known: {', '.join(PRESETS)}"
        )
    target = Path(_builder(data_dir).data_path)
    if manual_dir is None:
        if (target / "preparation.json").exists():
            print(f"{_NAME} is already prepared in {target}", file=sys.stderr)
            return target
        raise ConfigError(
            "megc2019_flow needs its pictures and their label csv: name the folder that holds them "
            "with --manual-dir"
        )
    reading = read(manual_dir)
    if strict:
        refuse_changes(_NAME, reading.changes)
    report = _report(reading)
    if _fingerprint_of(target) == report.fingerprint:
        print(f"{_NAME} is already prepared in {target}", file=sys.stderr)
        return target
    work = data_dir / f".megc2019_flow-{CONFIG}.work"
    shutil.rmtree(work, ignore_errors=True)
    builder = _builder(work / "built")
    tfds.disable_progress_bar()
    try:
        # TFDS announces itself on standard output.
        with contextlib.redirect_stdout(io.StringIO()):
            builder.download_and_prepare(
                download_dir=str(work / "downloads"),
                download_config=tfds.download.DownloadConfig(manual_dir=str(manual_dir)),
            )
        report.write(Path(builder.data_path))
        replace_folder(Path(builder.data_path), target)
    except OSError as error:
        raise OutputError(f"cannot write {work}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(report.on_screen(target), end="")
    return target


def _builder(data_dir: Path) -> Builder:
    return Builder(data_dir=str(data_dir), config=CONFIG, file_format=file_format())


def _report(reading: FlowReading) -> PreparationReport:
    absent = {f"class_{name}": "" for name in CLASS_SETS}
    digest = hashlib.sha256(str(Builder.VERSION).encode())
    for image in reading.images:
        digest.update(f"{image.name} {image.class_3}\n".encode())
        digest.update(image.picture.tobytes())
    for change in reading.changes:
        digest.update(f"{change}\n".encode())
    return make_report(
        _NAME,
        fingerprint=digest.hexdigest()[:16],
        rows=reading.rows,
        samples=[
            # Where the makers of the pictures had their apex from is not known for SMIC.
            absent | {"emotion": i.class_3, "class_3": i.class_3, "apex_source": "unknown"}
            for i in reading.images
        ],
        readable=reading.sheet,
        published=reading.published,
        changes=reading.changes,
    )


def _fingerprint_of(target: Path) -> str | None:
    """What the prepared data set was made from, None where there is none or it is damaged."""
    try:
        report = json.loads((target / "preparation.json").read_text(encoding="utf-8"))
        return report["fingerprint"] if (target / "dataset_info.json").exists() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
