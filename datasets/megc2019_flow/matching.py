"""Which picture belongs to which row of the label file: by name, never by order."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from mace.datasets.megc2019_flow.labels import Label, LabelFile
from mace.datasets.megc2019_flow.picture import read_bytes
from mace.datasets.reading.records import Change, Kind

SUFFIXES = (".png", ".bmp", ".tif", ".tiff", ".jpg", ".jpeg")
"""Where one picture is there in several formats, the first of these counts: the lossless."""

# More pictures without a row than this are told by number.
_MOST = 20


def match(file: LabelFile, pictures: Sequence[Path]) -> tuple[dict[str, Path], list[Change]]:
    """Find each row's picture by the exact name first, then whatever the numbers' padding.

    Blanks and capitals in a picture's name never count. A picture that two rows could mean, and
    two different pictures that one row could mean, are given to nobody.
    """
    by_name: dict[str, list[Path]] = defaultdict(list)
    for path in pictures:
        by_name[picture_key(path.stem)].append(path)
    found: dict[str, str] = {}
    left = []
    for label in file.labels:
        key = next((key for key in map(picture_key, label.stems) if key in by_name), None)
        if key is None:
            left.append(label)
        else:
            found[label.name] = key
    others = others_of_four(by_name.keys()) - set(found.values())
    single = {key: paths for key, paths in by_name.items() if key not in others}
    changes = list(_match_loosely(file, left, single, found))
    changes += _claimed_twice(file, found)
    matched = {}
    for label in file.labels:
        if label.name not in found:
            continue
        path, copies = _same(by_name[found[label.name]])
        if path is None:
            names = " and ".join(map(str, _differing(by_name[found[label.name]])))
            reason = f"the pictures {names} have one name and differ"
            changes.append(change("drop", "image-contradicted", file, label, reason))
            continue
        if copies:
            reason = f"{copies} more equal files have the name {path.name!r}; one is used"
            changes.append(change("remark", "image-repeated", file, label, reason))
        matched[label.name] = path
    if others:
        reason = (
            f"{len(others)} pictures have _1, _2 or _3 behind the name of a clip's first, which is "
            "u, v, strain; only the first is used"
        )
        changes.append(_remark("image-of-four", by_name[min(others)][0].name, reason))
    used = set(found.values()) | others
    unused = [paths[0].name for key, paths in by_name.items() if key not in used]
    if len(unused) > _MOST:
        reason = f"{len(unused)} pictures that no row of {file.path.name} names, such as "
        reason += f"{', '.join(unused[:3])}; not used"
        changes.append(_remark("image-without-row", file.path.name, reason))
    else:
        reason = f"no row of {file.path.name} names this picture; it is not used"
        changes += [_remark("image-without-row", name, reason) for name in unused]
    return matched, changes


def others_of_four(keys: Collection[str]) -> set[str]:
    """Names of second to fourth pictures, where an extraction stores X, X_1, X_2, X_3 a clip."""
    fours = [(f"{key}_1", f"{key}_2", f"{key}_3") for key in keys]
    return {name for names in fours if all(n in keys for n in names) for name in names}


def _remark(code: str, where: str, reason: str) -> Change:
    return Change(kind="remark", code=code, where=where, row=None, clip="", reason=reason)


def _match_loosely(
    file: LabelFile,
    left: Iterable[Label],
    by_name: Mapping[str, Sequence[Path]],
    found: dict[str, str],
) -> Iterator[Change]:
    unused: dict[str, list[str]] = defaultdict(list)
    for key in by_name.keys() - set(found.values()):
        unused[loose_key(key)].append(key)
    for label in left:
        keys = {key for stem in label.stems for key in unused.get(loose_key(stem), ())}
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


def _differing(paths: Sequence[Path]) -> tuple[Path, Path]:
    """Two of the pictures that were compared, those of the first format, which differ."""
    best = min(SUFFIXES.index(path.suffix.lower()) for path in paths)
    first, *rest = (path for path in paths if SUFFIXES.index(path.suffix.lower()) == best)
    return first, next(path for path in rest if read_bytes(path) != read_bytes(first))


def _same(paths: Sequence[Path]) -> tuple[Path | None, int]:
    """Return the picture and the number of its copies, or None where equal names differ."""
    best = min(SUFFIXES.index(path.suffix.lower()) for path in paths)
    same = [path for path in paths if SUFFIXES.index(path.suffix.lower()) == best]
    if len(same) > 1 and len({read_bytes(path) for path in same}) > 1:
        return None, 0
    return same[0], len(same) - 1


def picture_key(stem: str) -> str:
    """Return a picture's name for comparison, whatever its blanks and capitals."""
    return re.sub(r"\s+", "", stem).lower()


def loose_key(stem: str) -> str:
    """Return a picture's name for comparison, whatever its blanks, capitals and zeros."""
    return re.sub(r"(?<!\d)0+(?=\d)", "", picture_key(stem))


def change(kind: Kind, code: str, file: LabelFile, label: Label, reason: str) -> Change:
    """Return what the report says of one row."""
    return Change(
        kind=kind, code=code, where=file.path.name, row=label.row, clip=label.name, reason=reason
    )
