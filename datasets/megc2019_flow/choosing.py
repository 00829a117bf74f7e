"""Which of several pictures of one name are meant, in a clone of somebody's whole code.

Such a clone holds pictures of faces under the names of the flow images, and the flow images once
for each fold. Those meant lie in one folder that has a picture for every row exactly once.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from mace.datasets.megc2019_flow.labels import LabelFile
from mace.datasets.megc2019_flow.matching import loose_key, match, others_of_four, picture_key
from mace.datasets.megc2019_flow.picture import Pictures, read_bytes
from mace.datasets.reading.records import Change
from mace.errors import DataError

# What a folder must be looked at for, where all pictures together do not do.
_AMBIGUOUS = frozenset({"image-contradicted", "image-ambiguous"})


def choose_pictures(
    file: LabelFile, pictures: Sequence[Path], root: Path, load: Pictures
) -> tuple[dict[str, Path], list[Change]]:
    """Return each row's picture and what is to be said of the others.

    Raises:
        DataError: if several folders have a picture for every row, and these differ.
    """
    matched, changes = match(file, pictures)
    codes = {change.code for change in changes}
    usable = sum(map(load.fits, matched.values()))
    if usable == len(matched) and not codes & _AMBIGUOUS:
        return matched, changes
    exact = {picture_key(stem) for label in file.labels for stem in label.stems}
    others = others_of_four({picture_key(path.stem) for path in pictures}) - exact
    fitting = [
        path for path in pictures if picture_key(path.stem) not in others and load.fits(path)
    ]
    whole = _whole_folders(file, fitting, root)
    if not whole:
        # Pictures of another form, such as faces, stand in nobody's way.
        better = match(file, fitting)
        return better if len(better[0]) > usable else (matched, changes)
    folder, chosen = whole[0]
    for other, others in whole[1:]:
        for name, path in chosen.items():
            if read_bytes(path) != read_bytes(others[name]):
                raise DataError(
                    f"{folder} and {other} both have a picture for every row, and {path} and "
                    f"{others[name]} differ; move one of the two folders away"
                )
    reason = (
        f"{len(pictures) - len(chosen)} pictures elsewhere are not read; only this folder has a "
        "picture for every row exactly once"
    )
    if len(whole) > 1:
        reason = f"{reason.partition(';')[0]}; {len(whole)} folders have the same picture for each"
    said = Change(
        kind="remark",
        code="folder-chosen",
        where=str(folder.relative_to(root)),
        row=None,
        clip="",
        reason=reason,
    )
    return chosen, [*match(file, list(chosen.values()))[1], said]


def _whole_folders(
    file: LabelFile, pictures: Sequence[Path], root: Path
) -> list[tuple[Path, dict[str, Path]]]:
    """The deepest folders below which every row has exactly one of the pictures."""
    below: dict[Path, list[Path]] = defaultdict(list)
    names = {loose_key(stem) for label in file.labels for stem in label.stems}
    for path in pictures:
        if loose_key(path.stem) in names:
            for folder in path.parents:
                below[folder].append(path)
                if folder == root:
                    break
    whole: list[tuple[Path, dict[str, Path]]] = []
    for folder in sorted(below, key=lambda folder: (-len(folder.parts), str(folder))):
        if len(below[folder]) != len(file.labels) or any(folder in f.parents for f, _ in whole):
            continue
        matched, changes = match(file, below[folder])
        if len(matched) == len(file.labels) and not any(c.kind == "drop" for c in changes):
            whole.append((folder, matched))
    return sorted(whole, key=lambda item: (len(item[0].parts), str(item[0])))
