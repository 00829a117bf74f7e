"""Expressions annotated within long videos: one folder of frames serves many rows."""

from collections.abc import Mapping
from pathlib import Path

from mace.datasets.reading.gathering import Gathering
from mace.datasets.reading.tables import Row
from mace.datasets.reading.trees import Folder

type Interval = tuple[int, int | None, int]
"""Onset, apex (None where it is not known) and offset, as frame numbers."""


class VideoFrames:
    """The frames of long videos, each folder looked through once."""

    def __init__(self, gathering: Gathering) -> None:
        self._gathering = gathering
        self._known: dict[Path, Mapping[int, Path]] = {}

    def __call__(self, row: Row, folder: Folder, name: str) -> Mapping[int, Path]:
        """Return a folder's images by frame number."""
        if folder.path not in self._known:
            self._known[folder.path] = self._gathering.frames(row, folder, name)
        return self._known[folder.path]


def interval(
    gathering: Gathering, row: Row, name: str, *, start: int | None = None
) -> Interval | None:
    """Return the interval of a row in which 0 stands for not known; None, the row dropped.

    Without an offset the clip ends at its apex, as the field reads these sheets: the end of the
    video, which would be next, has nothing to do with the expression.

    Args:
        gathering: for the report.
        row: of the sheet.
        name: of the clip.
        start: the frame that an onset of 0 stands for, where that is the start of the video.
    """
    onset, apex, offset = (gathering.frame(row, c, name) for c in _COLUMNS)
    if onset == 0 and start is not None:
        apex = start if apex == 0 else apex
        onset = start
        if start:
            reason = f"onset 0 is the start of the video, whose frames count from {start}"
            gathering.report("correction", "onset-zero", row, name, f"{reason}; took {start}")
    else:
        onset, apex = onset or None, apex or None
    offset = offset or None
    if onset is None:
        reason = "no onset, and the video is longer than the expression"
        gathering.report("drop", "interval-missing", row, name, reason)
        return None
    if offset is None:
        if apex is None or apex <= onset:
            reason = "no offset, and no apex after the onset to end at"
            gathering.report("drop", "interval-missing", row, name, reason)
            return None
        reason = f"no offset; took the apex {apex}"
        gathering.report("repair", "offset-missing", row, name, reason)
        offset = apex
    return onset, apex, offset


_COLUMNS = ("onset", "apex", "offset")


def unique_names(names: list[tuple[str, str, str]]) -> list[str]:
    """Return a clip name for each (subject, name, onset): with the onset where it is repeated."""
    count: dict[tuple[str, str], int] = {}
    for subject, clip, _ in names:
        count[subject, clip] = count.get((subject, clip), 0) + 1
    return [
        clip if count[subject, clip] == 1 else f"{clip}_{onset}" for subject, clip, onset in names
    ]
