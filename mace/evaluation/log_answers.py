"""From logs of predictions to answers that can be scored: one log a seed."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mace.errors import DataError
from mace.evaluation.answers import Answers
from mace.evaluation.logs import LogSample, read_log
from mace.protocols import canonical_class, subject_key

# Integer labels above this are no classes but a column mixed up with another.
LARGEST_LABEL = 99
INTEGER = re.compile(r"[+-]?\d{1,9}(\.0+)?")


def read_answers(paths: Sequence[Path], *, classes: Sequence[str] | None = None) -> Answers:
    """Read one log for each seed of a method.

    Args:
        paths: the logs; all must hold the same samples with the same truth, in any order.
        classes: names of the classes, in the order of integer labels; taken from the logs without.

    Raises:
        DataError: naming file and line, if a log is damaged, they differ in their samples, or a
            label is none of `classes`.
    """
    if not paths:
        raise DataError("name at least one log of predictions")
    logs = [read_log(path) for path in paths]
    names, index = _classes(paths, logs, classes)
    first = {sample.name: sample for sample in logs[0]}
    predictions = []
    for path, log in zip(paths, logs, strict=True):
        found = {sample.name: sample for sample in log}
        _check_same(paths[0], first, path, found, index)
        predictions.append([index[_key(found[name].prediction)] for name in first])
    people = [subject_key(sample.database, sample.subject) for sample in logs[0]]
    subjects = tuple(sorted(set(people)))
    return Answers(
        name=Path(paths[0]).stem,
        classes=names,
        clips=tuple(first),
        subjects=subjects,
        groups=np.array([subjects.index(one) for one in people], np.int64),
        labels=np.array([index[_key(sample.truth)] for sample in logs[0]], np.int64),
        predictions=np.array(predictions, np.int64),
    )


def _classes(
    paths: Sequence[Path], logs: Sequence[Sequence[LogSample]], classes: Sequence[str] | None
) -> tuple[tuple[str, ...], dict[str, int]]:
    """Return the classes' names, and the class of each label as `_key` writes it."""
    tokens: dict[str, tuple[str, Path, int]] = {}
    for path, log in zip(paths, logs, strict=True):
        for sample in log:
            for token in (sample.truth, sample.prediction):
                tokens.setdefault(_key(token), (token, path, sample.line))
    numbers = {key: _number(key) for key in tokens if _number(key) is not None}
    if numbers and len(numbers) < len(tokens):
        name = next(key for key in tokens if key not in numbers)
        token, path, line = tokens[name]
        raise DataError(
            f"{path}, line {line}: the label {token!r} is a name, but others are integers; use one"
        )
    if classes is not None:
        keys = [canonical_class(name) for name in classes]
        known = {str(i) if numbers else key: i for i, key in enumerate(keys)}
        for key, (token, path, line) in tokens.items():
            if key not in known:
                expected = f"0 to {len(keys) - 1}" if numbers else "one of them"
                raise DataError(
                    f"{path}, line {line}: the label {token!r} is none of the {len(keys)} classes "
                    f"{', '.join(classes)}; expected {expected}"
                )
        return tuple(classes), known
    if not numbers:
        order = sorted(tokens)
        return tuple(tokens[key][0] for key in order), {key: i for i, key in enumerate(order)}
    for key, number in numbers.items():
        if number is None or not 0 <= number <= LARGEST_LABEL:
            token, path, line = tokens[key]
            raise DataError(
                f"{path}, line {line}: the label {token} is no class, expected an integer from 0 "
                f"to {LARGEST_LABEL} or a name; are the columns in order?"
            )
    count = 1 + max(int(key) for key in numbers)
    return tuple(map(str, range(count))), {str(i): i for i in range(count)}


def _check_same(
    reference: Path,
    first: dict[str, LogSample],
    path: Path,
    found: dict[str, LogSample],
    index: dict[str, int],
) -> None:
    for name, sample in found.items():
        if name not in first:
            raise DataError(
                f"{path}, line {sample.line}: the sample {name} is not in {reference}; logs of "
                "several seeds must hold the same samples, so score these one by one"
            )
        if index[_key(sample.truth)] != index[_key(first[name].truth)]:
            raise DataError(
                f"{path}, line {sample.line}: the truth of {name} is {sample.truth}, but "
                f"{first[name].truth} in line {first[name].line} of {reference}"
            )
    missing = [name for name in first if name not in found]
    if missing:
        raise DataError(
            f"{path} lacks {len(missing)} samples that {reference} holds, the first being "
            f"{missing[0]}; logs of several seeds must hold the same samples"
        )


def _key(token: str) -> str:
    """Return one spelling of a label: `1` for `1.0` and `01`, `others` for `Other`."""
    if INTEGER.fullmatch(token):
        return str(int(float(token)))
    return canonical_class(token)


def _number(key: str) -> int | None:
    return int(key) if re.fullmatch(r"-?\d+", key) else None
