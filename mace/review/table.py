"""One coder's part of the table of coded events, beside other coders who write at a time."""

import csv
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from mace.errors import ConfigError, OutputError
from mace.files import write_text
from mace.locks import lock, lock_folder
from mace.recordings.formulas import no_formula, path_cell
from mace.review.events import Coding
from mace.review.rows import (
    COLUMNS,
    FOLDER,
    Numbers,
    Row,
    check_folder,
    coding_of,
    rate_of,
    read_rows,
    stored_number,
    video_of,
)

ANNOTATIONS = "annotations.csv"
# A lock that others remove as they end is asked for anew so often.
_TRIES = 10
_CODER = re.compile(r"[\w][\w.-]{0,39}")


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
        check_folder(self.path, rows, root=self._root)
        own = [(number, row) for number, row in rows if self._is_own(row)]
        self._last = _content(row for _, row in own)
        self.rates = {
            video_of(row): rate for _, row in own if (rate := rate_of(row.get("fps", "")))
        }
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
            needed = (*COLUMNS, FOLDER) if self._elsewhere else COLUMNS
            columns = [*header, *(name for name in needed if name not in header)]
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
        return row.get("coder") == self.coder and video_of(row) in self._videos

    def _rows(self, coding: Coding) -> Iterator[Row]:
        taken: set[str] = set()
        for video, event in coding.all():
            onset, apex, offset = (
                "" if frame is None else str(stored_number(frame, self._numbers(video)))
                for frame in (event.onset, event.apex, event.offset)
            )
            clip = f"{self._videos.get(video, video)}_f{onset}"
            clip = clip if clip not in taken else f"{clip}_{offset}_{event.number}"
            taken.add(clip)
            yield {
                "coder": self.coder,
                "subject": event.subject or coding.subjects.get(video, ""),
                "clip": no_formula(clip),
                "path": path_cell(video),
                "kind": event.kind,
                "onset": onset,
                "apex": apex,
                "offset": offset,
                "emotion": event.label,
                "aus": event.units,
                "fps": f"{self._rate(video):g}",
                "note": event.note,
                **({FOLDER: str(self._root)} if self._elsewhere else {}),
                **dict(event.more),
            }


def _content(rows: Iterable[Row]) -> list[Row]:
    """Rows for comparison: without empty cells, whatever the order of rows and columns."""
    filled = ({k: v for k, v in row.items() if v} for row in rows)
    return sorted(filled, key=lambda row: sorted(row.items()))


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
