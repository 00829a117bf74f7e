"""`mace compare`: results side by side, and beside the published numbers of the field."""

import json
from pathlib import Path
from typing import Annotated

import tyro

from mace.protocols.benchmarks import BenchmarkName


def run(
    runs: Annotated[tuple[Path, ...], tyro.conf.Positional],
    benchmark: BenchmarkName | None = None,
    published: bool = True,
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Compare runs with the first of them by a paired bootstrap over subjects.

    A run is a folder that `mace evaluate` left, or a log of predictions that any tool wrote. Only
    clips that all have predicted are compared, however each spells their names; how many stands
    beside the scores. Published numbers are listed with what is known to be wrong with them.

    Args:
        runs: folders or logs, the reference first; without any, the published numbers alone.
        benchmark: whose published numbers to list; by default that of the runs' databases and
            classes, or all without any run.
        published: list the published numbers.
        as_json: print one JSON object instead of the tables.
    """
    from mace.evaluation.comparison.comparison import published_rows
    from mace.evaluation.comparison.text import print_comparison, print_elsewhere, print_published
    from mace.evaluation.method_scores import figures_json
    from mace.evaluation.scoring import compare

    result = compare(*runs, benchmark=benchmark, published=published)
    if as_json:
        compared = {"runs": {}} if result.figures is None else figures_json(result.figures)
        published_numbers = {"published": published_rows(result.published)}
        if result.elsewhere:
            published_numbers["elsewhere"] = published_rows(result.elsewhere)
        print(json.dumps(compared | published_numbers, indent=2, ensure_ascii=False))
        return
    if result.figures is not None:
        print_comparison(result.figures)
    if result.published:
        print_published(result.published)
    if result.elsewhere:
        print_elsewhere(result.elsewhere)
    elif published and not result.published:
        print(
            "no published numbers are known of these databases, classes and folds; `mace compare` "
            "alone lists all others"
        )
