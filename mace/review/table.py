"""The table of coded events: one CSV of all coders, as `mace prepare folder` reads it."""

import codecs
import csv
import io
import math
import os
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from mace.datasets.reading.cells import CellError, cell_frame
from mace.errors import ConfigError, DataError, OutputError
from mace.files import write_text
from mace.locks import lock, lock_folder
from mace.review.events import CodedEvent, Coding, Kind, checked

ANNOTATIONS = "annotations.csv"
COLUMNS = (
    *("coder", "subject", "clip", "path", "kind", "onset", "apex", "offset"),
    *("emotion", "aus", "fps", "note"),
)
_NEEDED = ("coder", "path", "kind", "onset", "offset")
# The folder that paths begin at, in a table that lies elsewhere.
_FOLDER = "folder"
# A lock that others remove as they end is asked for anew so often.
_TRIES = 10
# Cells that begin so are run by spreadsheets.
_FORMULA = ("=", "+", "-", "@")
_CODER = re.compile(r"[\w][\w.-]{0,39}")

type Row = dict[str, str]

type Numbers = Callable[[str], tuple[int, ...] | None]
"""The table's numbers of a video's frames; None where they are counted from 1."""


def check_coder(name: str) -> str:
    """Return a coder's name, which is part of a file's.

    Raises:
        ConfigError: for other signs than letters, digits, dot, hyphen and underscore.
    """
    if not _CODER.fullmatch(name):
        raise ConfigError(
            f"the coder {name[:40]!r}: a name has up to 40 letters and digits, such as anna"
        )
    return name


class CoderTable:
    """One coder's rows of a table that several coders may write at a time.

    A write replaces this coder's rows of these videos and leaves all others as they are, whole or
    not at all. Who opens it keeps others from opening it for the same coder until it is closed.

    Args:
        path: the table; made by the first write.
        coder: whose rows.
        videos: names of their clips by the paths of the videos, as the table has them.
        root: the folder that paths begin at; by default the table's own.
        rate: says how many frames a second a video has.
        numbers: says how the table numbers the frames of a video, if not from 1 on.
        people: who is seen in each video, where the table does not say otherwise.

    Attributes:
        rates: frames per second of each video, as the table says.

    Raises:
        ConfigError: if somebody has it open for this coder, or it is of another folder's videos.
        DataError: if it is no such table.
        OutputError: if its folder cannot be written to.
    """

    def __init__(
        self,
        path: Path,
        coder: str,
        videos: Mapping[str, str],
        *,
        root: Path | None = None,
        rate: Callable[[str], float],
        numbers: Numbers = lambda video: None,
        people: Mapping[str, str] | None = None,
    ) -> None:
        self.path, self.coder = path, check_coder(coder)
        self._people = {} if people is None else people
        self._videos, self._rate, self._numbers = videos, rate, numbers
        self._root = path.parent if root is None else root
        self._elsewhere = self._root.resolve() != path.parent.resolve()
        self._holder = path.with_name(f".{path.stem}.{coder}.lock")
        self._held = _hold(self._holder, path, coder)
        try:
            self.read()
        except BaseException:
            self.close()
            raise

    def read(self) -> Coding:
        """Read this coder's events of these videos.

        Raises:
            DataError: if the table cannot be read; the message names file and row.
        """
        _, rows = read_rows(self.path)
        self._check_folder(rows)
        own = [(number, row) for number, row in rows if self._is_own(row)]
        self._last = _content(row for _, row in own)
        self.rates = {_video(row): rate for _, row in own if (rate := _rate(row.get("fps", "")))}
        return coding_of(self.path, own, numbers=self._numbers, people=self._people)

    def write(self, coding: Coding) -> None:
        """Replace this coder's rows of these videos.

        Raises:
            OutputError: if the table cannot be written, or another program has changed these rows
                since they were read or written here.
        """
        with _alone(self.path.parent):
            header, rows = read_rows(self.path)
            others = [row for _, row in rows if not self._is_own(row)]
            there = _content(row for _, row in rows if self._is_own(row))
            # Of a table that is gone there is nothing to write over, and no other copy.
            if header and there != self._last:
                raise OutputError(
                    f"the rows of {self.coder} in {self.path.name} were changed by another "
                    "program; load them anew, or undo the change there"
                )
            own = list(self._rows(coding))
            wanted = (*COLUMNS, _FOLDER) if self._elsewhere else COLUMNS
            columns = [*header, *(name for name in wanted if name not in header)]
            text = io.StringIO(newline="")
            lines = csv.DictWriter(text, columns, restval="", lineterminator="\n")
            lines.writeheader()
            lines.writerows(sorted([*others, *own], key=_order))
            write_text(self.path, text.getvalue())
            self._last = _content(own)

    def close(self) -> None:
        """Let others open it."""
        if self._held is not None:
            with suppress(OSError):
                self._holder.unlink(missing_ok=True)
            os.close(self._held)
            self._held = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _is_own(self, row: Row) -> bool:
        return row.get("coder") == self.coder and _video(row) in self._videos

    def _check_folder(self, rows: Iterable[tuple[int, Row]]) -> None:
        """Refuse the table of another folder, whose paths would be taken for those of this one."""
        for number, row in rows:
            stated = row.get(_FOLDER, "")
            if stated:
                other = Path(stated).resolve() != self._root.resolve()
            else:  # a table beside its videos, or one that was made by hand
                other = self._elsewhere and not (self._root / row["path"]).exists()
            if other:
                raise ConfigError(
                    f"{self.path}, row {number}: it is of a video in {stated or self.path.parent}, "
                    f"not in {self._root}; name that folder, or another --table (if the videos "
                    f"were moved, mend the table's column {_FOLDER})"
                )

    def _rows(self, coding: Coding) -> Iterator[Row]:
        taken: set[str] = set()
        for video, event in coding.all():
            onset, apex, offset = (
                "" if frame is None else str(_stored(frame, self._numbers(video)))
                for frame in (event.onset, event.apex, event.offset)
            )
            clip = f"{self._videos.get(video, video)}_f{onset}"
            clip = clip if clip not in taken else f"{clip}_{offset}_{event.number}"
            taken.add(clip)
            yield {
                "coder": self.coder,
                "subject": event.subject or coding.subjects.get(video, ""),
                "clip": no_formula(clip),
                "path": f"./{video}" if video.startswith(_FORMULA) else video,
                "kind": event.kind,
                "onset": onset,
                "apex": apex,
                "offset": offset,
                "emotion": event.label,
                "aus": event.units,
                "fps": f"{self._rate(video):g}",
                "note": event.note,
                **({_FOLDER: str(self._root)} if self._elsewhere else {}),
                **dict(event.more),
            }


def read_codings(path: Path) -> dict[str, Coding]:
    """Return what each coder of a table says, by name.

    Raises:
        DataError: if there is no such table, or it cannot be read.
    """
    if not path.is_file():
        raise DataError(f"there is no {path}; `mace review` makes it with the first event")
    _, rows = read_rows(path)
    coders = dict.fromkeys(row["coder"] for _, row in rows)
    return {
        coder: coding_of(path, [(n, row) for n, row in rows if row["coder"] == coder])
        for coder in coders
    }


def read_rows(path: Path) -> tuple[list[str], list[tuple[int, Row]]]:
    """Return the header of a table and its rows with their numbers; nothing where there is none.

    Raises:
        DataError: if it cannot be read, or lacks a column.
    """
    try:
        text = _unicode(path.read_bytes(), path)
    except FileNotFoundError:
        return [], []
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    # Spreadsheets save with the mark of their country.
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    rows = csv.DictReader(
        io.StringIO(text, newline=""), delimiter=delimiter, restval="", strict=True
    )
    try:
        return _checked_rows(path, rows)
    except csv.Error as error:
        raise DataError(f"{path}, row {rows.reader.line_num}: {error}; mend the row") from error


def _checked_rows(
    path: Path, rows: "csv.DictReader[str]"
) -> tuple[list[str], list[tuple[int, Row]]]:
    """Return header and rows, all of which can be written back as they are."""
    header = [name.strip() for name in rows.fieldnames or ()]
    rows.fieldnames = header
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise DataError(f"{path} has the column {twice[0]!r} twice; rename one of them")
    if missing := [name for name in _NEEDED if name not in header]:
        raise DataError(
            f"{path} is no table of `mace review`: it has no column {', '.join(missing)}; name "
            "another with --table"
        )
    read: list[tuple[int, Row]] = []
    for row in rows:
        if None in row:
            raise DataError(
                f"{path}, row {rows.line_num}: there are more cells than columns; name the columns "
                "or remove the cells"
            )
        if any(row.values()):
            read.append((rows.line_num, row))
    return header, read


def _unicode(data: bytes, path: Path) -> str:
    """Decode a table that will be written again, so that no letter is guessed."""
    marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not saved as Unicode, so that letters such as ü would be guessed; save it "
            "as CSV UTF-8"
        ) from error


def coding_of(
    path: Path,
    rows: Sequence[tuple[int, Row]],
    *,
    numbers: Numbers = lambda video: None,
    people: Mapping[str, str] | None = None,
) -> Coding:
    """Return what rows of one coder say.

    Args:
        path: of the table, for messages.
        rows: with their numbers in it.
        numbers: as of `CoderTable`.
        people: likewise. Of several in a video the person of it is this one, or else whom most rows
            name, of equals the first.

    Raises:
        DataError: for a row that is no event.
    """
    events: dict[str, list[CodedEvent]] = {}
    named_in: dict[str, Counter[str]] = {}
    for _, row in rows:
        named_in.setdefault(_video(row), Counter())[row.get("subject", "")] += 1
    subjects: dict[str, str] = {}
    for video, names in named_in.items():
        usual = (people or {}).get(video, "")
        subjects[video] = usual if usual in names else names.most_common(1)[0][0]
    for number, (line, row) in enumerate(rows, start=1):
        video = _video(row)
        named = numbers(video)
        subject = row.get("subject", "")
        try:
            apex = cell_frame(row.get("apex", ""))
            event = CodedEvent(
                number,
                onset=_shown(_frame(row, "onset"), named),
                apex=None if apex is None else _shown(apex, named),
                offset=_shown(_frame(row, "offset"), named),
                kind=cast(Kind, row["kind"].strip()),
                label=row.get("emotion", ""),
                units=row.get("aus", ""),
                note=row.get("note", ""),
                subject="" if subject == subjects[video] else subject,
                more=tuple((k, v) for k, v in row.items() if v and k not in (*COLUMNS, _FOLDER)),
            )
            events.setdefault(video, []).append(checked(event))
        except (CellError, ConfigError) as error:
            raise DataError(f"{path}, row {line}: {error}; mend the row") from error
    ordered = {
        video: tuple(sorted(listed, key=lambda event: (event.onset, event.offset, event.number)))
        for video, listed in events.items()
    }
    return Coding(ordered, {video: name for video, name in subjects.items() if name})


def no_formula(text: str) -> str:
    """Return a text of our own that no spreadsheet takes for a formula."""
    return f"_{text}" if text.startswith(_FORMULA) else text


def _video(row: Row) -> str:
    return row.get("path", "").removeprefix("./")


def _stored(frame: int, numbers: Sequence[int] | None) -> int:
    """The table's number of a frame that is counted from 1."""
    return frame if numbers is None else numbers[frame - 1]


def _shown(frame: int, numbers: Sequence[int] | None) -> int:
    if numbers is None:
        return frame
    place = bisect_left(numbers, frame)
    if numbers[place : place + 1] != (frame,):
        raise CellError(f"there is no picture of the number {frame}")
    return place + 1


def _rate(text: str) -> float:
    try:
        rate = float(text.replace(",", "."))
    except ValueError:
        return 0.0
    return rate if 0 < rate < math.inf else 0.0


def _content(rows: Iterable[Row]) -> list[Row]:
    """Rows for comparison: without empty cells, whatever the order of rows and columns."""
    filled = ({k: v for k, v in row.items() if v} for row in rows)
    return sorted(filled, key=lambda row: sorted(row.items()))


def _frame(row: Mapping[str, str], column: str) -> int:
    frame = cell_frame(row[column])
    if frame is None:
        raise CellError(f"its {column} is blank")
    return frame


def _order(row: Mapping[str, str]) -> tuple[str, str, int]:
    onset = row["onset"]
    return row["coder"], row["path"], int(onset) if onset.isdecimal() else 0


def _hold(holder: Path, path: Path, coder: str) -> int | None:
    """Lock a hidden file for as long as the table is open; None where files have no locks."""
    for _ in range(_TRIES):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(holder, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
        try:
            lock(file, wait=False)
            if os.path.samestat(os.fstat(file), os.stat(holder)):
                return file
        except BlockingIOError as error:
            os.close(file)
            raise ConfigError(
                f"{coder} is coding in {path} already, in another `mace review`; go on there, end "
                "that one, or name another --coder"
            ) from error
        except FileNotFoundError:
            pass
        except OSError:
            os.close(file)
            return None
        os.close(file)  # whoever held it has removed it meanwhile, so it keeps nobody out
    return None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other coders from writing meanwhile."""
    try:
        held = lock_folder(folder)
    except OSError:  # a file system without locks
        yield
        return
    try:
        yield
    finally:
        os.close(held)
