"""The table of coded events: one CSV of all coders, as `mace prepare folder` reads it."""

import codecs
import csv
import io
import math
import os
import re
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
_CODER = re.compile(r"[\w][\w.-]{0,39}")

type Row = dict[str, str]


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
        rate: says how many frames a second a video has.

    Attributes:
        rates: frames per second of each video, as the table says.

    Raises:
        ConfigError: if somebody has it open for this coder.
        DataError: if it is no such table.
        OutputError: if its folder cannot be written to.
    """

    def __init__(
        self, path: Path, coder: str, videos: Mapping[str, str], *, rate: Callable[[str], float]
    ) -> None:
        self.path, self.coder = path, check_coder(coder)
        self._videos, self._rate = videos, rate
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
        own = [(number, row) for number, row in rows if self._is_own(row)]
        self._last = _content(row for _, row in own)
        self.rates = {row["path"]: rate for _, row in own if (rate := _rate(row.get("fps", "")))}
        return coding_of(self.path, own)

    def write(self, coding: Coding) -> None:
        """Replace this coder's rows of these videos.

        Raises:
            OutputError: if the table cannot be written, or another program has changed these rows
                since they were read or written here.
        """
        with _alone(self.path.parent):
            header, rows = read_rows(self.path)
            others = [row for _, row in rows if not self._is_own(row)]
            if _content(row for _, row in rows if self._is_own(row)) != self._last:
                raise OutputError(
                    f"the rows of {self.coder} in {self.path.name} were changed by another "
                    "program; load them anew, or undo the change there"
                )
            own = list(self._rows(coding))
            columns = [*header, *(name for name in COLUMNS if name not in header)]
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
        return row.get("coder") == self.coder and row.get("path") in self._videos

    def _rows(self, coding: Coding) -> Iterator[Row]:
        taken: set[str] = set()
        for video, event in coding.all():
            clip = f"{self._videos.get(video, video)}_f{event.onset}"
            clip = clip if clip not in taken else f"{clip}_{event.offset}_{event.number}"
            taken.add(clip)
            yield {
                "coder": self.coder,
                "subject": coding.subjects.get(video, ""),
                "clip": clip,
                "path": video,
                "kind": event.kind,
                "onset": str(event.onset),
                "apex": "" if event.apex is None else str(event.apex),
                "offset": str(event.offset),
                "emotion": event.label,
                "aus": event.units,
                "fps": f"{self._rate(video):g}",
                "note": event.note,
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


def coding_of(path: Path, rows: Sequence[tuple[int, Row]]) -> Coding:
    """Return what rows of one coder say.

    Args:
        path: of the table, for messages.
        rows: with their numbers in it.

    Raises:
        DataError: for a row that is no event.
    """
    events: dict[str, list[CodedEvent]] = {}
    subjects: dict[str, str] = {}
    for number, (line, row) in enumerate(rows, start=1):
        video = row["path"]
        subjects.setdefault(video, row.get("subject", ""))
        try:
            event = CodedEvent(
                number,
                onset=_frame(row, "onset"),
                apex=cell_frame(row.get("apex", "")),
                offset=_frame(row, "offset"),
                kind=cast(Kind, row["kind"].strip()),
                label=row.get("emotion", ""),
                units=row.get("aus", ""),
                note=row.get("note", ""),
                more=tuple((k, v) for k, v in row.items() if v and k not in COLUMNS),
            )
            events.setdefault(video, []).append(checked(event))
        except (CellError, ConfigError) as error:
            raise DataError(f"{path}, row {line}: {error}; mend the row") from error
    ordered = {
        video: tuple(sorted(listed, key=lambda event: (event.onset, event.offset, event.number)))
        for video, listed in events.items()
    }
    return Coding(ordered, {video: name for video, name in subjects.items() if name})


def _rate(text: str) -> float:
    try:
        rate = float(text.replace(",", "."))
    except ValueError:
        return 0.0
    return rate if 0 < rate < math.inf else 0.0


def _content(rows: Iterable[Row]) -> list[Row]:
    """Rows for comparison: without empty cells, in an order of their own."""
    return sorted(({k: v for k, v in row.items() if v} for row in rows), key=repr)


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
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(holder, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    try:
        lock(file, wait=False)
    except BlockingIOError as error:
        os.close(file)
        raise ConfigError(
            f"{coder} is coding in {path} already, in another `mace review`; go on there, end that "
            "one, or name another --coder"
        ) from error
    except OSError:
        os.close(file)
        return None
    return file


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
