"""Folders as they lie on people's disks: nested, renamed, with other programs' files among them."""

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from mace.datasets.reading.cells import clip_key, subject_key
from mace.errors import DataError

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".pgm", ".ppm", ".webp"}
)
_SHEET_SUFFIXES = frozenset({".xls", ".xlsx", ".xlsm", ".csv", ".tsv"})
# The last whole number of a name; what follows it holds no digit.
LAST_NUMBER = re.compile(r".*?([0-9]+)[^0-9]*")


@dataclass(frozen=True)
class Folder:
    """A folder that holds images.

    `parts` are the names from the given root's own to the folder's; `first` is the name of its
    first image.
    """

    path: Path
    parts: tuple[str, ...]
    first: str = ""

    def within(self, word: str) -> bool:
        """Whether a name on the way to the folder, or its own, contains `word`, in any case."""
        return any(word.casefold() in part.casefold() for part in self.parts)


class FolderIndex:
    """All folders of images below a root, found by subject and clip at any depth."""

    def __init__(self, folders: Sequence[Folder]) -> None:
        self.folders = tuple(folders)
        self._by_clip: dict[tuple[str, ...], list[Folder]] = defaultdict(list)
        for folder in self.folders:
            self._by_clip[clip_key(folder.parts[-1])].append(folder)

    def clip(self, subject: object | None, clip: object) -> tuple[Folder, ...]:
        """Return the folders named like the clip below one named like the subject, None for any.

        `sub01`, `01` and 1 are one subject; `s01_ne_01` and `s1_ne_1` are one clip. Folders with
        exactly the clip's name go before such, the shallowest first.
        """
        wanted = None if subject is None else subject_key(subject)
        found = [
            folder
            for folder in self._by_clip.get(clip_key(clip), [])
            if wanted is None or any(subject_key(part) == wanted for part in folder.parts[:-1])
        ]
        exact = [f for f in found if f.parts[-1].casefold() == str(clip).strip().casefold()]
        return tuple(sorted(exact or found, key=lambda f: (len(f.parts), f.parts)))


def find_folders(root: Path) -> FolderIndex:
    """Walk `root` once and return its folders of images.

    Raises:
        DataError: if `root` is no folder.
    """
    folders, root = [], Path(os.path.abspath(root))
    for path, files in _walk(root):
        images = [
            name
            for name in files
            if os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES and not name.startswith(".")
        ]
        if images:
            parts = (root.name, *path.relative_to(root).parts)
            folders.append(Folder(path, parts, min(images)))
    return FolderIndex(folders)


def find_table(root: Path, patterns: str | Sequence[str]) -> Path:
    """Return the file below `root` whose name fits a pattern, in any case and at any depth.

    The first pattern that fits a file decides, then the shallowest file. Lock files of Excel
    (`~$…`) and hidden files are passed over.

    Raises:
        DataError: if there is none; the message lists the spreadsheets that are there.
    """
    found = find_tables(root, patterns)
    if found:
        return found[0]
    there = sorted({path.name for path in find_tables(root, [f"*{s}" for s in _SHEET_SUFFIXES])})
    listed = ", ".join(there[:10]) + (f" and {len(there) - 10} more" if len(there) > 10 else "")
    names = " or ".join([patterns] if isinstance(patterns, str) else patterns)
    raise DataError(
        f"no annotation file {names} below {root} (spreadsheets there: {listed or 'none'}); put it "
        "anywhere in this folder"
    )


def find_tables(root: Path, patterns: str | Sequence[str]) -> list[Path]:
    """Return all files that `find_table` chooses from, the chosen one first."""
    patterns = [patterns] if isinstance(patterns, str) else patterns
    found = []
    for path, files in _walk(root):
        for name in files:
            if name.startswith(("~$", ".")):
                continue
            order = [i for i, p in enumerate(patterns) if fnmatch(name.casefold(), p.casefold())]
            if order:
                found.append((order[0], len(path.parts), str(path / name)))
    return [Path(name) for _, _, name in sorted(found)]


def frame_files(
    folder: Path, pattern: re.Pattern[str] = LAST_NUMBER, *, problems: list[str] | None = None
) -> dict[int, Path]:
    """Return the images of a folder by frame number, in numerical order.

    Only files with an image's suffix and a fitting name count, so that `Thumbs.db`, `.DS_Store`,
    shortcuts and `._` twins do not.

    Args:
        folder: the clip's folder.
        pattern: matches the whole name without suffix; its first group is the frame number.
        problems: takes a sentence for each file that was left out although its name fits.

    Raises:
        DataError: if the folder cannot be read.
    """
    problems = [] if problems is None else problems
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: (len(entry.name), entry.name))
    except OSError as error:
        raise DataError(f"cannot read the folder {folder}: {error.strerror or error}") from error
    found: dict[int, Path] = {}
    for entry in entries:
        stem, suffix = os.path.splitext(entry.name)
        match = pattern.fullmatch(stem)
        if entry.name.startswith(".") or suffix.lower() not in IMAGE_SUFFIXES or match is None:
            continue
        number = int(match.group(1))
        if not entry.is_file():
            problems.append(f"{entry.name} is no file")
        elif entry.stat().st_size == 0:
            problems.append(f"{entry.name} is empty (0 bytes)")
        elif number in found:
            problems.append(f"{entry.name} has the number of {found[number].name}, which was taken")
        else:
            found[number] = Path(entry.path)
    return dict(sorted(found.items()))


def _walk(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Every folder once, links followed, with the names of its files."""
    if not root.is_dir():
        raise DataError(f"there is no folder {root}; --manual-dir names the folder of the data set")
    seen: set[tuple[int, int]] = set()
    for folder, names, files in os.walk(root, followlinks=True):
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in seen:
            names.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        names[:] = sorted(name for name in names if not name.startswith(".") and name != "__MACOSX")
        yield Path(folder), files
