"""Videos as they lie below a lab's folder, found by names that were typed by hand."""

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mace.datasets.reading.cells import clip_key, subject_key
from mace.datasets.reading.trees import walk
from mace.video.naming import is_video

type _Key = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Video:
    """A video file.

    Attributes:
        path: the file.
        parts: names from the given root's own to the file's.
    """

    path: Path
    parts: tuple[str, ...]

    @property
    def place(self) -> str:
        """Where it lies below the root."""
        return "/".join(self.parts[1:])


class VideoIndex:
    """All videos below a root, found as loosely as folders of frames are.

    Case, leading zeros, separators and the suffix do not matter: the clip `IMG_0042`, `img-42` or
    `IMG_0042.MOV` is `IMG_0042.MOV`.
    """

    def __init__(self, root: Path) -> None:
        """Walk `root` once.

        Raises:
            DataError: if it is no folder.
        """
        root = Path(os.path.abspath(root))
        self._by_clip: defaultdict[tuple[str, ...], list[Video]] = defaultdict(list)
        self._by_path: defaultdict[_Key, list[Video]] = defaultdict(list)
        for folder, names in walk(root):
            within = folder.relative_to(root).parts
            for name in names:
                if is_video(name):
                    video = Video(folder / name, (root.name, *within, name))
                    self._by_clip[clip_key(without_suffix(name))].append(video)
                    self._by_path[_path_key((*within, name))].append(video)

    def clip(self, subject: str, clip: str) -> tuple[Video, ...]:
        """Return the videos named like the clip below a folder named like the subject, best first.

        A name that is the same to the letter goes before the others, then the shallowest.
        """
        person = subject_key(subject)
        below = [
            video
            for video in self.anywhere(clip)
            if any(subject_key(part) == person for part in video.parts[:-1])
        ]
        return _best(below, clip)

    def anywhere(self, clip: str) -> tuple[Video, ...]:
        """Return the videos named like the clip, whoever's they are."""
        return tuple(self._by_clip.get(clip_key(without_suffix(clip)), ()))

    def at(self, path: str) -> Video | None:
        """Return the video at a path below the root, in any case, with or without its suffix."""
        parts = PurePosixPath(path.replace("\\", "/")).parts
        alike = self._by_path.get(_path_key(parts), [])
        return next(iter(_best(alike, parts[-1])), None) if alike else None


def without_suffix(name: str) -> str:
    """Return a clip's name without the suffix of a video, if it has one."""
    return os.path.splitext(name)[0] if is_video(name) else name


def _path_key(parts: Iterable[str]) -> _Key:
    *folders, name = parts or ("",)
    return (*(clip_key(folder) for folder in folders), clip_key(without_suffix(name)))


def _best(videos: Iterable[Video], name: str) -> tuple[Video, ...]:
    def rank(video: Video) -> tuple[bool, bool, int, tuple[str, ...]]:
        own = video.parts[-1]
        same = own.casefold() == name.casefold(), without_suffix(own) == without_suffix(name)
        return not same[0], not same[1], len(video.parts), video.parts

    return tuple(sorted(videos, key=rank))
