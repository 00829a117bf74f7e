"""`mace compare`: results side by side, and beside the published numbers of the field."""

import json
from pathlib import Path
from typing import Annotated, Any

import tyro

from mace.errors import ConfigError
from mace.protocols.benchmarks import BENCHMARKS, BenchmarkName
from mace.protocols.counts import likely_benchmark


def run(
    runs: Annotated[tuple[Path, ...], tyro.conf.Positional],
    benchmark: BenchmarkName | None = None,
    published: bool = True,
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Compare runs with the first of them by a paired bootstrap over subjects.

    A run is a folder that `mace evaluate` left, or a log of predictions that any tool wrote. Only
    clips that all have answered are compared, however each spells their names; how many stands
    beside the scores. Published numbers are listed with what is known to be wrong with them.

    Args:
        runs: folders or logs, the reference first; without any, the published numbers alone.
        benchmark: whose published numbers to list; by default that of the runs' databases and
            classes.
        published: list the published numbers.
        as_json: print one JSON object instead of the tables.
    """
    if len(set(runs)) != len(runs):
        raise ConfigError("a run is named twice; name each once")
    if not runs and not published:
        raise ConfigError("there is nothing to compare; name at least one run")

    from mace.evaluation.comparison import compare, open_answers, published_rows
    from mace.evaluation.comparison_text import print_comparison, print_published
    from mace.evaluation.published import published_results

    chosen = BENCHMARKS[benchmark] if benchmark is not None else None
    answers = {}
    # Folders first: they know the names of the classes that a log may call 0, 1, 2.
    classes = None if chosen is None else chosen.classes
    for path in sorted(runs, key=lambda path: not path.is_dir()):
        answers[path] = opened = open_answers(path, classes=classes, benchmark=chosen)
        if chosen is None:
            chosen = likely_benchmark(opened.people, opened.classes)
            # Without a folder the protocol names them, also those of the log that told it.
            if chosen is not None and not path.is_dir() and classes is None:
                classes = chosen.classes
                answers[path] = open_answers(path, classes=classes, benchmark=chosen)
        classes = classes or (opened.classes if path.is_dir() else None)
    answers = {str(path): answers[path] for path in runs}
    result: dict[str, Any] = {"runs": {}, "warnings": []}
    if answers:
        result = compare(answers, benchmark=chosen)
    entries = published_results(chosen.name if chosen else None) if published else []
    result["published"] = published_rows(entries) if chosen or not runs else []
    if as_json:
        print(json.dumps(result, indent=2, ensure_ascii=False))
        return
    if runs:
        print_comparison(result)
    if result["published"]:
        print_published(entries)
    elif published:
        print("no published numbers are known for these databases and classes")
