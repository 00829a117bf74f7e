"""Figures of the studies as small SVG files that come out the same, byte for byte, every time."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from mace.evaluation.report.figures import LIGHT
from mace.experiments.study_results import Pooled

_COLOURS = ("#1c1b19", "#b4440e", "#2f6f8f", "#6a8f2f", "#8a4f9e", "#c79a1b")
_MARKS = "osD^vP"


@dataclass(frozen=True)
class Line:
    """Settings along one axis.

    Attributes:
        label: what the legend calls them.
        points: where each lies on the axis, and its scores.
    """

    label: str
    points: Sequence[tuple[float, Pooled]]


def draw_dots(settings: Mapping[str, Pooled], *, groups: Sequence[int] = ()) -> bytes:
    """Draw the UF1 of each setting with its interval, the first on top.

    Args:
        settings: the settings by name.
        groups: positions that a thin line is drawn above.
    """
    figure, axes = _figure(7.2, 0.7 + 0.3 * len(settings))
    for row, pooled in enumerate(settings.values()):
        low, high = pooled.interval
        axes.plot([low, high], [row, row], color=_COLOURS[1], linewidth=1.4)
        axes.plot([pooled.uf1], [row], "o", color=_COLOURS[0], markersize=5)
    for row in groups:
        axes.axhline(row - 0.5, color=LIGHT.line, linewidth=0.8)
    axes.set_yticks(range(len(settings)), list(settings))
    axes.set_ylim(len(settings) - 0.5, -0.5)
    axes.set_xlabel("UF1, 95 % over people")
    axes.grid(axis="x", color=LIGHT.line, linewidth=0.6)
    return _svg(figure)


def draw_lines(lines: Sequence[Line], *, x: str, log: bool = False, joined: bool = True) -> bytes:
    """Draw UF1 against a number, a line for each of `lines`, with intervals.

    Args:
        lines: what to draw; they are moved apart a little where they share places.
        x: title of the axis.
        log: whether its scale is logarithmic.
        joined: whether points are joined.
    """
    figure, axes = _figure(7.2, 3.6)
    places = sorted({place for line in lines for place, _ in line.points})
    for number, line in enumerate(lines):
        if not line.points:
            continue
        apart = (number - (len(lines) - 1) / 2) * 0.012
        span = np.log(places[-1] / places[0]) if log else places[-1] - places[0]
        at = [p * np.exp(apart * span) if log else p + apart * span for p, _ in line.points]
        scores = np.array([pooled.uf1 for _, pooled in line.points])
        ends = np.array([pooled.interval for _, pooled in line.points])
        axes.errorbar(
            at,
            scores,
            # A percentile interval need not hold the score itself.
            yerr=np.maximum(np.abs(ends.T - scores) * _sides(ends, scores), 0),
            label=line.label,
            color=_COLOURS[number % len(_COLOURS)],
            marker=_MARKS[number % len(_MARKS)],
            markersize=4.5,
            linewidth=1.3 if joined else 0,
            elinewidth=0.9,
        )
    if log:
        axes.set_xscale("log")
    axes.set_xticks(places, [f"{place:g}" for place in places])
    axes.minorticks_off()
    axes.set_xlabel(x)
    axes.set_ylabel("UF1, 95 % over people")
    axes.grid(axis="y", color=LIGHT.line, linewidth=0.6)
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5))
    return _svg(figure)


def _sides(ends: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return 1 where an end of the interval is on its own side of the score, else 0."""
    return np.stack([ends[:, 0] <= scores, ends[:, 1] >= scores]).astype(np.float64)


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), facecolor=LIGHT.surface, layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8, colors=LIGHT.ink)
    return figure, axes


def _svg(figure: Figure) -> bytes:
    # Names of clip paths are hashed with this salt; text stays text, which keeps the file small.
    with matplotlib.rc_context({"svg.hashsalt": "mace", "svg.fonttype": "none"}):
        FigureCanvasSVG(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return b"\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + b"\n"
