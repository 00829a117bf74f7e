"""A comparison as a terminal shows it."""

from collections.abc import Sequence
from pathlib import PurePath

from mace.evaluation.comparison.comparison import ComparedRuns
from mace.evaluation.comparison.published import ALL, Elsewhere, Figures, Published
from mace.evaluation.score_text import benchmark_lines, counted, decimal, interval, print_rows
from mace.protocols.benchmarks import BENCHMARKS

# Letters of a run's name that fit beside the scores.
LABEL_WIDTH = 12
# Of a table of published results; what none of them says has no column.
HEADINGS = ("method", "UF1/UAR", "accuracy", "on CASME II", "n", "mind")


def print_comparison(result: ComparedRuns) -> None:
    """Print scores, and differences from the first run with intervals."""
    text = f"{counted(result.n, 'clip')} of {counted(result.subjects, 'subject')}"
    text += ", predicted by all"
    benchmark = result.benchmark
    if benchmark is not None and benchmark.n != benchmark.samples:
        text += f"; these are not the {benchmark.samples} of {benchmark.title}"
    print(text)
    short = _short(list(result.runs))
    for name, label in short.items():
        if label != name:
            print(f"{label}: {name}")
    rows = []
    for name, row in result.runs.items():
        ahead = row.ahead["uf1"]
        lead = "reference"
        if name != result.reference:
            lead = f"{ahead.difference:+.3f} {interval(*ahead.interval)}"
        scores = [
            f"{getattr(row, key):.3f} {interval(*row.intervals[key])}"
            for key in ("uf1", "uar", "accuracy")
        ]
        rows.append((short[name], *scores, lead, str(row.seeds)))
    print_rows(("run", "UF1", "UAR", "accuracy", "ahead in UF1", "seeds"), rows)
    for warning in result.warnings:
        print(f"warning: {warning}")
    for name, row in result.runs.items():
        for line in benchmark_lines(row.benchmark):
            print(line if line.startswith("  ") else f"{short[name]}: {line}")


def print_published(results: Sequence[Published]) -> None:
    """Print published results, one table for each benchmark, with what is known of them."""
    for benchmark in dict.fromkeys(result.benchmark for result in results):
        print(f"\npublished on {BENCHMARKS[benchmark].title}; this command has made none of it")
        own = [result for result in results if result.benchmark == benchmark]
        rows = []
        for result in own:
            full, part = result.parts.get(ALL, Figures()), result.parts.get("casme2", Figures())
            rows.append(
                (
                    result.method,
                    _pair(full),
                    decimal(full.accuracy),
                    _pair(part),
                    "?" if result.n is None else str(result.n),
                    "; ".join(result.remarks),
                )
            )
        columns = zip(HEADINGS, *rows, strict=True)
        known = [column for column in columns if set(column[1:]) != {"-"}]
        headings, *rows = zip(*known, strict=True)
        print_rows(headings, rows, words="mind")
        _print_sources(own)


def print_elsewhere(results: Sequence[Elsewhere]) -> None:
    """Print results of other kinds, one table for each protocol, with what is known of them."""
    for protocol in dict.fromkeys(result.protocol for result in results):
        print(f"\npublished on {protocol}; this command has made none of it")
        own = [result for result in results if result.protocol == protocol]
        rows = [
            (
                result.method,
                ", ".join(f"{name} {value:.4f}" for name, value in result.figures.items()) or "-",
                "?" if result.n is None else str(result.n),
                "; ".join(result.remarks),
            )
            for result in own
        ]
        print_rows(("method", "scores", "n", "mind"), rows, words="mind")
        _print_sources(own)


def _print_sources(results: Sequence[Published | Elsewhere]) -> None:
    """Print where results were seen and what else is known of them, equal lines once."""
    lines: dict[str, list[str]] = {}
    for result in results:
        lines.setdefault(result.seen, []).append(result.method)
    for line, methods in lines.items():
        print(f"  {', '.join(methods)}: {line}")


def _short(names: Sequence[str]) -> dict[str, str]:
    """The ends of paths that tell them apart, or numbers where those are too long for a table."""
    paths = [PurePath(name) for name in names]
    labels, parts = list(names), 1
    while parts <= max(len(path.parts) for path in paths):
        labels = [str(PurePath(*path.parts[-parts:])) for path in paths]
        if len(set(labels)) == len(labels):
            break
        parts += 1
    if max(map(len, labels)) > LABEL_WIDTH:
        labels = [f"run {i}" for i in range(1, len(names) + 1)]
    return dict(zip(names, labels, strict=True))


def _pair(figures: Figures) -> str:
    if figures.uf1 is None and figures.uar is None:
        return "-"
    text = f"{decimal(figures.uf1)}/{decimal(figures.uar)}"
    return text if figures.true_uar is None else f"{text} (UAR {decimal(figures.true_uar)})"
