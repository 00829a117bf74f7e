"""The scores of spotting as text: a row for each data set and method, then all together."""

from collections.abc import Mapping
from typing import Any

from mace.recordings.stored_videos import METHODS

_MACE = "MACE"
_HEAD = (
    f"{'TP':>5} {'FP':>5} {'FN':>5} {'F1':>6} {'FA/min':>7} {'TP':>5} {'FP':>5} {'FN':>5} "
    f"{'F1':>6} {'F1':>6} {'F1 (n)':>11} {'STRS':>6}"
)
_GROUPS = f"{'micro':-^32} {'macro':-^24} {'all':-^6} {'analysis':-^11} {'':6}"


def table(figures: Mapping[str, Any]) -> str:
    """Return what `mace.recordings.scores.score_data_sets` returned as lines of text."""
    names = [_MACE, *METHODS.values()]
    width = max(map(len, names)) + 2
    lines = [f"{'':<{width}} {_GROUPS}", f"{'':<{width}} {_HEAD}"]
    blocks = dict(figures["datasets"])
    if len(blocks) > 1:
        blocks["pooled"] = figures
    for name, block in blocks.items():
        videos = "1 video" if block["videos"] == 1 else f"{block['videos']} videos"
        people = "1 person" if len(block["subjects"]) == 1 else f"{len(block['subjects'])} people"
        minutes = block["minutes"]
        long = f"{minutes:.1f} min" if minutes >= 1 else f"{60 * minutes:.1f} s"
        lines.append(f"{name}: {videos} of {people}, {long}")
        lines.append(_row(_MACE, width, block["spotted"], named=True))
        for method, title in METHODS.items():
            lines.append(_row(title, width, block["others"][method], named=False))
    return "\n".join(line.rstrip() for line in lines)


def _row(title: str, width: int, row: Mapping[str, Any], *, named: bool) -> str:
    micro, macro, annotated = row["micro"], row["macro"], row["annotated"]
    counts = [
        " ".join(
            f"{row[kind][key] if kind in annotated else '-':>5}"
            for key in ("hits", "false_alarms", "misses")
        )
        for kind in ("micro", "macro")
    ]
    # Where nothing of a kind is annotated, nobody can count, and no F1 says anything.
    both = len(annotated) == 2
    macro_f1 = f"{macro['f1']:.3f}" if "macro" in annotated else "-"
    all_f1 = f"{row['all_f1']:.3f}" if both else "-"
    micro_f1 = f"{micro['f1']:.3f}" if "micro" in annotated else "-"
    # Where no class is known, none can be wrong; the other methods name nothing.
    named &= row["named"] > 0
    analysis = f"{row['analysis_f1']:.3f} ({row['analysed']})" if named else "-"
    strs = f"{row['strs']:.3f}" if named else "-"
    return (
        f"  {title:<{width - 2}} {counts[0]} {micro_f1:>6} "
        f"{micro['false_alarms_per_minute']:>7.2f} {counts[1]} {macro_f1:>6} {all_f1:>6} "
        f"{analysis:>11} {strs:>6}"
    )
