"""A data set's motion as a folder of flow images, in the form that other people's code reads.

    OUT/norm_u_v_os/SUBJECT/u_train/CLASS/SUBJECT_CLIP .png    everybody else's clips
    OUT/norm_u_v_os/SUBJECT/u_test/CLASS/SUBJECT_CLIP .png     the subject's own
    OUT/labels.csv                                             a row for each clip
    OUT/flow_images.json                                       what the pictures are

That is the form of STSTNet's public input and of what followed it, down to the blank before the
dot, by which some look the pictures up: CLASS is a number from 0, red is u, green is v and blue is
strain. As in theirs, each channel of each picture is stretched from its smallest to its largest
value (`mace.data.flow_images` says what that loses); the table has both, so that nothing but the
rounding to 8 bits is lost. Without folds, all pictures lie in `norm_u_v_os` itself.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from mace.config import to_dict
from mace.data.flow_images import stretch_flow
from mace.data.motion_set import MotionSet
from mace.errors import ConfigError, DataError
from mace.files import atomic_folder, write_json, write_text
from mace.motion.representation import STRAIN_SCALE
from mace.progress import track
from mace.protocols.names import subject_number

PICTURES = "norm_u_v_os"
MARKER = "flow_images.json"

# How the public pictures write the subjects of their databases.
_PUBLIC = {"casme2": "sub{:02d}", "smic": "s{:02d}", "samm": "{:03d}"}
_CHANNELS = ("u", "v", "strain")
_HEADER = (
    *("dataset", "sub", "filename_o", "label", "class", "imagename"),
    *(f"{name}_{end}" for name in _CHANNELS for end in ("min", "max")),
)


def write_flow_folder(
    out: Path, motion_set: MotionSet, *, folds: bool = True, facts: dict[str, Any] | None = None
) -> Path:
    """Write each clip's annotated pair as a flow image and return the folder; whole or not at all.

    Args:
        out: the folder; one that was written so before is replaced.
        motion_set: with the representation `flow`; variant 0 of each clip is written.
        folds: a folder for each subject, which holds the pictures of its fold; else all pictures
            in one.
        facts: about the data, for `flow_images.json`.

    Raises:
        ConfigError: if the motion is no flow.
        DataError: if two clips would have one name, or folds are asked for of a single person.
        OutputError: if `out` is something else, or cannot be written.
    """
    if motion_set.motion.representation != "flow":
        raise ConfigError(
            f"flow images are made of flow, and the motion is {motion_set.motion.representation}"
        )
    if folds and len(motion_set.subjects) < 2:
        raise DataError(
            f"all clips are of {motion_set.subjects[0]}; folds need two people, or leave them out"
        )
    people = _people(motion_set.subjects)
    stems = _stems(motion_set, people)
    flow = motion_set.inputs[:, 0]
    pictures = stretch_flow(flow)
    about = {
        "form": "loso" if folds else "flat",
        "classes": list(motion_set.classes),
        "clips": len(motion_set),
        "subjects": len(people),
        "size": pictures.shape[1],
        "channels": "red u, green v, blue strain; each from its own smallest to its largest value",
        "units": "u and v in px of a face crop of 128 px; strain in px per px",
        "motion": to_dict(motion_set.motion),
    }
    with atomic_folder(out, marker=MARKER, what="folder of flow images") as temporary:
        root = temporary / PICTURES
        for k, picture in enumerate(track(pictures, "writing flow images", len(pictures))):
            own, label = int(motion_set.groups[k]), str(motion_set.labels[k])
            data, name = _png(picture), f"{stems[k]} .png"
            if not folds:
                _write(root / name, data)
                continue
            for number, person in enumerate(people):
                part = "u_test" if number == own else "u_train"
                _write(root / person / part / label / name, data)
        write_text(temporary / "labels.csv", _table(motion_set, people, stems, flow))
        write_json(temporary / MARKER, (facts or {}) | about)
    return Path(out)


def _people(subjects: Sequence[str]) -> list[str]:
    """Return a folder's name for each person, `database/subject`."""
    names = []
    for person in subjects:
        database, _, subject = person.rpartition("/")
        number = subject_number(subject)
        known = _PUBLIC.get(database) if number.isdigit() else None
        names.append(_plain(known.format(int(number)) if known else subject))
    if len(set(names)) < len(names):
        # Two databases count their people from 1.
        names = [_plain(person.replace("/", "_")) for person in subjects]
    if len(set(names)) < len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise DataError(f"two people would have the folder {twice}; rename one of them")
    return names


def _stems(motion_set: MotionSet, people: Sequence[str]) -> list[str]:
    stems: dict[str, str] = {}
    for clip, group in zip(motion_set.clips, motion_set.groups, strict=True):
        stem = f"{people[group]}_{_plain(clip.split('/', 2)[-1])}"
        # Some file systems take capitals for small letters.
        other = next((stems[name] for name in stems if name.lower() == stem.lower()), None)
        if other is not None:
            raise DataError(f"{other} and {clip} would both be {stem}.png; rename one of them")
        stems[stem] = clip
    return list(stems)


def _plain(name: str) -> str:
    """Return a name that every file system takes and no blank ends."""
    return re.sub(r"[^\w.()+-]+", "-", name).strip("-.") or "-"


def _table(
    motion_set: MotionSet,
    people: Sequence[str],
    stems: Sequence[str],
    flow: Float[np.ndarray, "n h w 3"],
) -> str:
    units = np.array([1, 1, STRAIN_SCALE])
    ends = np.stack([flow.min((1, 2)) * units, flow.max((1, 2)) * units], -1).reshape(-1, 6)
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_HEADER)
    for k, clip in enumerate(motion_set.clips):
        database, _, name = clip.split("/", 2)
        label = int(motion_set.labels[k])
        values = [f"{value:.6g}" for value in ends[k]]
        head = (database, people[motion_set.groups[k]], name, label, motion_set.classes[label])
        rows.writerow([*head, f"{stems[k]}.png", *values])
    return text.getvalue()


def _png(picture: UInt8[np.ndarray, "h w 3"]) -> bytes:
    _, data = cv2.imencode(".png", picture[..., ::-1])  # OpenCV wants blue first
    return data.tobytes()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
