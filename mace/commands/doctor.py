"""`mace doctor`: what is installed, found and missing, and what to do about what is missing."""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import tyro

from mace.errors import MaceError
from mace.places import DATA_DIR, RUNS_DIR, installed_datasets, prepared_datasets
from mace.provenance import PACKAGES, provenance

GIB = 1 << 30
ENOUGH_DISK_BYTES = 2 * GIB
FREE_DATASET = "synthetic"
"""The data set that needs no licence and no file."""


@dataclass(frozen=True)
class Finding:
    """One line of the examination.

    Attributes:
        name: what was looked at.
        state: what it is like.
        remedy: what to do; None if all is well.
        required: whether MACE cannot work without it.
    """

    name: str
    state: str
    remedy: str | None = None
    required: bool = True


class Unwell(MaceError):
    """Something that MACE needs is missing."""

    exit_code = 1


def run(
    data_dir: Path = DATA_DIR,
    runs_dir: Path = RUNS_DIR,
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Check versions, devices, face models, data sets and trained models.

    Exits with 1 if something is missing that MACE cannot work without.

    Args:
        data_dir: where prepared data sets lie.
        runs_dir: where runs and their models lie.
        as_json: print one JSON object instead of the table.
    """
    findings = list(examine(data_dir, runs_dir))
    if as_json:
        print(json.dumps({"findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        for finding in findings:
            sign = "ok " if finding.remedy is None else "-- "
            print(f"{sign} {finding.name:<14} {finding.state}")
            if finding.remedy is not None:
                print(f"{'':18} {finding.remedy}")
    missing = [f.name for f in findings if f.required and f.remedy is not None]
    if missing:
        raise Unwell(f"missing: {', '.join(missing)}; the remedies stand beside them")


def examine(data_dir: Path, runs_dir: Path) -> Iterator[Finding]:
    """Yield the findings, the most basic first."""
    yield _python()
    yield _packages()
    for check in (_devices, _face_models, _video):
        yield _guarded(check)
    yield _disk(data_dir)
    yield from _datasets(data_dir)
    yield _models(runs_dir)


def _guarded(check: Callable[[], Finding]) -> Finding:
    # A broken installation may fail in any way; the doctor must still finish the round.
    try:
        return check()
    except Exception as error:
        name = check.__name__.strip("_").replace("_", " ")
        return Finding(name, f"{type(error).__name__}: {error}", "reinstall with `uv sync`")


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    good = (3, 12) <= sys.version_info[:2] < (3, 14)
    return Finding("python", version, None if good else "install Python 3.12 or 3.13")


def _packages() -> Finding:
    versions = provenance()["packages"]
    state = ", ".join(f"{name} {versions[name]}" for name in PACKAGES if versions[name])
    missing = [name for name in PACKAGES if not versions[name]]
    return Finding("packages", state, f"`uv sync`: {', '.join(missing)}" if missing else None)


def _devices() -> Finding:
    import jax

    devices = jax.devices()
    state = f"{len(devices)} x {devices[0].device_kind} ({jax.default_backend()})"
    hint = None
    if jax.default_backend() == "cpu" and Path("/proc/driver/nvidia").exists():
        hint = "an NVIDIA driver is here but JAX does not use it: `uv sync --extra cuda`"
    return Finding("devices", f"{state}, {os.cpu_count()} CPU cores", hint, required=False)


def _face_models() -> Finding:
    from mace.face.config import FaceConfig
    from mace.face.tracker import FaceTracker

    FaceTracker(FaceConfig())  # loads the detector and the landmark model
    return Finding("face models", "dlib detector and landmarks load")


def _video() -> Finding:
    import numpy as np

    from mace.video.reader import VideoReader
    from mace.video.writer import VideoWriter

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "probe.mp4"
        writer = VideoWriter(path, codec="mpeg4", size=(64, 64))
        writer.write(np.zeros((64, 64, 3), np.uint8), 0.0)
        writer.close()
        good = len(list(VideoReader(path).pictures())) == 1
    remedy = None if good else "reinstall av (PyAV)"
    return Finding("video", "read and write" if good else "cannot read back a video", remedy)


def _disk(data_dir: Path) -> Finding:
    folder = data_dir.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    writable = os.access(folder, os.W_OK)
    remedy = None
    if not writable:
        remedy = f"{folder} cannot be written to; choose another with --data-dir"
    elif free < ENOUGH_DISK_BYTES:
        remedy = "free at least 2 GiB, or choose another disk with --data-dir"
    return Finding("disk", f"{free / GIB:.1f} GiB free at {folder}", remedy, required=not writable)


def _datasets(data_dir: Path) -> Iterator[Finding]:
    """What is prepared, the synthetic data that anybody can have, and the rest in one line."""
    prepared, installed = prepared_datasets(data_dir), installed_datasets()
    missing = [
        name for name in installed if not any(key.startswith(f"{name}/") for key in prepared)
    ]
    if prepared:
        yield Finding("data sets", ", ".join(sorted(prepared)), required=False)
    if FREE_DATASET in missing:
        missing.remove(FREE_DATASET)
        remedy = f"`mace prepare {FREE_DATASET}` renders it"
        yield Finding("data sets", f"no {FREE_DATASET} in {data_dir}", remedy, required=False)
    if missing:
        yield Finding(
            "data you hold", f"`mace prepare NAME --manual-dir DIR`: {', '.join(missing)}"
        )


def _models(runs_dir: Path) -> Finding:
    models = sorted(str(path.parent) for path in runs_dir.glob("**/bundle.json"))
    if models:
        return Finding("models", ", ".join(models), required=False)
    remedy = "`mace reproduce` trains one in four to ten minutes"
    return Finding("models", f"none in {runs_dir}", remedy, required=False)
