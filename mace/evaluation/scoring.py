"""Scores of predictions, and results side by side: of arrays, logs and runs alike."""

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mace.errors import ConfigError
from mace.evaluation.arrays import predictions_from_arrays
from mace.evaluation.comparison.comparison import (
    ComparedRuns,
    compare_predictions,
    load_predictions,
)
from mace.evaluation.comparison.published import (
    Elsewhere,
    Published,
    published_elsewhere,
    published_results,
)
from mace.evaluation.logs.predictions import predictions_from_logs
from mace.evaluation.method_scores import SCORES, against, describe
from mace.evaluation.predictions import Predictions
from mace.evaluation.scores import Scores
from mace.protocols.benchmarks import Benchmark, BenchmarkName, class_benchmark, find_benchmark
from mace.protocols.counts import likely_benchmark

if TYPE_CHECKING:
    import pandas as pd

type Log = str | PathLike[str]
type Run = Log | Scores


def score(
    truth: Any,
    predicted: Any = None,
    groups: Any = None,
    *,
    clips: Sequence[str] | None = None,
    benchmark: BenchmarkName | None = None,
    classes: Sequence[str] = (),
) -> Scores:
    """Return the field's scores of predictions, of arrays or of the log that any tool wrote.

    Args:
        truth: (n,) labels of any kind; or a log of predictions, or one for each seed (the forms
            that `mace score` reads).
        predicted: (n,), or (s, n) of s seeds; None where `truth` is a log.
        groups: (n,) the person of each; without it the intervals draw single clips.
        clips: (n,) their names, to compare them with other results; by default their positions.
        benchmark: a protocol, whose number of samples a log is compared with and whose classes
            name its integer labels; by default the one with the log's databases and classes.
        classes: names of a log's integer labels, in their order.

    Raises:
        ConfigError: for a log with predictions, or both `benchmark` and `classes`.
        DataError: naming file and line, if a log is damaged; for arrays of other shapes.

    Examples:
        >>> import mace
        >>> scores = mace.score([0, 0, 1, 1], [0, 0, 1, 0], groups=["a", "b", "a", "b"])
        >>> round(scores.uf1, 3), scores.uar
        (0.733, 0.75)
    """
    if predicted is not None:
        predictions = predictions_from_arrays(truth, predicted, groups, clips=clips)
        return Scores(describe(predictions), predictions)
    if groups is not None:
        raise ConfigError("a log names its people itself; leave out groups, or give predictions")
    if benchmark is not None and classes:
        raise ConfigError("benchmark names the classes already; leave out classes")
    logs = [Path(log) for log in ([truth] if isinstance(truth, str | PathLike) else truth)]
    chosen: Benchmark | None = None if benchmark is None else class_benchmark(benchmark)
    names = chosen.classes if chosen is not None else classes or None
    predictions = predictions_from_logs(logs, classes=names, benchmark=chosen)
    if chosen is None:
        chosen = likely_benchmark(predictions.people, predictions.classes)
        if chosen is not None and set(predictions.classes) != set(chosen.classes):
            # Integers or another order: read again under the protocol's names.
            predictions = predictions_from_logs(logs, classes=chosen.classes)
    counts = None if chosen is None else against(chosen, predictions)
    return Scores(describe(predictions), predictions, benchmark=counts)


class Comparison:
    """Results side by side, on the clips that all have predicted.

    Attributes:
        figures: scores of each run and differences; None of the published numbers alone.
        published: the published numbers of the same databases and classes.
        elsewhere: those that no such benchmark has, of spotting or of several labels to a clip;
            without any run only.
    """

    def __init__(
        self,
        figures: ComparedRuns | None,
        published: Sequence[Published],
        elsewhere: Sequence[Elsewhere] = (),
    ) -> None:
        self.figures = figures
        self.published, self.elsewhere = tuple(published), tuple(elsewhere)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the table must know, in sentences."""
        return () if self.figures is None else self.figures.warnings

    def table(self) -> "pd.DataFrame":
        """Return a row for each run: scores, and the lead in UF1 over the first with its interval.

        The interval is that of a paired bootstrap over people: one that holds 0 says that these
        people cannot tell the two apart.
        """
        import pandas as pd

        rows = {}
        for name, run in ({} if self.figures is None else self.figures.runs).items():
            lead = run.ahead["uf1"]
            rows[name] = {key: getattr(run, key) for key in SCORES} | {
                "ahead": lead.difference,
                "ahead_low": lead.interval.low,
                "ahead_high": lead.interval.high,
                "seeds": run.seeds,
            }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("run")

    def __repr__(self) -> str:
        return "\n".join([self.table().to_string(float_format="{:.3f}".format), *self.warnings])

    def _repr_html_(self) -> str:
        remarks = "".join(f"<p>{warning}</p>" for warning in self.warnings)
        return self.table().to_html(float_format="{:.3f}".format) + remarks


def compare(
    *runs: Run | Mapping[str, Run],
    benchmark: BenchmarkName | None = None,
    published: bool = True,
) -> Comparison:
    """Compare results with the first of them by a paired bootstrap over people.

    Only clips that all have predicted are compared, however each spells their names.

    Args:
        runs: folders that `mace evaluate` left, logs of predictions, what `mace.cross_validate` or
            `mace.score` returned; or a mapping of such by the name to show. Without any, the
            published numbers alone.
        benchmark: whose published numbers to list; by default that of the runs' databases and
            classes, or all without any run.
        published: whether to list published numbers.

    Raises:
        ConfigError: if there is nothing to compare, or a run is named twice; for runs under a
            benchmark of several labels to a clip.
        DataError: if the runs have no clip in common, or other classes.

    Examples:
        >>> import mace
        >>> truth, people = [0, 1, 0, 1], ["a", "a", "b", "b"]
        >>> ours = mace.score(truth, [0, 1, 0, 1], people)
        >>> theirs = mace.score(truth, [0, 1, 1, 1], people)
        >>> mace.compare({"ours": ours, "theirs": theirs}).table()["accuracy"].tolist()
        [1.0, 0.75]
    """
    named = _named(runs)
    if not named:
        if not published:
            raise ConfigError("there is nothing to compare; name at least one run")
        if benchmark is not None:
            find_benchmark(benchmark)  # which refuses a name that none has
        return Comparison(None, published_results(benchmark), published_elsewhere(benchmark))
    chosen = class_benchmark(benchmark) if benchmark is not None else None
    predictions: dict[str, Predictions] = {}
    # Folders first: they know the names of the classes that a log may call 0, 1, 2.
    classes = None if chosen is None else chosen.classes
    for name, run in sorted(named.items(), key=lambda item: _is_log(item[1])):
        predictions[name] = opened = _opened(run, classes, chosen)
        if chosen is None:
            chosen = likely_benchmark(opened.people, opened.classes)
            # Without a folder the protocol names them, also those of the log that told it.
            if chosen is not None and _is_log(run) and classes is None:
                classes = chosen.classes
                predictions[name] = _opened(run, classes, chosen)
        classes = classes or (None if _is_log(run) else opened.classes)
    figures = compare_predictions({name: predictions[name] for name in named}, benchmark=chosen)
    return Comparison(figures, published_results(chosen.name) if chosen and published else ())


def _named(runs: Sequence[Run | Mapping[str, Run]]) -> dict[str, Run]:
    named: dict[str, Run] = {}
    for run in runs:
        if isinstance(run, Mapping):
            entries = dict(run)
        else:
            entries = {run.name if isinstance(run, Scores) else str(run): run}
        for name, entry in entries.items():
            if name in named:
                raise ConfigError(
                    f"{name} is named twice; name each run once, or give a mapping of names to runs"
                )
            named[name] = entry
    return named


def _is_log(run: Run) -> bool:
    return not isinstance(run, Scores) and not Path(run).is_dir()


def _opened(run: Run, classes: Sequence[str] | None, benchmark: Benchmark | None) -> Predictions:
    if isinstance(run, Scores):
        return run.arrays
    return load_predictions(Path(run), classes=classes, benchmark=benchmark)
