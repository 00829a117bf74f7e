"""What the code of the STSTNet family prints of every fold, captured in a file.

    Subject: sub01
    Predicted    : [0, 1]
    Ground Truth : [0, 0]

with losses, scores so far and anything else between. Clips have no names there and are numbered;
the database is that which spells its subjects so. Forks print `Best Predicted` as well or instead:
the predictions of the epoch that did best on the very subject, which is not a result.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mace.errors import DataError
from mace.evaluation.logs.sample import Log, LogSample, database_of, database_remarks, shown
from mace.protocols.benchmarks import Benchmark
from mace.protocols.names import subject_key

UNKNOWN = "unknown"
"""The database of subjects whose spelling no database has."""

# A logger may have put its own words before the text.
_BEFORE = r"(?:^|.*[:\]|,;>-])\s*"
_LIST = r"\s*[:=]\s*(?P<list>(?:\w+\()?\[.*)$"
_SUBJECT = re.compile(
    _BEFORE + r"(?:test |loso )?subject(?:[ _]?(?:name|id))?\s*[:=]\s*"
    r"['\"]?(?P<subject>[a-z]+[ ._-]*\d+|[^\s,;|'\"]+)",
    re.I,
)
_PREDICTED = re.compile(
    _BEFORE + r"(?P<best>best[ _])?(?:predicted|predictions?)(?: labels?)?" + _LIST, re.I
)
_TRUTH = re.compile(_BEFORE + r"(?:ground[ _]?truth|true labels?)" + _LIST, re.I)
_WRAPPED = re.compile(r"(?:np\.|numpy\.)?(?:u?int|float)\d+\(([^()]*)\)")
_LABEL = re.compile(r"'([^']*)'|\"([^\"]*)\"|([^\s,'\"\[\]()]+)")

BEST = (
    "`Best Predicted` is of the epoch that did best on the test subject itself, so these scores "
    "are too good; print the predictions of the last epoch instead"
)


type _List = tuple[int, list[str]]
"""Labels, after the number of the line they begin on."""


@dataclass
class _Fold:
    """What is read of one subject."""

    subject: str
    line: int
    truth: list[_List] = field(default_factory=list)
    predicted: list[_List] = field(default_factory=list)
    best: list[_List] = field(default_factory=list)


def is_console(lines: Sequence[tuple[int, str]]) -> bool:
    """Say whether lines are such a capture: it has lists of predictions and of true classes."""
    return all(
        any(form.match(line) for _, line in lines) for form in (_SUBJECT, _PREDICTED, _TRUTH)
    )


def read_console(path: Path, lines: Sequence[tuple[int, str]], benchmark: Benchmark | None) -> Log:
    """Read the samples of a capture; the clips of a subject are called 1, 2, 3, ...

    Raises:
        DataError: naming file and line, if a subject has no lists, or several, or lists of two
            lengths, or comes twice.
    """
    samples, best, unknown = [], 0, []
    first: dict[str, _Fold] = {}
    for fold in _folds(path, lines):
        database = database_of(fold.subject, benchmark)
        if database is None:
            unknown.append(fold.subject)
            database = UNKNOWN
        before = first.setdefault(subject_key(database, fold.subject), fold)
        if before is not fold:
            raise DataError(
                f"{path}, line {fold.line}: the subject {fold.subject} was in line {before.line} "
                "already; a log holds one run over all subjects, so part the runs"
            )
        _, truth = _only(path, fold, fold.truth, "Ground Truth")
        number, predicted = _only(path, fold, fold.predicted or fold.best, "Predicted")
        best += not fold.predicted
        if len(truth) != len(predicted):
            raise DataError(
                f"{path}, line {number}: the subject {fold.subject} has {len(truth)} true classes "
                f"but {len(predicted)} predictions"
            )
        samples += [
            LogSample(database, fold.subject, str(i), *labels, line=number)
            for i, labels in enumerate(zip(truth, predicted, strict=True), start=1)
        ]
    remarks = [f"the clips of {path.name} have no names there; they are numbered by subject"]
    remarks += database_remarks((fold.subject for fold in first.values()), benchmark)
    if unknown:
        remarks.append(
            f"no database spells its subjects like {unknown[0]}; --benchmark tells which it is"
        )
    if best:
        remarks.append(f"{path.name}, {best} of {len(first)} subjects: {BEST}")
    return Log(samples=tuple(samples), remarks=tuple(remarks))


def _folds(path: Path, lines: Sequence[tuple[int, str]]) -> list[_Fold]:
    folds: list[_Fold] = []
    before = 0
    rest = iter(lines)
    for number, line in rest:
        if match := _SUBJECT.match(line):
            # A logger and a print may both have said it, or every epoch.
            if not (folds and folds[-1].subject == match["subject"]):
                folds.append(_Fold(match["subject"], number))
            before = number
            continue
        for form in (_PREDICTED, _TRUTH):
            match = form.match(line)
            if match is None:
                continue
            if not folds:
                raise DataError(
                    f"{path}, line {number}: {shown(line)} comes before any line `Subject: ...`; "
                    "say first whose they are"
                )
            labels = _labels(path, number, match["list"], rest)
            fold = folds[-1]
            predicted = fold.best if form is _PREDICTED and match["best"] else fold.predicted
            own = fold.truth if form is _TRUTH else predicted
            # A logger and a print may both have said it; with anything between, it is another fold.
            if own and own[-1] == (before, labels):
                own[-1] = number, labels
            else:
                own.append((number, labels))
        before = number
    return folds


def _labels(path: Path, number: int, text: str, rest: Iterable[tuple[int, str]]) -> list[str]:
    """Return the labels of a list, an array or a tensor, which may go on in the next lines."""
    following = iter(rest)
    text = text[text.index("[") :]
    while (end := _end(text)) is None:
        line = next(following, None)
        if line is None or any(form.match(line[1]) for form in (_SUBJECT, _PREDICTED, _TRUTH)):
            raise DataError(f"{path}, line {number}: the list {shown(text)} has no end")
        text += " " + line[1]
    inside = _WRAPPED.sub(r"\1", text[:end])
    if "..." in inside:
        raise DataError(
            f"{path}, line {number}: the list {shown(text)} was shortened in printing; print it "
            "with .tolist()"
        )
    return ["".join(groups) for groups in _LABEL.findall(inside)]


def _end(text: str) -> int | None:
    """Return where the first list of a text ends, None if it does not."""
    depth = 0
    for i, letter in enumerate(text):
        depth += (letter == "[") - (letter == "]")
        if not depth:
            return i + 1
    return None


def _only(path: Path, fold: _Fold, lists: Sequence[_List], what: str) -> _List:
    if not lists or not lists[0][1]:
        raise DataError(
            f"{path}, line {fold.line}: the subject {fold.subject} has no line `{what} : [...]` "
            "with labels; if its fold was not finished, remove the subject"
        )
    if len(lists) > 1:
        raise DataError(
            f"{path}, line {lists[1][0]}: the subject {fold.subject} has another `{what}` in line "
            f"{lists[0][0]}; keep one epoch of each, under a line `Subject: ...` for each"
        )
    return lists[0]
