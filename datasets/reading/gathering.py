"""Going through the rows of a table: every row ends as an annotation or as a reported drop."""

import os
import re
from collections.abc import Callable
from pathlib import Path

from mace.datasets.reading.cells import CellError
from mace.datasets.reading.records import Annotation, Change, Kind, Published, Reading
from mace.datasets.reading.tables import Row, Table
from mace.datasets.reading.trees import Folder, FolderIndex, frame_files
from mace.errors import DataError

_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII")
_OBJECTIVE = {text: n for n, roman in enumerate(_ROMAN, 1) for text in (roman, str(n))}


class Gathering:
    """What has been read of one data set so far.

    Attributes:
        where: name of the table being read, for the report.
        rows: data rows seen.
    """

    def __init__(self, database: str, folders: FolderIndex) -> None:
        self.database = database
        self.where = ""
        self.rows = 0
        self._folders = folders
        self._annotations: list[Annotation] = []
        self._changes: list[Change] = []
        self._used: set[Path] = set()

    def begin(self, table: Table) -> None:
        """Go on with another table; rows of notes that it skipped are remarked on."""
        self.where = table.path.name
        self.rows += len(table.rows)
        if table.skipped:
            listed = ", ".join(map(str, table.skipped[:5])) + ("…" if table.skipped[5:] else "")
            reason = f"{len(table.skipped)} rows without subject and clip, such as notes: {listed}"
            self.report("remark", "rows-of-notes", None, "", reason)

    def report(self, kind: Kind, code: str, row: Row | None, clip: str, reason: str) -> None:
        """Note a change of a row or, without a row, of the whole data set."""
        self._changes.append(
            Change(
                kind=kind,
                code=code,
                where=self.where,
                row=None if row is None else row.number,
                clip=clip,
                reason=reason,
            )
        )

    def frame(self, row: Row, column: str, clip: str) -> int | None:
        """Return a cell as a frame number; one that is none is reported and counts as blank."""
        try:
            return row.frame(column)
        except CellError as error:
            self.report("repair", "cell-unreadable", row, clip, f"{column}: {error}; read as blank")
            return None

    def objective(self, row: Row, clip: str) -> int | None:
        """Return the objective class 1 to 7, written in digits or in Roman numerals."""
        text = row.text("objective").upper()
        number = _OBJECTIVE.get(text)
        if text and number is None:
            reason = f"objective class {text[:20]!r} is none of 1 to 7; read as blank"
            self.report("repair", "cell-unreadable", row, clip, reason)
        return number

    def has_folder(
        self,
        subject: object | None,
        clip: object,
        fits: Callable[[Folder], bool] = lambda folder: True,
    ) -> bool:
        """Whether there is a fitting folder of a clip."""
        return any(map(fits, self._folders.clip(subject, clip)))

    def folder(
        self,
        row: Row,
        subject: object | None,
        clip: object,
        name: str,
        *,
        fits: Callable[[Folder], bool] = lambda folder: True,
    ) -> Folder | None:
        """Return the clip's folder; None, and the row dropped, where there is none."""
        found = [folder for folder in self._folders.clip(subject, clip) if fits(folder)]
        if not found:
            self.report("drop", "no-frames", row, name, "there is no folder of its frames")
            return None
        if len(found) > 1:
            others = ", ".join("/".join(folder.parts[1:]) for folder in found[1:4])
            chosen = "/".join(found[0].parts[1:])
            reason = f"frames in several folders; took {chosen}, not {others}"
            self.report("remark", "several-folders", row, name, reason)
        self._used.update(folder.path for folder in found)
        return found[0]

    def frames(
        self, row: Row | None, folder: Folder, name: str, pattern: re.Pattern[str] | None = None
    ) -> dict[int, Path]:
        """Return the folder's images by frame number; files that cannot count are remarked on."""
        problems: list[str] = []
        found = frame_files(folder.path, pattern, problems=problems)
        for problem in problems:
            self.report("remark", "file-passed-over", row, name, problem)
        return found

    def add(self, annotation: Annotation) -> None:
        """Keep an annotation."""
        self._annotations.append(annotation)

    def report_unused(self, fits: Callable[[Folder], bool] = lambda folder: True) -> None:
        """Remark on the fitting folders of images that no row has asked for."""
        self.where = "the folders of frames"
        for folder in self._folders.folders:
            if fits(folder) and folder.path not in self._used:
                reason = "a folder of images that no row of the sheet names; it is not read"
                clip = "/".join(folder.parts[-2:])
                self.report("remark", "folder-without-row", None, clip, reason)

    def reading(self, published: Published | None = None) -> Reading:
        """Return what was read."""
        return Reading(
            database=self.database,
            rows=self.rows,
            annotations=tuple(self._annotations),
            changes=tuple(self._changes),
            published=published,
        )


def choose_folders(folders: FolderIndex, root: Path, *, cropped: bool) -> Callable[[Folder], bool]:
    """Return the test for folders of the wanted kind: cropped faces, or whole frames.

    Cropped is what lies below a folder with `crop` in its name, or whose images begin with `reg_`.

    Raises:
        DataError: if there is no folder of that kind.
    """
    kinds = {folder.path: _is_cropped(folder) for folder in folders.folders}
    if cropped not in kinds.values():
        wanted, other = ("cropped", "whole") if cropped else ("whole", "cropped")
        hint = f"; those found are {other}, choose the --config for {other} frames" if kinds else ""
        raise DataError(f"{root} holds no folder of {wanted} frames{hint}")
    return lambda folder: kinds[folder.path] == cropped


def _is_cropped(folder: Folder) -> bool:
    if folder.within("crop"):
        return True
    with os.scandir(folder.path) as entries:
        return any(entry.name.startswith("reg_") for entry in entries)
