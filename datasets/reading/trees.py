"""Folders as they lie on people's disks: nested, renamed, with other programs' files among them."""

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from mace.datasets.reading.cells import clip_key, subject_key
from mace.datasets.reading.editions import TABLE_SUFFIXES, edition, plain_name
from mace.errors import DataError
from mace.pictures.naming import arrange, is_picture
from mace.video.naming import is_video

# What systems keep on a disk beside people's own folders.
_SYSTEM_FOLDERS = frozenset(
    {"__macosx", "$recycle.bin", "recycler", "recycled", "system volume information", "lost+found"}
    | {"@eadir", "#recycle", "found.000"}
)
_MOST_VIDEOS = 20


@dataclass(frozen=True)
class Folder:
    """A folder that holds images.

    Attributes:
        path: the folder.
        parts: names from the given root's own to the folder's.
        first: name of its first image.
    """

    path: Path
    parts: tuple[str, ...]
    first: str = ""

    def within(self, word: str) -> bool:
        """Whether a name on the way to the folder, or its own, contains `word`, in any case."""
        return any(word.casefold() in part.casefold() for part in self.parts)


class FolderIndex:
    """All folders of images below a root, found by subject and clip at any depth.

    Attributes:
        folders: every folder that holds images.
        videos: the first few video files below the root, for messages.
    """

    def __init__(self, folders: Sequence[Folder], videos: Sequence[Path] = ()) -> None:
        self.folders = tuple(folders)
        self.videos = tuple(videos)
        self._by_clip: dict[tuple[str, ...], list[Folder]] = defaultdict(list)
        self._with_subject: dict[tuple[str, tuple[str, ...]], list[Folder]] = defaultdict(list)
        for folder in self.folders:
            words = clip_key(folder.parts[-1])
            self._by_clip[words].append(folder)
            for length in range(1, min(len(words), 4)):
                subject = subject_key("".join(words[:length]))
                if subject.isdecimal():
                    self._with_subject[subject, words[length:]].append(folder)

    def clip(self, subject: object | None, clip: object) -> tuple[Folder, ...]:
        """Return the folders named like the clip below one named like the subject, None for any.

        `sub01`, `01` and 1 are one subject; `s01_ne_01` and `s1_ne_1` are one clip. Folders with
        exactly the clip's name go before such, the shallowest first. Where there is none, a folder
        whose own name says both serves: `sub01_EP02_01f`, or `006_1_2` for that clip of 006.
        """
        person = None if subject is None else subject_key(subject)
        words = clip_key(clip)
        named = self._by_clip.get(words, [])
        below = [
            folder
            for folder in named
            if person is None or any(subject_key(part) == person for part in folder.parts[:-1])
        ]
        if not below and person is not None:
            below = self._with_subject.get((person, words), [])
        if not below and person is not None:
            own = [words[:length] for length in range(1, min(len(words), 4))]
            if any(subject_key("".join(start)) == person for start in own):
                below = [folder for folder in named if not _below_a_subject(folder)]
        exact = [f for f in below if f.parts[-1].casefold() == str(clip).strip().casefold()]
        return tuple(sorted(exact or below, key=lambda f: (len(f.parts), f.parts)))


def _below_a_subject(folder: Folder) -> bool:
    return any(subject_key(part).isdecimal() for part in folder.parts[1:-1])


def find_folders(root: Path) -> FolderIndex:
    """Walk `root` once and return its folders of images.

    Raises:
        DataError: if `root` is no folder.
    """
    folders, videos, root = [], [], Path(os.path.abspath(root))
    for path, files in walk(root):
        images = [name for name in files if is_picture(name)]
        if images:
            parts = (root.name, *path.relative_to(root).parts)
            folders.append(Folder(path, parts, min(images)))
        if len(videos) < _MOST_VIDEOS:
            videos += [path / name for name in files if is_video(name)]
    return FolderIndex(folders, videos[:_MOST_VIDEOS])


@dataclass(frozen=True)
class Choice:
    """Which table is read.

    Attributes:
        path: the table to read.
        others: candidates that are not read, the best first.
    """

    path: Path
    others: tuple[Path, ...]


def find_table(root: Path, patterns: str | Sequence[str]) -> Choice:
    """Return the table below `root` whose name fits a pattern, in any case and at any depth.

    Raises:
        DataError: if there is none; the message lists the spreadsheets that are there.
    """
    candidates = find_tables(root, patterns)
    if candidates:
        return Choice(candidates[0], tuple(candidates[1:]))
    there = sorted({path.name for path in find_tables(root, "*")})
    listed = ", ".join(there[:10]) + (f" and {len(there) - 10} more" if len(there) > 10 else "")
    names = " or ".join([patterns] if isinstance(patterns, str) else patterns)
    raise DataError(
        f"no annotation file {names} (.xlsx, .xls or .csv) below {root} (spreadsheets there: "
        f"{listed or 'none'}); put it anywhere in this folder"
    )


def find_tables(
    root: Path, patterns: str | Sequence[str], *, suffixes: Sequence[str] = TABLE_SUFFIXES
) -> list[Path]:
    """Return all tables below `root` whose name without suffix fits a pattern, the best first.

    The first pattern that fits a file decides, then the newest version, then a plain name before
    those of copies, then the shallowest file. Lock files of Excel (`~$…`) and hidden files are
    passed over.
    """
    patterns = [patterns] if isinstance(patterns, str) else patterns
    candidates = []
    for path, files in walk(root):
        for name in files:
            stem, suffix = os.path.splitext(name.casefold())
            if name.startswith(("~$", ".")) or suffix not in suffixes:
                continue
            stems = (stem, plain_name(name))
            order = [
                i for i, p in enumerate(patterns) if any(fnmatch(s, p.casefold()) for s in stems)
            ]
            if order:
                *newest, form, length = edition(name)
                key = (order[0], *newest, len(path.parts), form, length, str(path / name))
                candidates.append((key, path / name))
    return [path for _, path in sorted(candidates)]


def frame_files(
    folder: Path, pattern: re.Pattern[str] | None = None, *, problems: list[str] | None = None
) -> dict[int, Path]:
    """Return the images of a folder by frame number, in numerical order.

    Only files with an image's suffix and a fitting name count, so that `Thumbs.db`, `.DS_Store`,
    shortcuts and `._` twins do not.

    Args:
        folder: the clip's folder.
        pattern: matches the whole name without suffix; its first group is the frame number. Without
            one the numbers are those that count the pictures (`mace.pictures.naming`).
        problems: takes a sentence for each file that was left out although its name fits.

    Raises:
        DataError: if the folder cannot be read.
    """
    problems = [] if problems is None else problems
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: (len(entry.name), entry.name))
    except OSError as error:
        raise DataError(f"cannot read the folder {folder}: {error.strerror or error}") from error
    pictures: list[str] = []
    for entry in entries:
        stem = os.path.splitext(entry.name)[0]
        if not is_picture(entry.name) or (pattern is not None and not pattern.fullmatch(stem)):
            continue
        if not entry.is_file():
            problems.append(f"{entry.name} is no file")
        elif entry.stat().st_size == 0:
            problems.append(f"{entry.name} is empty (0 bytes)")
        else:
            pictures.append(entry.name)
    numbers = _counted(pictures, problems) if pattern is None else _numbered(pictures, pattern)
    found: dict[int, Path] = {}
    for name, number in numbers:
        if number in found:
            problems.append(f"{name} has the number of {found[number].name}, which was taken")
        else:
            found[number] = folder / name
    return dict(sorted(found.items()))


def _numbered(names: Sequence[str], pattern: re.Pattern[str]) -> Iterator[tuple[str, int]]:
    for name in names:
        match = pattern.fullmatch(os.path.splitext(name)[0])
        if match is not None:
            yield name, int(match.group(1))


def _counted(names: Sequence[str], problems: list[str]) -> Iterator[tuple[str, int]]:
    """The pictures of the one form that most names have, by the number that counts them."""
    arranged = arrange(names)
    for first, other in arranged.doubles:
        problems.append(f"{other} has the number of {first}, which was taken")
    for stray in arranged.strays:
        problems.append(f"{stray} is named otherwise than {arranged.names[0]}")
    numbers = arranged.numbers
    if numbers is None:
        numbers = tuple(range(1, len(arranged.names) + 1))
        if numbers:
            problems.append(
                f"no single number counts {arranged.names[0]} to {arranged.names[-1]}; they were "
                "numbered from 1 in natural order"
            )
    yield from zip(arranged.names, numbers, strict=True)


def walk(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield every folder below `root` once, links followed, with the names of its files.

    Hidden folders and those of operating systems, such as `$RECYCLE.BIN`, are not entered.

    Raises:
        DataError: if `root` is no folder.
    """
    if not root.is_dir():
        raise DataError(f"there is no folder {root}; --manual-dir names the folder of the data set")
    seen: set[tuple[int, int]] = set()
    for folder, names, files in os.walk(root, followlinks=True):
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in seen:
            names.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        names[:] = sorted(
            name
            for name in names
            if not name.startswith(".") and name.casefold() not in _SYSTEM_FOLDERS
        )
        yield Path(folder), files
