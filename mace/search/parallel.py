"""The whole search in one picture: each setting a line across the axes of the space."""

import json
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from mace.evaluation.figures import LIGHT, Theme, new_figure, to_png
from mace.search.checking import short
from mace.search.results import Outcome, ranked
from mace.search.space import Integer, SearchSpace, Uniform, plain


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
