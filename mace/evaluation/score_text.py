"""The scores of one method as a terminal shows them; plain text where there is no terminal."""

import math
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table

from mace.adaptation.config import Window
from mace.adaptation.convention import CONVENTIONS
from mace.evaluation.config import NETWORK
from mace.evaluation.method_scores import BenchmarkCounts, MethodScores
from mace.evaluation.results import Evaluation, Leak

# Wide enough for every column where there is no terminal to ask.
PLAIN_WIDTH = 120
# Columns of a terminal that a column takes beside its text.
MARGIN = 3

_INTERVAL = re.compile(r" \[([0-9.-]+), ([0-9.-]+)\]")

HEADINGS: Mapping[str, str] = {
    "uf1": "UF1",
    "uar": "UAR",
    "accuracy": "accuracy",
    "macro_precision": "macro-precision",
    "weighted_f1": "weighted F1",
}


def print_scores(
    scores: MethodScores,
    benchmark: BenchmarkCounts | None = None,
    *,
    file: TextIO | None = None,
) -> None:
    """Print every score of a method, and its counts against a protocol's."""
    stream = file or sys.stdout
    seeds = len(scores.confusion_per_seed)
    print(
        f"{counted(scores.n, 'sample')} of {counted(scores.subjects, 'subject')}"
        + (f", mean of {seeds} seeds" if seeds > 1 else ""),
        file=stream,
    )
    rows = []
    for name, heading in HEADINGS.items():
        low, high = scores.intervals.get(name, (None, None))
        rows.append((heading, decimal(getattr(scores, name)), interval(low, high)))
    print_rows(("score", "value", "95 % interval"), rows, file=stream)
    print_rows(
        ("class", "precision", "recall", "F1", "n"),
        [
            (
                name,
                *map(decimal, (figures.precision, figures.recall, figures.f1)),
                str(figures.support),
            )
            for name, figures in scores.per_class.items()
        ],
        file=stream,
    )
    parts = scores.per_database
    if len(parts) > 1:
        print_rows(
            ("database", *HEADINGS.values(), "n", "subjects"),
            [
                (
                    name,
                    *(decimal(getattr(part, key)) for key in HEADINGS),
                    str(part.n),
                    str(part.subjects),
                )
                for name, part in parts.items()
            ],
            file=stream,
        )
    names = scores.classes
    print_rows(
        ("truth \\ prediction", *names),
        [(name, *map(str, row)) for name, row in zip(names, scores.confusion, strict=True)],
        file=stream,
    )
    for line in benchmark_lines(benchmark):
        print(line, file=stream)


def benchmark_lines(benchmark: BenchmarkCounts | None) -> list[str]:
    """Return n against the protocol's, and each deviation, as lines."""
    if benchmark is None:
        return []
    head = f"{benchmark.title}: n = {benchmark.n} of {benchmark.samples}"
    if not benchmark.deviations:
        return [f"{head}, every count as in the protocol"]
    return [
        f"{head}; not comparable without saying so:",
        *(f"  - {deviation}" for deviation in benchmark.deviations),
    ]


def fitted_windows(evaluation: Evaluation) -> list[Mapping[str, Sequence[float]]]:
    """Return what was chosen in each fold (`WindowFit.figures`), if anything."""
    network = evaluation.methods[NETWORK]
    folds = network.histories.get(network.seeds[0], {})
    return [figures for figures in folds.values() if "windows" in figures]


def best_windows(evaluation: Evaluation) -> list[Window]:
    """Return the best window of each fold, each once."""
    windows = set()
    for figures in fitted_windows(evaluation):
        left, top, right, bottom = figures["windows"][:4]
        windows.add((left, top, right, bottom))
    return sorted(windows)


def adaptation_lines(evaluation: Evaluation) -> list[str]:
    """Return which windows a pre-trained network was shown in how many folds, and warnings."""
    chosen = fitted_windows(evaluation)
    if not chosen:
        return []
    counts = Counter((tuple(f["windows"][:4]), int(f["convention"][0])) for f in chosen)
    lines = []
    for ((left, top, right, bottom), convention), count in counts.most_common(3):
        line = (
            f"best window in {count} of {len(chosen)} folds: rows {top:.2f} to {bottom:.2f}, "
            f"columns {left:.2f} to {right:.2f} of the images"
        )
        if convention:
            line += f"; channels taken for {CONVENTIONS[convention]}, look at how they were made"
        lines.append(line)
    averaged = max(len(f["windows"]) // 4 for f in chosen)
    if averaged > 1:
        lines.append(f"predictions are means over the {averaged} best windows of each fold")
    if any(f["edge"][0] for f in chosen):
        lines.append("a window at the edge of what was tried was best: look at the images")
    if all(f["flat"][0] for f in chosen):
        lines.append("all windows were about as good: the choice means little")
    return lines


def print_leaks(rows: Sequence[Leak], *, file: TextIO | None = None) -> None:
    """Print the scores that are wrong on purpose, under a line that says so."""
    print("\nWRONG ON PURPOSE: what the usual leaks make of this recipe; do not quote", file=file)
    shown = []
    for row in rows:
        gain = "" if row.inflation is None else f"{row.inflation.uf1:+.3f}"
        name = row.name + ("" if row.honest else " (wrong)")
        figures = [decimal(value, 3) for value in (row.uf1, row.uar, row.accuracy)]
        shown.append((name, *figures, str(row.n), gain))
    headings = ("way of evaluating", "UF1", "UAR", "accuracy", "n", "UF1 gained by the leak")
    print_rows(headings, shown, file=file)


def print_rows(
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    words: str = "",
    file: TextIO | None = None,
) -> None:
    """Print a table of figures; its first column, and that of the heading `words`, is text."""
    stream = file or sys.stdout
    terminal = stream.isatty()
    console = Console(file=stream, width=None if terminal else PLAIN_WIDTH, highlight=False)
    lines = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(headings, *lines, strict=True)]
    # In a narrow terminal an interval goes below its score, whole, instead of being cut.
    narrow = terminal and sum(widths) + MARGIN * len(widths) > console.width
    if narrow:
        lines = [[_INTERVAL.sub(r"\n[\1,\2]", cell) for cell in line] for line in lines]
    table = Table(box=box.SIMPLE_HEAD if terminal else box.ASCII2, pad_edge=not narrow)
    for i, heading in enumerate(headings):
        figures = i > 0 and heading != words
        table.add_column(
            _literal(heading),
            justify="right" if figures else "left",
            no_wrap=figures != narrow and heading != words,
            overflow="fold",
        )
    for line in lines:
        table.add_row(*map(_literal, line))
    console.print(table)


def counted(number: int, noun: str) -> str:
    """Return a number and what it counts, in the plural but for 1."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def decimal(value: float | None, digits: int = 4) -> str:
    """Return a score with a fixed number of digits, or a dash for none."""
    return "-" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def interval(low: float | None, high: float | None) -> str:
    """Return an interval in brackets, or nothing."""
    return "" if low is None or high is None else f"[{low:.3f}, {high:.3f}]"


def _literal(text: str) -> str:
    return text.replace("[", "\\[")
