"""Which prepared clips the composite's label file names, and why the others are missing."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from mace.datasets.megc2019_flow.labels import LABEL_SUFFIXES, Label
from mace.datasets.megc2019_flow.reading import PUBLISHED, choose_labels
from mace.datasets.reading.cells import clip_key, subject_key
from mace.datasets.reading.records import Change, Kind, Published
from mace.datasets.reading.trees import find_tables
from mace.errors import ConfigError, DataError

# Variants of each data set that serve, the best first.
SOURCES: dict[str, dict[str, tuple[str, ...]]] = {
    "raw": {"casme2": ("raw_selected", "raw"), "samm": ("raw",), "smic": ("hs", "hs_e")},
    "cropped": {"casme2": ("cropped",), "samm": ("cropped", "raw"), "smic": ("hs_cropped",)},
}

type _Key = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """A prepared data set.

    Attributes:
        name: of the data set, `name/configuration`.
        folder: where it lies.
        fingerprint: of its preparation.
        drops: why a clip was dropped from it, by subject and clip.
        clips: index of the sample and its texts, by subject and clip.
    """

    name: str
    folder: Path
    fingerprint: str
    drops: Mapping[_Key, str]
    clips: Mapping[_Key, tuple[int, dict[str, str]]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Pick:
    """A clip of the composite.

    Attributes:
        label: its row of the label file.
        source: the data set that holds its sample.
        index: of the sample in that data set.
    """

    label: Label
    source: Prepared
    index: int

    @property
    def texts(self) -> dict[str, str]:
        """The texts of the composite's sample: names and class of the label, else the source's."""
        texts = self.source.clips[_key(self.label.subject, self.label.clip)][1]
        label = self.label
        return {
            **texts,
            "database": label.database,
            "subject": label.subject,
            "clip": label.clip,
            "emotion": label.class_3,
            "class_3": label.class_3,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class CompositeReading:
    """The label file as found: every row is a pick or a drop among `changes`.

    Attributes:
        rows: number of rows of the label file.
        sheet: classes of the rows that could be read.
        picks: the clips that are prepared.
        changes: what was left out or is remarkable.
        fingerprint: names the clips, their classes, the changes and the data sets.
        published: the authors' counts.
    """

    rows: int
    sheet: tuple[str, ...]
    picks: tuple[Pick, ...]
    changes: tuple[Change, ...]
    fingerprint: str
    published: Published = PUBLISHED


def read(manual_dir: Path, data_dir: Path, config: str) -> CompositeReading:
    """Match the label file below `manual_dir` with what is prepared below `data_dir`.

    Args:
        manual_dir: holds `combined_3class_gt.csv`, or another form of it, anywhere.
        data_dir: root of the prepared data sets.
        config: `raw` or `cropped`.

    Raises:
        ConfigError: for an unknown configuration.
        DataError: if there is no label file, or none of the three data sets is prepared.
    """
    if config not in SOURCES:
        raise ConfigError(f"megc2019 has no configuration {config!r}; known: {', '.join(SOURCES)}")
    file, changes = choose_labels(manual_dir, find_tables(manual_dir, "*", suffixes=LABEL_SUFFIXES))
    sources = {name: _prepared(data_dir, name, SOURCES[config][name]) for name in SOURCES[config]}
    if not any(sources.values()):
        raise DataError(
            f"none of casme2, samm and smic is prepared below {data_dir}; prepare them first, or "
            "name the right --data-dir"
        )

    def report(kind: Kind, code: str, label: Label, reason: str) -> None:
        changes.append(
            Change(
                kind=kind,
                code=code,
                where=file.path.name,
                row=label.row,
                clip=label.name,
                reason=reason,
            )
        )

    picks = []
    for label in file.labels:
        source = sources[label.database]
        if source is None:
            options = " or ".join(f"--config {name}" for name in SOURCES[config][label.database])
            reason = f"{label.database} is not prepared: mace prepare {label.database} {options}"
            report("drop", "database-missing", label, reason)
            continue
        key = _key(label.subject, label.clip)
        if key not in source.clips:
            why = source.drops.get(key)
            reason = f"dropped from {source.name}: {why}" if why else f"{source.name} lacks it"
            report("drop", "clip-missing", label, reason)
            continue
        index, texts = source.clips[key]
        if texts["class_3"] != label.class_3:
            own = texts["class_3"] or "no class of the three"
            reason = f"{source.name} has it as {own} ({texts['emotion']}); the label file decides"
            report("remark", "label-differs", label, reason)
        picks.append(Pick(label=label, source=source, index=index))
    content = [
        config,
        *(s.name + s.fingerprint for s in sources.values() if s),
        *map(repr, changes),
    ]
    content += [f"{pick.label.name} {pick.label.class_3}" for pick in picks]
    return CompositeReading(
        rows=file.rows,
        sheet=tuple(label.class_3 for label in file.labels),
        picks=tuple(picks),
        changes=tuple(changes),
        fingerprint=hashlib.sha256("\n".join(content).encode()).hexdigest()[:16],
    )


def samples_in(folder: Path) -> Any:
    """Return the samples of a prepared data set, to be asked for by their index."""
    return tfds.builder_from_directory(folder).as_data_source("train")  # pyright: ignore


# An older preparation lacks the last one, and is to be made again.
_TEXTS = ("subject", "clip", "emotion", "class_3", "apex_source", "partition")


def _prepared(data_dir: Path, name: str, configs: tuple[str, ...]) -> Prepared | None:
    for config in configs:
        folders = sorted((data_dir / name / config).glob("*/dataset_info.json"))
        if folders:
            return _read_prepared(f"{name}/{config}", folders[-1].parent)
    return None


def _read_prepared(name: str, folder: Path) -> Prepared:
    try:
        report = json.loads((folder / "preparation.json").read_text(encoding="utf-8"))
        drops = {
            _key(*change["clip"].split("/", 1)): change["reason"]
            for change in report["changes"]
            if change["kind"] == "drop" and "/" in change["clip"]
        }
        clips = {}
        for index, sample in enumerate(samples_in(folder)):
            texts = {field: sample[field].decode() for field in _TEXTS}
            clips[_key(texts["subject"], texts["clip"])] = (index, texts)
        fingerprint = str(report["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError, IndexError, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"the data set in {folder} is damaged ({reason[:120]}); prepare {name} again"
        ) from error
    return Prepared(name=name, folder=folder, fingerprint=fingerprint, drops=drops, clips=clips)


def _key(subject: str, clip: str) -> _Key:
    return subject_key(subject), clip_key(clip)
