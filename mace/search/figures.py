"""Figures of a search as PNG, each in a light and a dark theme."""

import json
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from mace.evaluation.figures import LIGHT, Theme, new_figure, style_axes, to_png
from mace.search.checking import short
from mace.search.choosing import front
from mace.search.importance import Importance
from mace.search.results import Outcome, ranked
from mace.search.space import Integer, SearchSpace, Uniform, plain

# Line styles that tell the groups apart without a second colour.
DASHES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (3, 1, 1, 1, 1, 1)))


def parallel_figure(
    outcomes: Sequence[Outcome],
    chosen: Sequence[Outcome],
    space: SearchSpace,
    theme: Theme = LIGHT,
) -> bytes | None:
    """Draw each complete setting as a line across the axes of the space, the last one its UF1.

    Better ones are nearer to the accent colour and in front; the chosen ones are thick. Returns
    None without a complete setting.
    """
    complete = ranked(outcomes)[::-1]
    if not complete:
        return None
    scales = [_Scale(path, space, complete) for path in space.paths]
    scores = np.array([one.uf1 or 0.0 for one in complete])
    low, high = float(scores.min()), float(scores.max())
    figure, axes = new_figure(max(8.4, 1.25 * (len(scales) + 1)), 3.6, theme)
    ranks = np.argsort(np.argsort(scores)) / max(len(scores) - 1, 1)
    keys = {one.key for one in chosen}
    muted, accent = np.array(to_rgb(theme.line)), np.array(to_rgb(theme.accent))
    for one, score, rank in zip(complete, scores, ranks, strict=True):
        heights = [scale.height(one.setting.get(scale.path)) for scale in scales]
        heights.append((score - low) / (high - low) if high > low else 0.5)
        best = one.key in keys
        axes.plot(
            heights,
            color=tuple(muted + (accent - muted) * rank**2),
            linewidth=2.2 if best else 0.8,
            alpha=1.0 if best else 0.7,
            zorder=3 if best else 2,
        )
    for position, scale in enumerate(scales):
        axes.axvline(position, color=theme.muted, linewidth=0.7, zorder=1)
        for height, label in scale.ticks():
            _mark(axes, position, height, label, theme)
    last = len(scales)
    axes.axvline(last, color=theme.muted, linewidth=0.7, zorder=1)
    for height, value in ((0.0, low), (1.0, high)):
        _mark(axes, last, height, f"{value:.3f}", theme)
    names = [*(_two_lines(scale.path) for scale in scales), "inner UF1"]
    axes.set_xticks(range(last + 1), names)
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_xlim(-0.1, last + 0.55)
    axes.set_ylim(-0.07, 1.07)
    return to_png(figure)


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


class _Scale:
    """Heights in [0, 1] for the values of a path: numbers by size, everything else evenly."""

    def __init__(self, path: str, space: SearchSpace, outcomes: Sequence[Outcome]) -> None:
        self.path = path
        found = [plain(one.setting.get(path)) for one in outcomes]
        dimension = space.dimensions.get(path)
        self.names: list[str] = []
        self.ends = 0.0, 1.0
        self.log = bool(getattr(dimension, "log", False))
        if isinstance(dimension, (Uniform, Integer)):
            self.ends = float(dimension.low), float(dimension.high)
        else:
            edges = getattr(dimension, "values", ())
            texts = [json.dumps(value) for value in (*edges, *found)]
            self.names = list(dict.fromkeys(texts))

    def height(self, value: object) -> float:
        if self.names:
            return self._even(self.names.index(json.dumps(plain(value))))
        low, high = self.ends
        number = float(value)  # pyright: ignore[reportArgumentType]
        if self.log:
            low, high, number = np.log(low), np.log(high), np.log(number)
        return float((number - low) / (high - low))

    def ticks(self) -> list[tuple[float, str]]:
        if not self.names:
            return [(0.0, short(self.ends[0])), (1.0, short(self.ends[1]))]
        return [(self._even(i), _label(name)) for i, name in enumerate(self.names)]

    def _even(self, position: int) -> float:
        return position / (len(self.names) - 1) if len(self.names) > 1 else 0.5


def _label(name: str) -> str:
    value = json.loads(name)
    if isinstance(value, Mapping):
        text = ", ".join(f"{key} {short(one)}" for key, one in value.items())
    else:
        text = "as it is" if value is None else short(value)
    return text if len(text) <= 22 else f"{text[:21]}…"


def _two_lines(path: str) -> str:
    group, _, name = path.removeprefix("train.").rpartition(".")
    return f"{group}\n{name}" if group else name


def _mark(axes: Axes, position: int, height: float, label: str, theme: Theme) -> None:
    axes.annotate(
        label,
        (position, height),
        xytext=(3, 0),
        textcoords="offset points",
        va="center",
        fontsize=7.5,
        color=theme.ink,
        bbox={"boxstyle": "square,pad=0.1", "fc": theme.surface, "ec": "none", "alpha": 0.75},
        zorder=4,
    )


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
