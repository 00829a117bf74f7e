"""Going through the rows of a table: every row ends as an annotation or as a reported drop."""

import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from mace.datasets.reading.cells import CellError
from mace.datasets.reading.editions import are_one_edition
from mace.datasets.reading.numbering import as_the_sheet_counts
from mace.datasets.reading.records import Annotation, Change, Kind, Published, Reading
from mace.datasets.reading.tables import Row, Table
from mace.datasets.reading.trees import Folder, FolderIndex, frame_files
from mace.errors import DataError

_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII")
_OBJECTIVE = {text: n for n, roman in enumerate(_ROMAN, 1) for text in (roman, str(n))}
# More folders without a row than this are told by number.
_MOST_FOLDERS = 20


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

    def begin(self, table: Table, others: Sequence[Path] = ()) -> None:
        """Go on with another table; sheets and rows of it that are not read are remarked on.

        Args:
            table: whose rows come next.
            others: candidates that are not read because of it, each of which is remarked on.
        """
        self.pass_over(others, table.path)
        self.where = table.path.name
        self.rows += len(table.rows)
        self.pass_over_sheets(table)
        if table.skipped:
            listed = ", ".join(map(str, table.skipped[:5])) + ("…" if table.skipped[5:] else "")
            reason = f"{len(table.skipped)} rows without subject and clip, such as notes: {listed}"
            self.report("remark", "rows-of-notes", None, "", reason)

    def pass_over(self, others: Sequence[Path], chosen: Path) -> None:
        """Remark on tables that are not read because `chosen` is."""
        for path in others:
            self.where = path.name
            same = path.name == chosen.name
            place = f" in {chosen.parent.name}" if same else ""
            equal = _equal(path, chosen)
            copy = "of the same content, " if equal else ""
            reason = f"not read: {copy}{chosen.name}{place} is preferred"
            # Only its place or format made the difference, and no version or mark of a copy.
            open_ = not equal and are_one_edition(path.name, chosen.name)
            self.report("choice" if open_ else "remark", "table-not-read", None, "", reason)

    def pass_over_sheets(self, table: Table) -> None:
        """Remark on sheets of the table's workbook that have its columns and are not read."""
        for other in table.others:
            same = [row.cells for row in other.rows] == [row.cells for row in table.rows]
            reason = f"its sheet {other.sheet} ({len(other.rows)} rows) is not read: "
            reason += f"{'of the same content, ' if same else ''}{table.sheet} is preferred"
            if not same and not table.named:
                reason += ", for it comes first"
            kind = "remark" if same or table.named else "choice"
            self.report(kind, "sheet-not-read", None, "", reason)

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
        text = row.name("objective").upper()
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
        candidates = [folder for folder in self._folders.clip(subject, clip) if fits(folder)]
        return self.choose(row, candidates, name)

    def claim(self, subject: object | None, clip: object) -> None:
        """Note that a row names these folders although it is not read."""
        self._used.update(folder.path for folder in self._folders.clip(subject, clip))

    def choose(self, row: Row, candidates: Sequence[Folder], name: str) -> Folder | None:
        """Return the first of a clip's folders; None, and the row dropped, where there is none."""
        if not candidates:
            self.report("drop", "no-frames", row, name, "there is no folder of its frames")
            return None
        if len(candidates) > 1:
            others = ", ".join("/".join(folder.parts[1:]) for folder in candidates[1:4])
            chosen = "/".join(candidates[0].parts[1:])
            reason = f"frames in several folders; took {chosen}, not {others}"
            same = len({_listing(folder.path) for folder in candidates}) == 1
            kind = "remark" if same else "choice"
            self.report(kind, "several-folders", row, name, reason)
        self._used.update(folder.path for folder in candidates)
        return candidates[0]

    def frames(
        self, row: Row | None, folder: Folder, name: str, pattern: re.Pattern[str] | None = None
    ) -> dict[int, Path]:
        """Return the folder's images by frame number; files that cannot count are reported."""
        problems: list[str] = []
        found = frame_files(folder.path, pattern, problems=problems)
        for problem in problems:
            self.report("choice", "file-passed-over", row, name, problem)
        return found

    def add(self, annotation: Annotation) -> None:
        """Keep an annotation."""
        self._annotations.append(annotation)

    def report_unused(self, fits: Callable[[Folder], bool] = lambda folder: True) -> None:
        """Remark on the fitting folders of images that no row has asked for."""
        self.where = "the folders of frames"
        unused = [f for f in self._folders.folders if fits(f) and f.path not in self._used]
        if len(unused) <= _MOST_FOLDERS:
            for folder in unused:
                reason = "a folder of images that no row of the sheet names; it is not read"
                clip = "/".join(folder.parts[-2:])
                self.report("remark", "folder-without-row", None, clip, reason)
            return
        places = Counter("/".join(folder.parts[1:2]) for folder in unused)
        if len(places) > _MOST_FOLDERS:
            places = Counter({"": len(unused)})
        for place, count in places.most_common():
            within = [f for f in unused if place in ("", *f.parts[1:2])]
            examples = ", ".join("/".join(folder.parts[-2:]) for folder in within[:3])
            reason = f"{count} folders of images that no row of the sheet names, such as {examples}"
            self.report("remark", "folder-without-row", None, place, f"{reason}; not read")

    def reading(self, published: Published | None = None) -> Reading:
        """Return what was read; frames that were all numbered anew count as the sheet does.

        Raises:
            DataError: if no row at all has a folder; the message lists folders that are there.
        """
        missing = [change for change in self._changes if change.code == "no-frames"]
        if missing and not self._annotations:
            raise DataError(
                f"none of the {self.rows} rows of {missing[0].where} has a folder of frames, such "
                f"as {missing[0].clip}; {_there(self._folders)}"
            )
        annotations, renumbered = as_the_sheet_counts(self._annotations)
        if renumbered:
            self.where = "the folders of frames"
            reason = (
                f"{renumbered} folders hold exactly the frames of their intervals, counted from 0 "
                "or 1; the first frame of each is taken as its onset"
            )
            self.report("choice", "frames-renumbered", None, "", reason)
        return Reading(
            database=self.database,
            rows=self.rows,
            annotations=annotations,
            changes=tuple(self._changes),
            published=published,
        )


def _equal(path: Path, other: Path) -> bool:
    try:
        same_size = path.stat().st_size == other.stat().st_size
        return same_size and path.read_bytes() == other.read_bytes()
    except OSError:
        return False


def _listing(folder: Path) -> tuple[tuple[str, int], ...]:
    """Names and sizes of a folder's files, the same for a folder and its copy."""
    with os.scandir(folder) as entries:
        return tuple(sorted((e.name, e.stat().st_size) for e in entries if e.is_file()))


def _there(folders: FolderIndex) -> str:
    """What there is in place of the folders looked for."""
    names = ["/".join(folder.parts[-2:]) for folder in folders.folders]
    if names:
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        return f"the folders of images there are {', '.join(names[:5])}{more}"
    return no_images(folders)


def no_images(folders: FolderIndex) -> str:
    """Say that there is no folder of images, and what is to be done with videos."""
    if not folders.videos:
        return "there is no folder of images"
    names = ", ".join(path.name for path in folders.videos[:3])
    return (
        f"there is no folder of images, only videos such as {names}: with a table of their clips "
        "`mace prepare folder` reads those"
    )


def choose_folders(folders: FolderIndex, root: Path, *, cropped: bool) -> Callable[[Folder], bool]:
    """Return the test for folders of the wanted kind: cropped faces, or whole frames.

    Cropped is what lies below a folder with `crop` in its name, or whose images begin with `reg_`.

    Raises:
        DataError: if there is no folder of that kind.
    """
    kinds = {folder.path: _is_cropped(folder) for folder in folders.folders}
    if cropped not in kinds.values():
        kind, other = ("cropped", "whole") if cropped else ("whole", "cropped")
        hint = f"those found are {other}, choose the --config for {other} frames"
        hint = hint if kinds else no_images(folders)
        raise DataError(f"{root} holds no folder of {kind} frames; {hint}")
    return lambda folder: kinds[folder.path] == cropped


def _is_cropped(folder: Folder) -> bool:
    if folder.within("crop"):
        return True
    with os.scandir(folder.path) as entries:
        return any(entry.name.startswith("reg_") for entry in entries)
