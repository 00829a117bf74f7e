"""Where the results of stored recordings go: a folder for each, named after it."""

import hashlib
import itertools
import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

COLOUR = "color"
"""The folder of the pictures of a recording of CAS(ME)^3; those of depth lie beside it."""
# Bytes of a folder's name: file systems take 255, and writing adds a beginning and an end.
_LONGEST = 180


def recording_names(path: Path) -> list[str]:
    """Return names for the results of a recording, the best first: its own, then with its folders'.

    Args:
        path: as in `recording_parts`.
    """
    return composed_names(*recording_parts(path))


def recording_parts(path: Path) -> tuple[str, ...]:
    """Return the names of a recording's folders, the outermost first, and its own without an end.

    Pictures in a folder `color`, as CAS(ME)^3 has them, are called as what that is of.

    Args:
        path: a video, a folder of pictures, or the pattern of their names, which lies in a folder
            that is the recording.
    """
    path = Path(os.path.abspath(path))  # not resolved: a link's own name is the recording's
    if path.is_dir():
        own = path.name
    else:
        path = path if path.exists() else path.parent
        own = path.stem if path.is_file() and path.stem.strip(".") else path.name
    above = [name for name in path.parent.parts if name != path.anchor]
    if own == COLOUR and above:
        return tuple(above)
    return *above, own or "recording"


def distinct_names(paths: Sequence[Path]) -> dict[Path, list[str]]:
    """Return names for the results of many recordings: best is the shortest that no other has."""
    names = {path: recording_names(path) for path in paths}
    taken = Counter(name.casefold() for listed in names.values() for name in listed)
    return {
        path: sorted(listed, key=lambda name: taken[name.casefold()] > 1)
        for path, listed in names.items()
    }


def composed_names(*parts: str) -> list[str]:
    """Return the last part, then with the one before it and a hyphen, and so on."""
    return [_short("-".join(parts[-count:])) for count in range(1, len(parts) + 1)]


def result_folder(
    out: Path, names: Sequence[str], recording: str, *, owner: Callable[[Path], str | None]
) -> tuple[Path, str | None]:
    """Return the folder below `out` for a recording's results: its own, or the first that is free.

    Args:
        out: the folder of all results.
        names: what it may be called, the best first; where all are taken, the best is numbered.
        recording: what the results are of.
        owner: says whose results a folder holds; None where there are none.

    Returns:
        The folder, and what lies in the one of the best name, in words, if it is another's.
    """
    best, owners = out / names[0], {out / name: owner(out / name) for name in names}
    other = owners[best]
    taken = None if other in (None, recording) else f"{best} holds the results of {other}"
    for wanted in (recording, None):
        for folder, other in owners.items():
            if other == wanted:
                return folder, taken
    numbered = (best.with_name(f"{best.name}-{number}") for number in itertools.count(2))
    return next(path for path in numbered if owner(path) in (None, recording)), taken


def _short(name: str) -> str:
    name = "".join(sign if sign.isprintable() else "_" for sign in name)
    data = os.fsencode(name)
    if len(data) <= _LONGEST:
        return name
    mark = hashlib.sha256(data).hexdigest()[:8]
    return f"{data[: _LONGEST - 9].decode('utf-8', 'ignore')}-{mark}"
