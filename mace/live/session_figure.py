"""A session as a figure: what moved as bars, the probabilities over time below them."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mace.live.session import Session

_COLOURS = {
    "micro": "#b4440e",
    "macro": "#33688f",
    "blink": "#8f8a82",
    "speech": "#4f7f3a",
    "head": "#8a5aa8",
}
# Two samples further apart than this, in s, have nothing between them.
_GAP_S = 0.5


def draw_session(session: "Session", axes: "Axes | None" = None) -> "Axes":
    """Draw a session of one person, or the first of several.

    Args:
        session: what was recorded.
        axes: where; a new figure without.
    """
    from matplotlib import pyplot as plt

    if axes is None:
        axes = plt.subplots(figsize=(9, 3), layout="constrained")[1]
    for kind, colour in _COLOURS.items():
        events = [event for event in session.spotted if event.kind == kind]
        spans = [(event.onset, event.offset - event.onset) for event in events]
        if spans:
            axes.broken_barh(spans, (1.04, 0.1), color=colour, label=kind, clip_on=False)
        for event in events:
            axes.axvspan(event.onset, event.offset, color=colour, alpha=0.12, linewidth=0)
            if event.label is not None:
                axes.annotate(event.label, (event.apex, 1.17), ha="center", fontsize=8,
                              annotation_clip=False)  # fmt: skip
    first = min((line.identity for line in session.lines if line.smoothed), default=0)
    lines = [line for line in session.lines if line.identity == first]
    time = np.array([line.time for line in lines])
    for name in next((line.smoothed for line in lines if line.smoothed), {}):
        values = np.array([np.nan if not line.smoothed else line.smoothed[name] for line in lines])
        breaks = np.flatnonzero(np.diff(time) > _GAP_S) + 1
        axes.plot(
            np.insert(time, breaks, np.nan), np.insert(values, breaks, np.nan),
            linewidth=1, label=name,
        )  # fmt: skip
    axes.set(xlabel="s", ylabel="probability", ylim=(0, 1.0))
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8)
    return axes
