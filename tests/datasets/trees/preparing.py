"""`mace prepare` on a tree, in this process, and the account it must give."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from mace.commands.prepare import run
from mace.datasets.reading.records import Reading
from mace.datasets.reading.storing import plan_clips
from mace.errors import DataError
from mace.face.config import FaceConfig


def prepare(
    name: str, manual_dir: Path, data_dir: Path, *, config: str | None = None, strict: bool = False
) -> tuple[dict[str, Any], Path]:
    """Prepare a data set and return its report and its folder."""
    run(name, config=config, manual_dir=manual_dir, data_dir=data_dir, strict=strict, workers=1)
    (path,) = data_dir.glob(f"{name}/{config or '*'}/*/preparation.json")
    report = json.loads(path.read_text())
    assert report["rows"] == report["samples"] + report["drops"]
    return report, path.parent


def samples_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the samples by subject and clip."""
    source = tfds.builder_from_directory(folder).as_data_source("train")  # pyright: ignore
    return {f"{s['subject'].decode()}/{s['clip'].decode()}": s for s in source}


def read_or_refuse(read: Callable[[], Reading]) -> Reading | None:
    """Check that every row is accounted for once, or that the refusal is one sentence."""
    refusal = ""
    try:
        reading = read()
    except DataError as error:
        refusal, reading = str(error), None
    if reading is None:
        assert refusal
        assert "\n" not in refusal
        return None
    kinds = Counter(change.kind for change in reading.changes)
    assert reading.rows == len(reading.annotations) + kinds["drop"]
    tasks, changes = plan_clips(reading, face=FaceConfig())
    assert reading.rows == len(tasks) + sum(change.kind == "drop" for change in changes)
    for task in tasks:
        assert task.onset is not None
        assert task.offset is not None
        assert task.onset < task.offset
        assert task.apex is None or task.onset < task.apex <= task.offset
    return reading
