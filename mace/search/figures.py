"""Figures of a search as PNG, each in a light and a dark theme."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mace.evaluation.figures import LIGHT, Theme, new_figure, style_axes, to_png
from mace.search.choosing import front
from mace.search.importance import Importance
from mace.search.results import Outcome, ranked

# Line styles that tell the groups apart without a second colour.
DASHES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (3, 1, 1, 1, 1, 1)))


def importance_figure(rows: Sequence[Importance], theme: Theme = LIGHT) -> bytes | None:
    """Draw the mean importance of each path as a bar, and each group's as a dot; None for none."""
    if not rows:
        return None
    figure, axes = new_figure(8.4, 0.8 + 0.32 * len(rows), theme)
    places = np.arange(len(rows))[::-1]
    axes.barh(places, [row.mean for row in rows], height=0.5, color=theme.accent)
    for place, row in zip(places, rows, strict=True):
        axes.plot(row.groups, [place] * len(row.groups), ".", color=theme.ink, markersize=5)
    axes.set_yticks(places, [row.path.removeprefix("train.") for row in rows])
    axes.set_xlim(left=0)
    axes.set_xlabel("part of the variance of inner UF1")
    axes.grid(axis="x", color=theme.line, linewidth=0.6)
    return to_png(figure)


def curves_figure(chosen: Mapping[str, Outcome], theme: Theme = LIGHT) -> bytes | None:
    """Draw the chosen settings' training loss, and UF1 where there were several looks.

    A line is the mean over the inner folds, the band goes from the lowest to the highest fold.
    Returns None without curves.
    """
    if not any(fold.loss for one in chosen.values() for fold in one.folds):
        return None
    looked = any(len(one.rungs) > 1 for one in chosen.values())
    figure = Figure(figsize=(8.4, 2.9), facecolor=theme.surface, layout="constrained")
    FigureCanvasAgg(figure)
    loss = figure.add_subplot(1, 2 if looked else 1, 1)
    panels = [(loss, "training loss")]
    for number, (group, one) in enumerate(chosen.items()):
        curves = [fold.loss for fold in one.folds if fold.loss]
        _band(loss, None, curves, number, f"group {group}", theme)
    if looked:
        score = figure.add_subplot(1, 2, 2)
        panels.append((score, "inner UF1"))
        for number, (group, one) in enumerate(chosen.items()):
            epochs = [epoch for epoch, _ in one.rungs]
            curves = [tuple(value for _, value in fold.uf1) for fold in one.folds]
            _band(score, epochs, curves, number, f"group {group}", theme)
    for axes, label in panels:
        style_axes(axes, theme)
        axes.set_xlabel("epoch")
        axes.set_ylabel(label)
        axes.set_ylim(bottom=0)
        axes.grid(color=theme.line, linewidth=0.6)
    legend = loss.legend(frameon=False, fontsize=8.5)
    for text in legend.get_texts():
        text.set_color(theme.ink)
    return to_png(figure)


def history_figure(outcomes: Sequence[Outcome], theme: Theme = LIGHT) -> bytes | None:
    """Draw UF1 by the number of the proposal, and the best so far of each group."""
    complete = [one for one in outcomes if one.status == "complete" and one.uf1 is not None]
    if not complete:
        return None
    figure, axes = new_figure(8.4, 2.6, theme)
    for number, group in enumerate(sorted({one.group for one in complete})):
        own = sorted((one for one in complete if one.group == group), key=lambda one: one.number)
        places = [one.number + 1 for one in own]
        scores = [one.uf1 or 0.0 for one in own]
        axes.plot(places, scores, ".", color=theme.muted, markersize=4, alpha=0.6)
        best = np.maximum.accumulate(scores)
        axes.step(
            places,
            best,
            where="post",
            color=theme.accent,
            linewidth=1.4,
            linestyle=DASHES[number % len(DASHES)],
            label=f"group {group}",
        )
    axes.set_xlabel("proposal")
    axes.set_ylabel("inner UF1")
    axes.grid(color=theme.line, linewidth=0.6)
    legend = axes.legend(frameon=False, fontsize=8.5, loc="lower right")
    for text in legend.get_texts():
        text.set_color(theme.ink)
    return to_png(figure)


def latency_figure(outcomes: Sequence[Outcome], theme: Theme = LIGHT) -> bytes | None:
    """Draw UF1 against latency, and the settings that none beats in both; None without latency."""
    timed = [one for one in ranked(outcomes) if one.latency_ms is not None]
    if not timed:
        return None
    figure, axes = new_figure(8.4, 2.9, theme)
    axes.plot(
        [one.latency_ms or 0.0 for one in timed],
        [one.uf1 or 0.0 for one in timed],
        ".",
        color=theme.muted,
        markersize=5,
    )
    for group in sorted({one.group for one in timed}):
        best = front([one for one in timed if one.group == group])
        axes.step(
            [one.latency_ms or 0.0 for one in best],
            [one.uf1 or 0.0 for one in best],
            where="post",
            color=theme.accent,
            linewidth=1.4,
            marker="o",
            markersize=4,
        )
    axes.set_xlabel("milliseconds for one picture on one processor")
    axes.set_ylabel("inner UF1")
    axes.grid(color=theme.line, linewidth=0.6)
    return to_png(figure)


def _band(
    axes: Axes,
    epochs: Sequence[int] | None,
    curves: Sequence[Sequence[float]],
    number: int,
    label: str,
    theme: Theme,
) -> None:
    if not curves:
        return
    longest = max(map(len, curves))
    padded: Float[np.ndarray, "f e"] = np.full((len(curves), longest), np.nan)
    for row, curve in zip(padded, curves, strict=True):
        row[: len(curve)] = curve
    places = np.arange(1, longest + 1) if epochs is None else np.array(epochs)
    axes.fill_between(
        places,
        np.nanmin(padded, axis=0),
        np.nanmax(padded, axis=0),
        color=theme.muted,
        alpha=0.18,
        linewidth=0,
    )
    axes.plot(
        places,
        np.nanmean(padded, axis=0),
        color=theme.accent,
        linewidth=1.6,
        linestyle=DASHES[number % len(DASHES)],
        label=label,
    )
