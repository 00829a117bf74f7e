"""`mace prepare` for a licensed data set: read, check, correct, write, report."""

import contextlib
import io
import json
import os
import shutil
import sys
from pathlib import Path

import tensorflow_datasets as tfds

from mace.annotation.class_sets import CLASS_SETS, classes_of
from mace.datasets.file_format import file_format
from mace.datasets.reading.builder import ClipBuilder
from mace.datasets.reading.correcting import load
from mace.datasets.reading.long_videos import LongReading
from mace.datasets.reading.records import Reading
from mace.datasets.reading.report import make_report, refuse_changes, refused
from mace.datasets.reading.storing import fingerprint, plan_reading, store_tasks
from mace.errors import ConfigError, DataError, OutputError


def prepare_clips(
    source: type[ClipBuilder],
    config: str,
    *,
    data_dir: Path,
    manual_dir: Path | None = None,
    strict: bool = False,
    workers: int | None = None,
    reading: Reading | LongReading | None = None,
) -> Path:
    """Prepare a data set from its folder and return the folder of the prepared one.

    A configuration of long videos is prepared likewise, a video for a clip.

    A repeated call does nothing and says so; an interrupted one goes on with the clips that are
    missing. Where sheet, frames or settings have changed, the data set is made again and takes the
    place of the old one when it is complete.

    Args:
        source: the builder.
        config: one of its configurations.
        data_dir: root of all prepared data sets.
        manual_dir: the folder as the data set's authors distribute it.
        strict: refuse repairs, choices and drops.
        workers: processes, by default as many as there are cores.
        reading: what `source.read` would return, where a data set needs more than a folder.

    Raises:
        ConfigError: for an unknown configuration, or no `manual_dir`.
        DataError: if there is nothing to prepare, or `strict` refuses.
        OutputError: if `data_dir` cannot be written to.
    """
    known = [one.name for one in source.BUILDER_CONFIGS]
    if config not in known:
        raise ConfigError(
            f"{source.name} has no configuration {config!r}; known: {', '.join(known)}"
        )
    target = Path(_builder(source, config, data_dir).data_path)
    name = f"{source.name}/{config}"
    if manual_dir is None:
        if (target / "preparation.json").exists():
            print(f"{name} is already prepared in {target}", file=sys.stderr)
            return target
        raise ConfigError(
            f"{source.name} is not free to download: get it from its authors and name its folder "
            "with --manual-dir"
        )
    reading = _read(source, manual_dir, config) if reading is None else reading
    face = _builder(source, config, data_dir).settings.face
    tasks, changes = plan_reading(reading, face=face)
    if strict:
        refuse_changes(name, [*changes, *(c for task in tasks for c in task.changes)])
    mark = f"{fingerprint(tasks, changes)} {source.VERSION}"
    before = _prepared(target)
    if before is not None and before["fingerprint"] == mark:
        if strict and (wrong := refused(before)):
            raise DataError(
                f"{name} was prepared with {wrong}, which --strict refuses; "
                f"{target / 'preparation.txt'} lists them"
            )
        print(f"{name} is already prepared in {target}", file=sys.stderr)
        return target
    if before is not None:
        print(f"{name} was prepared from other data; preparing it again", file=sys.stderr)
    work = data_dir / f".{source.name}-{config}-{source.VERSION}.work"
    stored = store_tasks(tasks, changes, database=name, folder=work / "clips", workers=workers)
    if strict:
        refuse_changes(name, stored.changes)
    report = make_report(
        name,
        fingerprint=mark,
        rows=reading.rows,
        samples=[label for path in stored.paths for label in _labels(path, reading)],
        readable=_readable(reading),
        published=reading.published,
        changes=stored.changes,
        videos=len(stored.paths) if isinstance(reading, LongReading) else None,
    )
    _write(_builder(source, config, work / "built"), stored.paths, work)
    built = Path(_builder(source, config, work / "built").data_path)
    report.write(built)
    replace_folder(built, target)
    shutil.rmtree(work, ignore_errors=True)
    print(report.on_screen(target), end="")
    return target


def _read(source: type[ClipBuilder], folder: Path, config: str) -> Reading | LongReading:
    try:
        return source.read(folder, config)
    except DataError as error:
        names = [known.name for known in source.BUILDER_CONFIGS]
        long = [name for name in names if name.startswith("long")]
        if not long or config in long:
            raise
        raise DataError(f"{error}; its long videos are read with --config {long[0]}") from error


def _builder(source: type[ClipBuilder], config: str, data_dir: Path) -> ClipBuilder:
    return source(data_dir=str(data_dir), config=config, file_format=file_format())


def _prepared(target: Path) -> dict | None:
    """The report of what is there, {} in its stead where it is damaged or was never written."""
    if not (target / "dataset_info.json").exists():
        return None
    try:
        report = json.loads((target / "preparation.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        report = None
    return report if isinstance(report, dict) else {"fingerprint": ""}


def _labels(path: Path, reading: Reading | LongReading) -> list[dict[str, str]]:
    """The labels of a clip, or of each event of a long video."""
    outcome = load(path)
    assert outcome is not None
    assert outcome.sample is not None
    if not isinstance(reading, LongReading):
        return [{name: value for name, value in outcome.sample.items() if isinstance(value, str)}]
    labels = []
    for event in outcome.sample["events"]:
        classes = classes_of(reading.database, event["emotion"])
        source = "annotated" if event["apex"] >= 0 else "none"
        labels.append(
            {
                "emotion": event["kind"],
                "apex_source": source,
                **{f"class_{name}": classes.get(name, "") for name in CLASS_SETS},
            }
        )
    return labels


def _readable(reading: Reading | LongReading) -> list[str]:
    """What the report counts: emotions of clips, kinds of what happens in long videos."""
    if isinstance(reading, LongReading):
        return [event.kind for video in reading.videos for event in video.events]
    return [annotation.emotion for annotation in reading.annotations]


def _write(builder: ClipBuilder, clips: tuple[Path, ...], work: Path) -> None:
    shutil.rmtree(work / "built", ignore_errors=True)
    builder.clips = clips
    # TFDS announces itself on standard output; our own bars have counted the clips already.
    tfds.disable_progress_bar()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            builder.download_and_prepare(download_dir=str(work / "downloads"))
    except OSError as error:
        raise OutputError(f"cannot write {work}: {error.strerror or error}") from error


def replace_folder(built: Path, target: Path) -> None:
    """Put the new folder where the old one is; the old one goes last."""
    old = target.with_name(f".{target.name}.old")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            os.replace(target, old)
        os.replace(built, target)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
