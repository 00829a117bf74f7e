"""Figures of a report as PNG, each in a light and a dark theme."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from mace.evaluation.results import Evaluation, MethodResult

# Twice the size at which the page shows them: sharp on dense screens and on paper.
DPI = 192


@dataclass(frozen=True, kw_only=True)
class Theme:
    """Colours of a figure as `#rrggbb`; the page's own, so that figures sit in it without a frame.

    Attributes:
        surface: the ground.
        ink: text and lines upon what is drawn.
        muted: labels of the axes, and curves behind others.
        line: grid and axes.
        accent: bars, curves and filled cells.
    """

    surface: str
    ink: str
    muted: str
    line: str
    accent: str


LIGHT = Theme(surface="#ffffff", ink="#1c1b19", muted="#6b6862", line="#dedbd4", accent="#b4440e")
DARK = Theme(surface="#171614", ink="#eceae5", muted="#a09c94", line="#3a3733", accent="#ef8a4c")


def confusion_figure(
    counts: Int[np.ndarray, "k k"], classes: Sequence[str], theme: Theme = LIGHT
) -> bytes:
    """Draw a confusion matrix: colour is the part of the true class, the number the count."""
    side = 1.4 + 0.8 * len(classes)
    figure, axes = new_figure(side + 0.4, side, theme)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    surface, accent = np.array(to_rgb(theme.surface)), np.array(to_rgb(theme.accent))
    axes.imshow(surface + (accent - surface) * 0.6 * share[..., None])
    for row, column in np.ndindex(*counts.shape):
        label = f"{counts[row, column]}\n{share[row, column]:.0%}"
        axes.text(column, row, label, ha="center", va="center", fontsize=9, color=theme.ink)
    axes.set_xticks(range(len(classes)), classes, rotation=30, ha="right")
    axes.set_yticks(range(len(classes)), classes)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return to_png(figure)


def subject_figure(evaluation: Evaluation, method: MethodResult, theme: Theme = LIGHT) -> bytes:
    """Draw the accuracy of each subject, best first, as the mean over seeds."""
    table = subject_accuracies(evaluation, method)
    figure, axes = new_figure(8.4, 2.6, theme)
    position = np.arange(len(table))
    axes.bar(position, [row.accuracy for row in table], width=0.5, color=theme.accent)
    hits = (method.predicted == evaluation.labels).mean()
    axes.axhline(float(hits), color=theme.ink, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.annotate(
        f"all clips {hits:.2f}",
        (1, float(hits)),
        xycoords=("axes fraction", "data"),
        xytext=(-2, 3),
        textcoords="offset points",
        ha="right",
        fontsize=8,
        color=theme.ink,
    )
    names = [row.name for row in table]
    if len(evaluation.databases) == 1:
        names = [name.split("/", 1)[1] for name in names]
    # Past some 40 names no size is legible; the table below the figure has them all.
    if len(names) <= 40:
        axes.set_xticks(position, names, rotation=60, ha="right", rotation_mode="anchor")
    else:
        axes.set_xticks([])
        axes.set_xlabel(f"{len(names)} subjects")
    axes.tick_params(axis="x", length=0, labelsize=7.5)
    axes.set_ylim(0, 1.02)
    axes.set_xlim(-0.7, len(table) - 0.3)
    axes.set_ylabel("accuracy")
    axes.grid(axis="y", color=theme.line, linewidth=0.6)
    return to_png(figure)


def learning_figure(method: MethodResult, theme: Theme = LIGHT) -> bytes | None:
    """Draw the training loss of every fold and seed, and the inner validation score if any.

    Returns None for a method without curves.
    """
    panels = [
        (name, label)
        for name, label in (("loss", "training loss"), ("validation_uf1", "inner validation UF1"))
        if _curves(method, name)
    ]
    if not panels:
        return None
    figure = Figure(figsize=(8.4, 2.7), facecolor=theme.surface, layout="constrained")
    FigureCanvasAgg(figure)
    for i, (name, label) in enumerate(panels, start=1):
        axes = figure.add_subplot(1, len(panels), i)
        style_axes(axes, theme)
        curves = _curves(method, name)
        for curve in curves:
            epochs = np.arange(1, len(curve) + 1)
            axes.plot(epochs, curve, color=theme.muted, linewidth=0.5, alpha=0.35)
        longest = max(map(len, curves))
        padded = np.full((len(curves), longest), np.nan)
        for row, curve in zip(padded, curves, strict=True):
            row[: len(curve)] = curve
        # Runs that stopped early leave the mean to the others.
        mean = np.nanmean(padded, axis=0)
        axes.plot(np.arange(1, longest + 1), mean, color=theme.accent, linewidth=1.8)
        axes.set_xlabel("epoch")
        axes.set_ylabel(label)
        axes.set_ylim(bottom=0)
        axes.grid(color=theme.line, linewidth=0.6)
    return to_png(figure)


def example_image(
    face: UInt8[np.ndarray, "s s"] | None,
    heat: Float[np.ndarray, "h w"] | None,
    *,
    size: int = 256,
) -> bytes:
    """Draw the face, and beside it the same face with the heat over it in the accent colour.

    Without a face, the heat is drawn over plain grey; without heat, the face alone.
    """
    if face is None:
        gray = np.full((size, size), 205, np.uint8)
    else:
        gray = cv2.resize(face, (size, size), interpolation=cv2.INTER_CUBIC)
    plain = np.repeat(gray[..., None], 3, axis=-1)
    panels = [] if face is None else [plain]
    if heat is not None:
        smooth = cv2.resize(heat.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)
        weight = 0.72 * np.clip(smooth, 0, 1)[..., None]
        colour = 255 * np.array(to_rgb("#f2641f"))
        panels.append(((1 - weight) * plain + weight * colour).round().astype(np.uint8))
    picture = np.concatenate(panels or [plain], axis=1)
    _, encoded = cv2.imencode(".png", picture[..., ::-1])
    return encoded.tobytes()


@dataclass(frozen=True, kw_only=True)
class SubjectAccuracy:
    """How many of a subject's clips are right.

    Attributes:
        name: `database/subject`.
        clips: how many there are.
        accuracy: share of them that is right, the mean over the seeds.
    """

    name: str
    clips: int
    accuracy: float


def subject_accuracies(evaluation: Evaluation, method: MethodResult) -> list[SubjectAccuracy]:
    """Return the accuracy of each subject, best first."""
    right = (method.predicted == evaluation.labels).mean(axis=0)
    rows = [
        SubjectAccuracy(
            name=name,
            clips=int((evaluation.groups == group).sum()),
            accuracy=float(right[evaluation.groups == group].mean()),
        )
        for group, name in enumerate(evaluation.subjects)
        if (evaluation.groups == group).any()
    ]
    return sorted(rows, key=lambda row: (-row.accuracy, row.name))


def _curves(method: MethodResult, name: str) -> list[Sequence[float]]:
    return [
        history[name]
        for folds in method.histories.values()
        for history in folds.values()
        if len(history.get(name, ())) > 1
    ]


def new_figure(width: float, height: float, theme: Theme) -> tuple[Figure, Axes]:
    """Return an empty figure of so many inches in the page's colours, and its axes."""
    figure = Figure(figsize=(width, height), facecolor=theme.surface, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    style_axes(axes, theme)
    return figure, axes


def style_axes(axes: Axes, theme: Theme) -> None:
    """Give axes the page's colours, and take the frame away."""
    axes.set_facecolor(theme.surface)
    axes.set_axisbelow(True)
    axes.tick_params(colors=theme.muted, labelsize=8.5)
    axes.xaxis.label.set(color=theme.muted, fontsize=9)
    axes.yaxis.label.set(color=theme.muted, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(theme.line)


def to_png(figure: Figure) -> bytes:
    """Return a figure as a PNG file, the same one for the same figure."""
    buffer = io.BytesIO()
    # No software line in the file: equal results then give equal files.
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()
