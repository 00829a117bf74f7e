"""Which files are videos, by their names."""

import os
from pathlib import Path

VIDEO_SUFFIXES = (
    *(".mp4", ".avi", ".mov", ".mkv", ".webm", ".mpg", ".mpeg", ".m4v", ".wmv", ".mts"),
    *(".m2ts", ".ts", ".vob", ".flv", ".3gp", ".mxf"),
)
# Levels of folders below a named one in which its videos are looked for.
_DEEPEST = 3


def is_video(name: str) -> bool:
    """Return whether a file's name is that of a video."""
    return os.path.splitext(name)[1].lower() in VIDEO_SUFFIXES and not name.startswith(".")


def videos_within(folder: Path) -> str:
    """Return the pattern of a folder's videos, such as `DATA/*/*.mp4`; "" if it holds none."""
    for level in range(_DEEPEST):
        below = "*/" * level
        names = sorted(path.name for path in folder.glob(f"{below}*") if is_video(path.name))
        if names:
            return str(folder / f"{below}*{os.path.splitext(names[0])[1]}")
    return ""
