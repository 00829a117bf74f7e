"""Which picture belongs to which row of the label file: by name, never by order."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from mace.datasets.megc2019_flow.labels import Label, LabelFile
from mace.datasets.reading.records import Change, Kind

SUFFIXES = (".png", ".bmp", ".tif", ".tiff", ".jpg", ".jpeg")
"""Where one picture is there in several formats, the first of these counts: the lossless."""


def match(file: LabelFile, pictures: Sequence[Path]) -> tuple[dict[str, Path], list[Change]]:
    """Find each row's picture by the exact name first, then whatever the numbers' padding.

    Blanks and capitals in a picture's name never count. A picture that two rows could mean, and
    two different pictures that one row could mean, are given to nobody.
    """
    by_name: dict[str, list[Path]] = defaultdict(list)
    for path in pictures:
        by_name[_key(path.stem)].append(path)
    found: dict[str, str] = {}
    left = []
    for label in file.labels:
        key = next((key for key in map(_key, label.stems) if key in by_name), None)
        if key is None:
            left.append(label)
        else:
            found[label.name] = key
    changes = list(_match_loosely(file, left, by_name, found))
    changes += _claimed_twice(file, found)
    matched = {}
    for label in file.labels:
        if label.name not in found:
            continue
        path, copies = _same(by_name[found[label.name]])
        if path is None:
            names = " and ".join(str(p) for p in by_name[found[label.name]][:2])
            reason = f"the pictures {names} have one name and differ"
            changes.append(change("drop", "image-contradicted", file, label, reason))
            continue
        if copies:
            reason = f"{copies} more equal files have the name {path.name!r}; one is used"
            changes.append(change("remark", "image-repeated", file, label, reason))
        matched[label.name] = path
    used = set(found.values())
    changes += [
        Change(
            kind="remark",
            code="image-without-row",
            where=paths[0].name,
            row=None,
            clip="",
            reason=f"no row of {file.path.name} names this picture; it is not used",
        )
        for key, paths in by_name.items()
        if key not in used
    ]
    return matched, changes


def _match_loosely(
    file: LabelFile,
    left: Iterable[Label],
    by_name: Mapping[str, Sequence[Path]],
    found: dict[str, str],
) -> Iterator[Change]:
    unused: dict[str, list[str]] = defaultdict(list)
    for key in by_name.keys() - set(found.values()):
        unused[_loose(key)].append(key)
    for label in left:
        keys = {key for stem in label.stems for key in unused.get(_loose(_key(stem)), ())}
        if len(keys) == 1:
            (found[label.name],) = keys
            name = by_name[found[label.name]][0].name
            reason = f"taken from {name!r}, whose numbers are padded otherwise"
            yield change("repair", "image-name", file, label, reason)
        elif keys:
            names = ", ".join(sorted(by_name[key][0].name for key in keys))
            yield change("drop", "image-ambiguous", file, label, f"{names} could all be meant")
        else:
            reason = f"there is no picture {label.stems[0]}.png"
            yield change("drop", "image-missing", file, label, reason)


def _claimed_twice(file: LabelFile, found: dict[str, str]) -> Iterator[Change]:
    owners: dict[str, list[str]] = defaultdict(list)
    for name, key in found.items():
        owners[key].append(name)
    for label in file.labels:
        others = owners.get(found.get(label.name, ""), [])
        if len(others) > 1:
            other = next(name for name in others if name != label.name)
            reason = f"its picture would also be that of {other}"
            yield change("drop", "image-ambiguous", file, label, reason)
    for names in owners.values():
        if len(names) > 1:
            for name in names:
                del found[name]


def _same(paths: Sequence[Path]) -> tuple[Path | None, int]:
    """Return the picture and the number of its copies, or None where equal names differ."""
    best = min(SUFFIXES.index(path.suffix.lower()) for path in paths)
    same = [path for path in paths if SUFFIXES.index(path.suffix.lower()) == best]
    if len(same) > 1 and len({read_bytes(path) for path in same}) > 1:
        return None, 0
    return same[0], len(same) - 1


def read_bytes(path: Path) -> bytes:
    """Return what a file holds, nothing if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""  # reported as unreadable when it is decoded


def _key(stem: str) -> str:
    return re.sub(r"\s+", "", stem).lower()


def _loose(key: str) -> str:
    return re.sub(r"(?<!\d)0+(?=\d)", "", key)


def change(kind: Kind, code: str, file: LabelFile, label: Label, reason: str) -> Change:
    """Return what the report says of one row."""
    return Change(
        kind=kind, code=code, where=file.path.name, row=label.row, clip=label.name, reason=reason
    )
