"""Clips from prepared folders: the only module here that knows TensorFlow Datasets."""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mace.data.clips import Clip
from mace.errors import DataError
from mace.progress import track


def load_clips(data_dir: Path) -> list[Clip]:
    """Read the clips of a prepared TensorFlow Datasets folder, without TensorFlow.

    Args:
        data_dir: the folder with `dataset_info.json`, or one above it that holds only that one.

    Raises:
        DataError: if there is no prepared data set, there are several, or it is damaged.
    """
    import tensorflow_datasets as tfds  # half a second, and absent where only networks are trained

    folder = prepared_folder(Path(data_dir))
    with reading(folder):
        builder = tfds.builder_from_directory(folder)
        if "events" in dict(builder.info.features or {}):  # pyright: ignore[reportArgumentType, reportCallIssue]
            raise DataError(
                f"{folder} holds long videos and no clips of one expression; `mace spot --dataset "
                f"{folder.parent.parent.name}/{folder.parent.name}` is for those"
            )
        splits = sorted(builder.info.splits)
        sources = [builder.as_data_source(split) for split in splits]  # pyright: ignore[reportCallIssue]
        samples = itertools.chain.from_iterable(sources)
        total = sum(map(len, sources))
        clips = [_clip(sample) for sample in track(samples, f"reading {builder.info.name}", total)]
    if not clips:
        raise DataError(f"the data set in {folder} holds no clip; prepare it again")
    return clips


def prepared_folder(data_dir: Path) -> Path:
    """Return the one prepared data set in or below a folder.

    Raises:
        DataError: if there is none, or several.
    """
    if not data_dir.is_dir():
        raise DataError(f"there is no folder {data_dir}; prepare the data set first")
    if (data_dir / "dataset_info.json").exists():
        return data_dir
    found = sorted(path.parent for path in data_dir.rglob("dataset_info.json"))
    if not found:
        raise DataError(
            f"{data_dir} holds no prepared data set (no dataset_info.json); prepare it first"
        )
    if len(found) > 1:
        names = ", ".join(str(path.relative_to(data_dir)) for path in found)
        raise DataError(f"{data_dir} holds several data sets, name one of them: {names}")
    return found[0]


@contextmanager
def reading(folder: Path, part: str = "") -> Iterator[None]:
    """Say in a sentence why a prepared data set cannot be read.

    Args:
        folder: of the data set.
        part: what of it is being read, such as `video 3`.

    Raises:
        DataError: if it is damaged, or stored in a form that this system cannot read.
    """
    try:
        yield
    except ImportError as error:
        raise DataError(
            f"the data set in {folder} is stored as ArrayRecord, which cannot be read here "
            f"({_first_line(error)}); on Windows prepare it again, it is stored as Parquet then"
        ) from error
    except (OSError, ValueError, KeyError, RuntimeError, IndexError) as error:
        where = f" at its {part}" if part else ""
        raise DataError(
            f"the data set in {folder} is damaged{where} ({_first_line(error)}); prepare it again"
        ) from error


def _clip(sample: Mapping[str, Any]) -> Clip:
    frames = np.stack([np.asarray(frame)[..., 0] for frame in sample["frames"]])
    return Clip(
        database=text(sample["database"]),
        subject=text(sample["subject"]),
        clip=text(sample["clip"]),
        frames=frames,
        fps=float(sample["fps"]),
        onset=int(sample["onset"]),
        apex=int(sample["apex"]),
        offset=int(sample["offset"]),
        apex_source=text(sample["apex_source"]),
        aus=tuple(text(sample["aus"]).split()),
        emotion=text(sample["emotion"]),
        classes={
            name.removeprefix("class_"): text(value)
            for name, value in sample.items()
            if name.startswith("class_") and value
        },
        partition=text(sample.get("partition", "")),
    )


def text(value: bytes | str) -> str:
    """Return what TensorFlow Datasets stores as bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
