"""Logs of predictions: as the Grand Challenge asks for them, as a table, or as code prints them.

MEGC form: a line `database subject`, then a line `clip truth prediction` for each of the subject's
samples, and so on for every fold; blank lines and lines that begin with `#` are passed over.
`mace.evaluation.logs.tables` and `mace.evaluation.logs.console` read the two other forms.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from mace.errors import DataError
from mace.evaluation.logs.console import is_console, read_console
from mace.evaluation.logs.sample import Log, LogSample, shown
from mace.evaluation.logs.tables import delimiter_of, is_sheet, read_sheet, read_table
from mace.files import decode_text, write_text
from mace.protocols.benchmarks import BENCHMARKS, Benchmark

_COLOUR = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
# A date and time, or a level, or both, and what parts them from the text.
_LEVEL = r"\[?(?:DEBUG|INFO|WARN(?:ING)?|ERROR|CRITICAL)\]?"
_LOGGER = re.compile(
    r"^(?:\[?\d{4}[-/]\d\d[-/]\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?\S*[\s|:-]+"
    rf"(?:{_LEVEL}(?:[\s|:-]+|$))?|{_LEVEL}(?:[\s|:-]+|$))"
)
MEGC_CLASSES = BENCHMARKS["megc2019"].classes
# Bytes of a log that would be no log: the largest of the field has a few thousand lines.
LARGEST = 50_000_000


def read_log(path: Path, *, benchmark: Benchmark | None = None) -> Log:
    """Read a log in any of its forms; the order of the samples is kept.

    Args:
        path: text in UTF-8, UTF-16 or GBK, or a spreadsheet.
        benchmark: tells the database of a subject where the log does not.

    Raises:
        DataError: naming file and line, if it is missing, no text, has a line that is neither a
            subject nor a sample, lacks a column, or holds a sample twice or none at all.
    """
    path = Path(path)
    data = _read(path)
    log = (read_sheet if is_sheet(data) else _read_text)(path, data, benchmark)
    first: dict[tuple[str, str], LogSample] = {}
    for sample in log.samples:
        before = first.setdefault((sample.key, sample.seed), sample)
        if before is not sample:
            spelt = "" if before.name == sample.name else f" as {before.name}"
            raise DataError(
                f"{path}, line {sample.line}: the sample {sample.name} was in line "
                f"{before.line} already{spelt}; each must be predicted once"
            )
    if not log.samples:
        raise DataError(
            f"{path} holds no sample `clip truth prediction`, only lines such as "
            f"`database subject`; scores or losses alone cannot be scored"
        )
    return log


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


def _read_text(path: Path, data: bytes, benchmark: Benchmark | None) -> Log:
    text = decode_text(data)
    if text is None:
        raise DataError(
            f"{path} is no text in UTF-8, UTF-16 or GBK and no spreadsheet; expected a log of "
            "predictions or a table"
        )
    lines = [
        (number, line)
        for number, line in enumerate(map(_plain, text.splitlines()), start=1)
        if line and not line.startswith("#")
    ]
    if not lines:
        raise DataError(f"{path} holds no sample; expected lines `clip truth prediction`")
    if is_console(lines):
        return read_console(path, lines, benchmark)
    delimiter = delimiter_of(lines[0][1])
    if delimiter is None:
        return Log(samples=tuple(_megc(path, lines)))
    return read_table(path, lines, delimiter, benchmark)


def _plain(line: str) -> str:
    """A line without the colours of a terminal, and what a logger puts before its text."""
    line = _COLOUR.sub("", line).strip()
    return _LOGGER.sub("", line).strip()


def _megc(path: Path, lines: Sequence[tuple[int, str]]) -> Iterator[LogSample]:
    person: tuple[str, str] | None = None
    for number, line in lines:
        words = line.split()
        if len(words) == 2:
            person = words[0], words[1]
        elif len(words) != 3:
            raise DataError(
                f"{path}, line {number}: {shown(line)} has {len(words)} words, expected "
                "`database subject` or `clip truth prediction`; scores or losses alone cannot be "
                "scored, the predictions are needed"
            )
        elif person is None:
            raise DataError(
                f"{path}, line {number}: the sample {shown(line)} comes before any line "
                "`database subject`; say first whose it is"
            )
        else:
            yield LogSample(*person, *words, line=number)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise DataError(f"{path} is larger than any log of predictions; is it one?")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read the log {path}: {error.strerror or error}") from error


def _one_word(name: str) -> str:
    return re.sub(r"\s", "%20", name)
