"""The page of the zoo, written by `mace zoo --page`: what is known, and what has been measured."""

from collections.abc import Mapping, Sequence
from typing import Any

import jinja2

from mace.evaluation.zoo.results import Result, verdict
from mace.evaluation.zoo.rows import EVALUATED, HEADINGS, LEGEND, listed, network_rows, title_of

MEASURED = (
    "network", "images", "weights", "epochs", "seeds", "UF1", "UAR", "kernel ridge, UF1",
    "ahead of it", "", "seconds", "code",
)  # fmt: skip
"""Headings of what was measured."""


def zoo_page(results: Sequence[Result], *, command: str) -> str:
    """Return the page in Markdown; figures are those of `results` and of the published sources.

    Args:
        results: what was measured.
        command: that writes the page from them.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("mace.evaluation.zoo", ""),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    tables: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        tables.setdefault((result.dataset, result.folds), []).append(result)
    return environment.get_template("page.md.j2").render(
        command=command,
        networks=network_rows(),
        legend=LEGEND,
        tables=tables.values(),
        table=_of_networks,
        measured=_of_results,
        missing=_missing,
    )


def measured_row(result: Result) -> list[str]:
    """Return what the table says of a result, by `MEASURED`."""
    return [
        result.network if ":" in result.network else title_of(result.network),
        f"{result.size} px" if result.size else "frames",
        f"{result.weights:,}" if result.weights else "",
        str(result.epochs or ""),
        str(result.seeds),
        f"{result.uf1:.3f} [{result.uf1_low:.3f}, {result.uf1_high:.3f}]",
        f"{result.uar:.3f} [{result.uar_low:.3f}, {result.uar_high:.3f}]",
        f"{result.ridge_uf1:.3f}",
        f"{result.ahead:+.3f} [{result.ahead_low:+.3f}, {result.ahead_high:+.3f}]",
        verdict(result),
        f"{result.seconds:.0f}",
        ", ".join(part[:9] for part in result.revision.split(", ")),
    ]


def _missing(results: Sequence[Result]) -> list[str]:
    """Return the names of the rows that a table lacks; kernel ridge stands beside each."""
    there = {result.network for result in results}
    return [name for name in EVALUATED if name not in there]


def _of_networks(rows: Sequence[Mapping[str, Any]]) -> str:
    return _table(HEADINGS, [listed(row) for row in rows])


def _of_results(results: Sequence[Result]) -> str:
    return _table(MEASURED, [measured_row(result) for result in results])


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
