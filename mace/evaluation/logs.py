"""Logs of predictions, as the Micro-Expression Grand Challenge asks for them or as a table.

MEGC form: a line `database subject`, then a line `clip truth prediction` for each of the subject's
samples, and so on for every fold. A table is CSV (commas, semicolons or tabs) with a header that
names the columns database, subject, clip, truth and prediction, in any order and case. Blank lines
and lines that begin with `#` are passed over; everything else is a sample or an error.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mace.errors import DataError
from mace.files import write_text
from mace.protocols import BENCHMARKS

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "database": ("database", "dataset", "db"),
    "subject": ("subject", "sub", "participant"),
    "clip": ("clip", "filename", "sample", "video"),
    "truth": ("truth", "label", "gt", "groundtruth", "true", "target", "ytrue"),
    "prediction": ("prediction", "predicted", "pred", "answer", "ypred"),
}
MEGC_CLASSES = BENCHMARKS["megc2019"].classes
DELIMITERS = ",;\t"
# Bytes of a log that would be no log: the largest of the field has a few thousand lines.
LARGEST = 50_000_000


@dataclass(frozen=True)
class LogSample:
    """One sample of a log, with the line it stands on; labels as they are written."""

    database: str
    subject: str
    clip: str
    truth: str
    prediction: str
    line: int

    @property
    def name(self) -> str:
        """`database/subject/clip`."""
        return f"{self.database}/{self.subject}/{self.clip}"


def read_log(path: Path) -> list[LogSample]:
    """Read a log in either form; the order of the samples is kept.

    Raises:
        DataError: naming file and line, if it is missing, no text, has a line that is neither a
            subject nor a sample, lacks a column, or holds a sample twice or none at all.
    """
    path = Path(path)
    lines = [
        (number, line.strip())
        for number, line in enumerate(_text(path).splitlines(), start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise DataError(f"{path} holds no sample; expected lines `clip truth prediction`")
    delimiter = _delimiter(lines[0][1])
    found = list(_megc(path, lines) if delimiter is None else _table(path, lines, delimiter))
    first: dict[str, LogSample] = {}
    for sample in found:
        if sample.name in first:
            raise DataError(
                f"{path}, line {sample.line}: the sample {sample.name} was in line "
                f"{first[sample.name].line} already; each must be answered once"
            )
        first[sample.name] = sample
    if not found:
        raise DataError(f"{path} names subjects but holds no sample `clip truth prediction`")
    return found


def write_log(
    path: Path,
    clips: Sequence[str],
    truth: Sequence[int],
    prediction: Sequence[int],
    *,
    classes: Sequence[str],
) -> None:
    """Write a log in MEGC form; clips are `database/subject/clip`, labels index `classes`.

    The three classes of MEGC 2019 are written as its integers 0, 1, 2; for others the field has no
    agreed integers, so their names are written. Blanks inside of a name would end it and are
    written as `%20`.

    Raises:
        OutputError: if the file cannot be written.
    """
    words = [_one_word(name) for name in classes]
    if tuple(classes) == MEGC_CLASSES:
        words = [str(i) for i in range(len(classes))]
    subject = None
    lines = []
    for clip, true, predicted in zip(clips, truth, prediction, strict=True):
        database, person, name = (_one_word(part) for part in clip.split("/", 2))
        if (database, person) != subject:
            subject = database, person
            lines.append(f"{database} {person}")
        lines.append(f"{name} {words[true]} {words[predicted]}")
    write_text(path, "\n".join(lines) + "\n")


def _megc(path: Path, lines: Sequence[tuple[int, str]]) -> Iterator[LogSample]:
    person: tuple[str, str] | None = None
    for number, line in lines:
        words = line.split()
        if len(words) == 2:
            person = words[0], words[1]
        elif len(words) != 3:
            raise DataError(
                f"{path}, line {number}: {_shown(line)} has {len(words)} words, expected "
                "`database subject` or `clip truth prediction`"
            )
        elif person is None:
            raise DataError(
                f"{path}, line {number}: the sample {_shown(line)} comes before any line "
                "`database subject`; say first whose it is"
            )
        else:
            yield LogSample(*person, *words, line=number)


def _table(path: Path, lines: Sequence[tuple[int, str]], delimiter: str) -> Iterator[LogSample]:
    number, header = lines[0]
    names = [_plain(cell) for cell in _cells(path, number, header, delimiter)]
    position: dict[str, int] = {}
    for column, accepted in COLUMNS.items():
        places = [i for i, name in enumerate(names) if name in accepted]
        if len(places) != 1:
            problem = "lacks the column" if not places else "has more than one column for"
            raise DataError(
                f"{path}, line {number}: the header {_shown(header)} {problem} {column}; expected "
                f"{', '.join(COLUMNS)}"
            )
        position[column] = places[0]
    for number, line in lines[1:]:
        cells = _cells(path, number, line, delimiter)
        if not any(cells):
            continue
        if len(cells) != len(names):
            raise DataError(
                f"{path}, line {number}: {_shown(line)} has {len(cells)} cells, but the header "
                f"has {len(names)}"
            )
        values = {column: cells[i] for column, i in position.items()}
        empty = [column for column, value in values.items() if not value]
        if empty:
            raise DataError(
                f"{path}, line {number}: {_shown(line)} has no {empty[0]}; fill in the cell"
            )
        yield LogSample(**values, line=number)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise DataError(f"{path} is larger than any log of predictions; is it one?")
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read the log {path}: {error.strerror or error}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise DataError(f"{path} is no text in UTF-8; expected a log of predictions or a CSV file")
    return text


def _delimiter(header: str) -> str | None:
    """Return what parts the cells of a table, or None for a log in MEGC form."""
    counts = {mark: header.count(mark) for mark in DELIMITERS}
    mark = max(counts, key=lambda one: counts[one])
    # A tab may part the words of a MEGC log as well: two of them make no five columns.
    return mark if counts[mark] and (mark != "\t" or counts[mark] > 2) else None


def _cells(path: Path, number: int, line: str, delimiter: str) -> list[str]:
    try:
        rows = list(csv.reader(io.StringIO(line), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise DataError(f"{path}, line {number}: {_shown(line)} is no row ({error})") from error
    return [cell.strip() for cell in rows[0]] if rows else []


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def _one_word(name: str) -> str:
    return re.sub(r"\s", "%20", name)


def _shown(line: str) -> str:
    return repr(line if len(line) <= 60 else f"{line[:57]}...")
