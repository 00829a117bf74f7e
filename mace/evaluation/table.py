"""The headline table: every method on its input, in a terminal and in the report alike."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TextIO

from rich import box
from rich.console import Console
from rich.table import Table

from mace.evaluation.results import Evaluation
from mace.evaluation.summary import MethodSummary, Summary

if TYPE_CHECKING:
    import pandas as pd

    from mace.evaluation.action_units import UnitScores

# Wide enough for every column where there is no terminal to ask.
PLAIN_WIDTH = 132

METHOD_NAMES: Mapping[str, str] = {
    "logistic_regression": "Logistic regression",
    "svm": "SVM (RBF kernel)",
    "kernel_ridge": "Kernel ridge (RBF)",
    "bi_woof": "Bi-WOOF (linear SVM)",
    "lbp_top": "LBP-TOP (linear SVM)",
    "informed_ridge": "Kernel ridge and pre-trained network",
    "majority": "Majority class",
}


@dataclass(frozen=True, kw_only=True)
class Score:
    """A score in [0, 1] with its interval.

    Attributes:
        value: the score.
        low: lower end of the interval.
        high: upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """One method's line of the headline table.

    Attributes:
        name: what the table calls the method.
        network: whether it is a network, and no baseline.
        uf1: unweighted F1.
        uar: unweighted average recall.
        accuracy: share of clips named rightly.
        n: number of clips.
        seeds: number of seeds.
    """

    name: str
    network: bool
    uf1: Score
    uar: Score
    accuracy: Score
    n: int
    seeds: int


def headline_rows(evaluations: Sequence[Evaluation], summaries: Sequence[Summary]) -> list[Row]:
    """Return the networks first, then the baselines of each input, the majority class once."""
    networks, baselines, majority = [], [], []
    for evaluation, summary in zip(evaluations, summaries, strict=True):
        networks.append(_row(evaluation.title, summary, network=True))
        for method, result in summary.baselines.items():
            name = str(METHOD_NAMES.get(method, method))
            if method == "majority":
                majority.append((evaluation.title, _row(name, result, network=False)))
            else:
                # Of all baselines this one looks at the clips' frames, whatever the others see.
                seen = "frames" if method == "lbp_top" else evaluation.motion["representation"]
                name = f"{name}, {seen}"
                baselines.append(_row(name, result, network=False))
    # The majority class looks at no input: of equal rows one is enough. Other folds have another.
    alone = len({row for _, row in majority}) == 1
    rows = [row if alone else replace(row, name=f"{row.name}, {of}") for of, row in majority]
    return networks + baselines + list(dict.fromkeys(rows))


def print_table(rows: Sequence[Row], *, file: TextIO | None = None) -> None:
    """Print the headline table; plain text where `file` (standard output) is no terminal."""
    stream = file or sys.stdout
    terminal = stream.isatty()
    console = Console(file=stream, width=None if terminal else PLAIN_WIDTH, highlight=False)
    table = Table(box=box.SIMPLE_HEAD if terminal else box.ASCII2, title_justify="left")
    table.add_column("method", no_wrap=True)
    for heading in ("UF1", "UAR", "accuracy", "n", "seeds"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        scores = [
            f"{score.value:.3f} [{score.low:.3f}, {score.high:.3f}]".replace("[", "\\[")
            for score in (row.uf1, row.uar, row.accuracy)
        ]
        style = "bold" if row.network and terminal else None
        table.add_row(row.name, *scores, str(row.n), str(row.seeds), style=style)
    console.print(table)


def print_text_table(
    heading: Sequence[str], rows: Sequence[Sequence[str]], *, file: TextIO | None = None
) -> None:
    """Print rows of text; no line is cut where `file` (standard output) is no terminal."""
    stream = file or sys.stdout
    terminal = stream.isatty()
    console = Console(file=stream, width=None if terminal else 2 * PLAIN_WIDTH, highlight=False)
    table = Table(box=box.SIMPLE_HEAD if terminal else box.ASCII2)
    for name in heading:
        table.add_column(name)
    for row in rows:
        table.add_row(*(cell.replace("[", "\\[") for cell in row))
    console.print(table)


def print_units(scores: "UnitScores", *, file: TextIO | None = None) -> None:
    """Print how many clips show each unit and every score; then those of each database."""
    _print_scores(scores.units, "unit", file=file)
    if scores.databases is not None:
        _print_scores(scores.databases, "database", file=file)


def _print_scores(rows: "pd.DataFrame", first: str, *, file: TextIO | None) -> None:
    stream = file or sys.stdout
    terminal = stream.isatty()
    console = Console(file=stream, width=None if terminal else PLAIN_WIDTH, highlight=False)
    table = Table(box=box.SIMPLE_HEAD if terminal else box.ASCII2)
    scores = [str(name) for name in rows.columns if name not in (first, "clips", "of")]
    table.add_column(first, no_wrap=True)
    for heading in ("clips", *scores):
        table.add_column(_heading(heading), justify="right")
    for row in rows.to_dict("records"):
        clips = f"{row['clips']:.0f}"
        if "of" in row and row["of"] == row["of"]:  # the mean is of no number of clips
            clips += f"/{row['of']:.0f}"
        table.add_row(row[first], clips, *(f"{row[name]:.3f}" for name in scores))
    console.print(table)


def _heading(score: str) -> str:
    method, _, name = score.rpartition(" ")
    return f"{METHOD_NAMES.get(method, method)} {name.upper()}".strip() if method else score


def _row(name: str, result: MethodSummary, *, network: bool) -> Row:
    def score(key: str) -> Score:
        low, high = result.intervals[key]
        return Score(value=getattr(result, key), low=low, high=high)

    return Row(
        name=name,
        network=network,
        uf1=score("uf1"),
        uar=score("uar"),
        accuracy=score("accuracy"),
        n=result.n,
        seeds=len(result.seeds),
    )
