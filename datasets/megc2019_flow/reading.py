"""From a folder somewhere below which pictures and a label file lie, to labelled pictures.

A picture is 28 x 28, 8 bits, and its red, green and blue are u, v and optical strain, each
stretched from its own smallest to its own largest value. OpenCV, which wrote them, keeps blue
first in memory; here channel 0 is always u.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from mace.datasets.megc2019_flow.choosing import choose_pictures
from mace.datasets.megc2019_flow.labels import LABEL_SUFFIXES, LabelFile, read_labels
from mace.datasets.megc2019_flow.matching import SUFFIXES, change
from mace.datasets.megc2019_flow.picture import SIZE, Pictures
from mace.datasets.reading.records import Change, Published
from mace.datasets.reading.trees import walk
from mace.errors import DataError

PUBLISHED = Published(
    source="See et al. 2019, MEGC 2019",
    counts={"negative": 250, "positive": 109, "surprise": 83},
)

_LISTED = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class FlowImage:
    """A labelled picture.

    Attributes:
        database: name of the data set.
        subject: who is seen.
        clip: its name.
        class_3: name of its class.
        picture: channels u, v, strain.
    """

    database: str
    subject: str
    clip: str
    class_3: str
    picture: UInt8[np.ndarray, "28 28 3"]

    @property
    def name(self) -> str:
        """`database/subject/clip`, unique in the composite."""
        return f"{self.database}/{self.subject}/{self.clip}"


@dataclass(frozen=True, kw_only=True, eq=False)
class FlowReading:
    """The folder as found: every row of the label file is an image or a drop among `changes`.

    Attributes:
        rows: number of rows of the label file.
        sheet: classes of all rows that could be read.
        images: the labelled pictures.
        changes: what was left out or is remarkable.
        published: the authors' counts.
    """

    rows: int
    sheet: tuple[str, ...]
    images: tuple[FlowImage, ...]
    changes: tuple[Change, ...]
    published: Published = PUBLISHED


def read(manual_dir: Path) -> FlowReading:
    """Read the pictures and the label file anywhere below `manual_dir`.

    A row without a usable picture is a drop, a picture without a row a remark.

    Raises:
        DataError: if there is no folder, no label file, no picture at all, none that belongs to a
            row, or if two label files contradict each other.
    """
    if not manual_dir.is_dir():
        raise DataError(f"there is no folder {manual_dir}; name the one with the flow images")
    tables, pictures = _find(manual_dir)
    chosen, changes = choose_labels(manual_dir, tables)
    if not pictures:
        raise DataError(
            f"{manual_dir} holds {chosen.path.name} but no picture; put the {SIZE} x {SIZE} PNGs, "
            "named like `sub01_EP02_01f .png`, somewhere below it"
        )
    load = Pictures()
    matched, more = choose_pictures(chosen, pictures, manual_dir, load)
    changes += more
    images = []
    for label in chosen.labels:
        if label.name not in matched:
            continue
        picture, problem = load(matched[label.name])
        if picture is None:
            code, reason = problem
            changes.append(change("drop", code, chosen, label, reason))
            continue
        images.append(
            FlowImage(
                database=label.database,
                subject=label.subject,
                clip=label.clip,
                class_3=label.class_3,
                picture=picture,
            )
        )
    if not images:
        reasons = [change.reason for change in changes if change.kind == "drop"]
        raise DataError(
            f"none of the {chosen.rows} rows of {chosen.path} has a usable picture below "
            f"{manual_dir}; the first row's: {reasons[0] if reasons else 'there is no row'}"
        )
    return FlowReading(
        rows=chosen.rows,
        sheet=tuple(label.class_3 for label in chosen.labels),
        images=tuple(images),
        changes=tuple(changes),
    )


def _find(root: Path) -> tuple[list[Path], list[Path]]:
    """Return every table and picture, the shallowest first."""
    tables, pictures = [], []
    for folder, names in walk(root):
        for name in sorted(names):
            suffix = Path(name).suffix.lower()
            if name.startswith((".", "~$")):
                continue
            if suffix in LABEL_SUFFIXES:
                tables.append(Path(folder, name))
            elif suffix in SUFFIXES:
                pictures.append(Path(folder, name))
    return sorted(tables, key=_depth), sorted(pictures, key=_depth)


def _depth(path: Path) -> tuple[int, str]:
    return len(path.parts), str(path)


def choose_labels(root: Path, tables: Sequence[Path]) -> tuple[LabelFile, list[Change]]:
    """Return the label file with the most rows, after a look at what the others say."""
    files = [file for file in map(read_labels, tables) if file is not None]
    if not files:
        seen = ", ".join(path.name for path in tables[:_LISTED]) or "no csv at all"
        raise DataError(
            f"{root} holds no label file ({seen}); expected a csv with rows such as "
            "`casme2,sub01,EP02_01f,1` or with the header `dataset,sub,filename_o,label`"
        )
    chosen = max(files, key=lambda file: len(file.labels))
    changes = list(chosen.changes)
    known = {label.name: label.class_3 for label in chosen.labels}
    for other in files:
        if other is chosen:
            continue
        for label in other.labels:
            if known.get(label.name, label.class_3) != label.class_3:
                raise DataError(
                    f"{chosen.path} calls {label.name} {known[label.name]} and {other.path} "
                    f"{label.class_3}; keep one of the two label files below {root}"
                )
        only = [label.name for label in other.labels if label.name not in known]
        lacking = len(known) + len(only) - len(other.labels)
        reason = f"not used, {chosen.path.name} has more rows or comes first"
        if only or lacking:
            reason += f"; it lacks {lacking} of its clips and names {len(only)} others"
        changes.append(
            Change(
                kind="choice" if only or lacking else "remark",
                code="label-file-unused",
                where=other.path.name,
                row=None,
                clip="",
                reason=reason,
            )
        )
    return chosen, changes
