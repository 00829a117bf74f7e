"""Scores of anybody's spotted intervals, from the files that the Grand Challenge asks for."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mace.errors import DataError
from mace.spotting.measures import Counts, score
from mace.spotting.megc_reading import read_log, read_videos


def score_log(path: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the figures of a log of MEGC 2020, by data set and over all, and remarks on it.

    It does not say which of its intervals are micro-expressions.

    Raises:
        DataError: naming file and line; also for a table, which has no true intervals.
    """
    if path.suffix.casefold() == ".csv":
        raise DataError(
            f"{path} has spotted intervals and no true ones; name the file of those with --truth"
        )
    log = read_log(path)
    figures = {name or "all": {"all": _figures(counts)} for name, counts in log.counts.items()}
    if len(figures) > 1:
        figures["pooled"] = {"all": _figures(sum(log.counts.values(), Counts()))}
    return figures, log.remarks


def score_table(
    spotted: Path, truth: Path, *, classes: Sequence[str] = ()
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the figures of a table of spotted intervals against one of true ones, and remarks.

    Args:
        spotted: what was spotted.
        truth: what the annotators say.
        classes: those that are analysed; all that occur, if there are none.

    Raises:
        DataError: naming file and line, if a table is missing or damaged, or nothing is true.
    """
    videos, remarks = read_videos(spotted, truth, classes=[name.casefold() for name in classes])
    scores = score(videos)
    figures: dict[str, Any] = {kind: _figures(scores.by_kind[kind]) for kind in scores.kinds}
    if len(scores.kinds) > 1:
        figures["all"] = _figures(scores.spotting)
    if scores.analysis.pairs and any(i.label for video in videos for i in video.spotted):
        figures["analysis"] = {
            "analysed": scores.analysis.pairs,
            "precision": round(scores.analysis.precision, 4),
            "recall": round(scores.analysis.recall, 4),
            "f1": round(scores.analysis.f1, 4),
            "uf1": round(scores.analysis.uf1, 4),
            "strs": round(scores.strs, 4),
        }
    return {"all": figures}, remarks


def _figures(counts: Counts) -> dict[str, Any]:
    return {
        "hits": counts.hits,
        "false_alarms": counts.false_alarms,
        "misses": counts.misses,
        "precision": round(counts.precision, 4),
        "recall": round(counts.recall, 4),
        "f1": round(counts.f1, 4),
    }


def text(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """Return figures as lines of text."""
    lines = [
        f"{'':<14} {'':<6} {'TP':>6} {'FP':>6} {'FN':>6} {'precision':>9} {'recall':>7} {'F1':>6}"
    ]
    for name, kinds in figures.items():
        for kind, row in kinds.items():
            if kind == "analysis":
                continue
            lines.append(
                f"{name:<14} {kind:<6} {row['hits']:>6} {row['false_alarms']:>6} "
                f"{row['misses']:>6} {row['precision']:>9.4f} {row['recall']:>7.4f} "
                f"{row['f1']:>6.4f}"
            )
        if row := kinds.get("analysis"):
            lines.append(
                f"analysis of {row['analysed']} rightly spotted micro-expressions: F1 "
                f"{row['f1']:.4f}, UF1 {row['uf1']:.4f}; STRS {row['strs']:.4f}"
            )
    return "\n".join(lines)
