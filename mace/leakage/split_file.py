"""Reading a split that any code base can write: a table (CSV), or JSON; `docs/scores.md` has both.

A CSV file has a row for each sample of each side of each fold, under a header with the columns
fold, side (train, validation, test), database, subject and clip, and if known: seed, frame, source
(the clip a copy was made from), truth, prediction, image (a path beside the file), digest, hash,
normalised and chosen_on (yes for samples that entered the normalisation's statistics, or whose
score chose an epoch or a setting).

A JSON file has `samples`, a list of objects with database, subject, clip and, if known, frame,
source, truth, image, digest and hash; and `folds`, a list of objects with name, train and test and,
if known, seed, validation, chosen_on, normalised, epoch, curves and predictions. Samples are
referred to by position or by `database/subject/clip`, with `#frame` where there is one. It may also
state `scores` (uf1, uar, accuracy), `benchmark`, and `protocol: database` where one is held out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mace.errors import DataError
from mace.evaluation.logs.forms import read_log
from mace.files import decode_text
from mace.leakage.case import Case
from mace.leakage.split_json import read_json
from mace.leakage.split_table import REQUIRED, NoSplit, read_rows
from mace.protocols.benchmarks import BENCHMARKS, Benchmark
from mace.protocols.labels import named_label


def read_split(
    path: Path, *, claims: Mapping[str, float] | None = None, benchmark: str | None = None
) -> Case:
    """Read a split from a CSV or JSON file.

    Args:
        path: the file; one that begins with `{` is JSON.
        claims: reported scores, beside those that the file states.
        benchmark: the protocol the result is called after, if the file does not say.

    Raises:
        DataError: naming file and row, if something is missing, unknown or contradictory.
    """
    protocol = None if benchmark is None else BENCHMARKS.get(benchmark)
    text = _text(path, protocol)
    if text.lstrip().startswith("{"):
        case = read_json(path, text)
    else:
        try:
            case = read_rows(path, text, protocol)
        except NoSplit:
            _refuse_log(path, protocol)
            raise
    if not case.parts:
        raise DataError(f"{path} holds no fold; expected the columns {', '.join(REQUIRED)}")
    for part in case.parts:
        for side in ("train", "test"):
            if not getattr(part, side).size:
                raise DataError(
                    f"{path}: {part.where} has no {side} sample; list both sides of every fold"
                )
    benchmark = benchmark or case.benchmark
    if benchmark is not None and benchmark not in BENCHMARKS:
        raise DataError(f"{path} names the benchmark {benchmark!r}; known: {', '.join(BENCHMARKS)}")
    case = replace(case, claims={**case.claims, **(claims or {})}, benchmark=benchmark)
    for name, score in case.claims.items():
        if not 0 <= score <= 1:
            hint = f"; if it is in percent, give {score / 100:g}" if 1 < score <= 100 else ""
            raise DataError(f"the reported {name} is {score:g}, and scores are 0 to 1{hint}")
    return _named(case, () if benchmark is None else BENCHMARKS[benchmark].classes)


def _named(case: Case, classes: Sequence[str]) -> Case:
    """Return the case with one spelling of each label; integers are the benchmark's classes."""

    def name(label: str) -> str:
        return named_label(label, classes) if label else ""

    return replace(
        case,
        items=tuple(replace(item, truth=name(item.truth)) for item in case.items),
        parts=tuple(
            part
            if part.predictions is None
            else replace(part, predictions=tuple((i, name(label)) for i, label in part.predictions))
            for part in case.parts
        ),
    )


def _text(path: Path, benchmark: Benchmark | None) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    text = decode_text(data)
    if text is None:
        _refuse_log(path, benchmark)
        raise DataError(
            f"{path} is no text in UTF-8, UTF-16 or GBK; expected a split as a CSV or JSON file"
        )
    return text


def _refuse_log(path: Path, benchmark: Benchmark | None) -> None:
    """Say so where a file that is no split is a log of predictions.

    Raises:
        DataError: if it is one.
    """
    try:
        samples = read_log(path, benchmark=benchmark).samples
    except DataError:
        return
    raise DataError(
        f"{path} is a log of {len(samples)} predictions, which `mace score` reads; an audit needs "
        "to know who was trained on as well: a folder of `mace evaluate`, or a split with the "
        "columns fold and side (docs/scores.md)"
    )
