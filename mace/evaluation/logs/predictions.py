"""From logs to predictions that can be scored: one log a seed."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mace.errors import DataError
from mace.evaluation.logs.forms import read_log
from mace.evaluation.logs.sample import LogSample
from mace.evaluation.predictions import Predictions
from mace.protocols.benchmarks import Benchmark
from mace.protocols.labels import label_key, label_number
from mace.protocols.names import subject_key

# Integer labels above this are no classes but a column mixed up with another.
LARGEST_LABEL = 99


def predictions_from_logs(
    paths: Sequence[Path],
    *,
    classes: Sequence[str] | None = None,
    benchmark: Benchmark | None = None,
) -> Predictions:
    """Read one log for each seed of a method, or the long table that holds all.

    Args:
        paths: the logs; all must hold the same samples with the same truth, in any order.
        classes: names of the classes, in the order of integer labels; taken from the logs without.
        benchmark: tells the database of a subject where a log does not.

    Raises:
        DataError: naming file and line, if a log is damaged, they differ in their samples, or a
            label is none of `classes`.
    """
    if not paths:
        raise DataError("name at least one log of predictions")
    read = [read_log(path, benchmark=benchmark) for path in paths]
    seeds: dict[tuple[Path, str], list[LogSample]] = {}
    for path, log in zip(paths, read, strict=True):
        for sample in log.samples:
            seeds.setdefault((path, sample.seed), []).append(sample)
    paths, logs = [path for path, _ in seeds], list(seeds.values())
    names, index = _classes(paths, logs, classes)
    first = {sample.key: sample for sample in logs[0]}
    predicted = []
    for path, log in zip(paths, logs, strict=True):
        samples = {sample.key: sample for sample in log}
        _check_same(paths[0], first, path, samples, index)
        predicted.append([index[label_key(samples[key].prediction)] for key in first])
    # People by their key, under the first spelling of each.
    keys = [subject_key(sample.database, sample.subject) for sample in logs[0]]
    people: dict[str, str] = {}
    for key, sample in zip(keys, logs[0], strict=True):
        people.setdefault(key, f"{sample.database}/{sample.subject}")
    order = sorted(people, key=people.__getitem__)
    return Predictions(
        name=Path(paths[0]).stem,
        classes=names,
        clips=tuple(sample.name for sample in logs[0]),
        subjects=tuple(people[key] for key in order),
        groups=np.array([order.index(key) for key in keys], np.int64),
        labels=np.array([index[label_key(sample.truth)] for sample in logs[0]], np.int64),
        predicted=np.array(predicted, np.int64),
        remarks=tuple(dict.fromkeys(remark for log in read for remark in log.remarks)),
    )


def _classes(
    paths: Sequence[Path], logs: Sequence[Sequence[LogSample]], classes: Sequence[str] | None
) -> tuple[tuple[str, ...], dict[str, int]]:
    """Return the classes' names, and the class of each label as `_key` writes it."""
    tokens: dict[str, tuple[str, Path, int]] = {}
    for path, log in zip(paths, logs, strict=True):
        for sample in log:
            for token in (sample.truth, sample.prediction):
                tokens.setdefault(label_key(token), (token, path, sample.line))
    numbers = {key: n for key in tokens if (n := label_number(key)) is not None}
    if numbers and len(numbers) < len(tokens):
        name = next(key for key in tokens if key not in numbers)
        token, path, line = tokens[name]
        raise DataError(
            f"{path}, line {line}: the label {token!r} is a name, but others are integers; use one"
        )
    if classes is not None:
        keys = [label_key(name) for name in classes]
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
        if not 0 <= number <= LARGEST_LABEL:
            token, path, line = tokens[key]
            raise DataError(
                f"{path}, line {line}: the label {token} is no class, expected an integer from 0 "
                f"to {LARGEST_LABEL} or a name; are the columns in order?"
            )
    count = 1 + max(numbers.values())
    return tuple(map(str, range(count))), {str(i): i for i in range(count)}


def _check_same(
    reference: Path,
    first: Mapping[str, LogSample],
    path: Path,
    samples: Mapping[str, LogSample],
    index: Mapping[str, int],
) -> None:
    for key, sample in samples.items():
        if key not in first:
            raise DataError(
                f"{path}, line {sample.line}: the sample {sample.name} is not in {reference}; logs "
                "of several seeds must hold the same samples, so score these one by one"
            )
        if index[label_key(sample.truth)] != index[label_key(first[key].truth)]:
            raise DataError(
                f"{path}, line {sample.line}: the truth of {sample.name} is {sample.truth}, but "
                f"{first[key].truth} in line {first[key].line} of {reference}"
            )
    missing = [sample.name for key, sample in first.items() if key not in samples]
    if missing:
        raise DataError(
            f"{path} lacks {len(missing)} samples that {reference} holds, the first being "
            f"{missing[0]}; logs of several seeds must hold the same samples"
        )
