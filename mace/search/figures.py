"""Figures of a search as PNG: Optuna's own, in the page's light and dark colours."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import optuna
from matplotlib.figure import Figure
from optuna.importance import FanovaImportanceEvaluator
from optuna.trial import TrialState
from optuna.visualization import matplotlib as plots

from mace.evaluation.figures import Theme, new_figure, to_png
from mace.search.outcome import Outcome
from mace.search.storage import quiet

# Fewer complete settings say nothing about what matters.
LEAST = 8
WIDTH = 8.4  # inches
# Line styles that tell the groups apart without a second colour.
DASHES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (3, 1, 1, 1, 1, 1)))

type Studies = Mapping[str, optuna.Study]
"""Optuna's study of each group."""


def history_figure(studies: Studies, theme: Theme) -> bytes:
    """Draw UF1 of the complete settings in their order, and the best so far of each group."""
    groups = [_complete([study], f"group {group}") for group, study in studies.items()]
    return _drawn(plots.plot_optimization_history, groups, theme, height=3.2)


def parallel_figure(studies: Studies, theme: Theme) -> bytes | None:
    """Draw each complete setting as a line across the axes of the space; None without one."""
    merged = _complete(studies.values())
    if not merged.trials:
        return None
    return _drawn(plots.plot_parallel_coordinate, merged, theme, height=4.2)


def importance_figure(studies: Studies, theme: Theme) -> bytes | None:
    """Draw the part of each setting in the variance of UF1; None if there is too little to tell.

    fANOVA: Hutter, Hoos and Leyton-Brown, "An Efficient Approach for Assessing Hyperparameter
    Importance", ICML 2014, as Optuna has it.
    """
    merged = _complete(studies.values())
    if len(merged.trials) < LEAST or len({trial.value for trial in merged.trials}) < 2:
        return None
    with quiet():
        evaluator = FanovaImportanceEvaluator(seed=0)
    return _drawn(plots.plot_param_importances, merged, theme, height=3.2, evaluator=evaluator)


def latency_figure(studies: Studies, theme: Theme) -> bytes | None:
    """Draw UF1 against latency, and what nothing beats in both; None without latency."""
    merged = _complete(studies.values(), values=2)
    if len(merged.directions) < 2 or not merged.trials:
        return None
    names = {"target_names": ["inner UF1", "ms for one picture"]}
    return _drawn(plots.plot_pareto_front, merged, theme, height=3.2, **names)


def curves_figure(chosen: Mapping[str, Outcome], theme: Theme) -> bytes | None:
    """Draw the training loss of the chosen settings; None without curves.

    A line is the mean over the inner folds, the band goes from the lowest to the highest fold.
    """
    curves = {group: [f.loss for f in outcome.folds] for group, outcome in chosen.items()}
    if not any(any(losses) for losses in curves.values()):
        return None
    figure, axes = new_figure(WIDTH, 2.9, theme)
    for number, (group, losses) in enumerate(curves.items()):
        length = min(map(len, losses), default=0)
        values = np.array([loss[:length] for loss in losses])
        epochs = np.arange(1, length + 1)
        low, high = values.min(axis=0), values.max(axis=0)
        axes.fill_between(epochs, low, high, color=theme.muted, alpha=0.18, linewidth=0)
        axes.plot(
            epochs,
            values.mean(axis=0),
            color=theme.accent,
            linewidth=1.6,
            linestyle=DASHES[number % len(DASHES)],
            label=f"group {group}",
        )
    axes.set(xlabel="epoch", ylabel="training loss")
    axes.set_ylim(bottom=0)
    axes.legend()
    return _finished(figure, theme, height=2.9)


def _complete(
    studies: Iterable[optuna.Study], name: str | None = None, *, values: int = 1
) -> optuna.Study:
    """Return the complete trials of some studies as one, their paths without `train.`."""
    studies = list(studies)
    merged = optuna.create_study(study_name=name, directions=studies[0].directions[:values])
    for study in studies:
        for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
            short = {path: path.removeprefix("train.") for path in trial.params}
            merged.add_trial(
                optuna.trial.create_trial(
                    params={short[path]: value for path, value in trial.params.items()},
                    distributions={short[p]: ranged for p, ranged in trial.distributions.items()},
                    values=trial.values[:values],
                )
            )
    return merged


def _drawn(
    plot: Callable[..., Any], study: Any, theme: Theme, *, height: float, **options: Any
) -> bytes:
    if "target_names" not in options:
        options["target_name"] = "inner UF1"
    # What Optuna sets for its style is set back afterwards.
    with quiet(), plt.rc_context():
        plt.switch_backend("agg")
        return _finished(plot(study, **options).figure, theme, height=height)


def _finished(figure: Figure, theme: Theme, *, height: float) -> bytes:
    """Return a figure as PNG in the page's colours, without a title: the page has its own."""
    figure.set_size_inches(WIDTH, height)
    figure.set_layout_engine("tight")
    figure.set_facecolor(theme.surface)
    for axes in figure.axes:
        axes.set_title("")
        axes.set_title("", loc="left")
        axes.set_facecolor(theme.surface)
        axes.tick_params(colors=theme.muted, labelsize=8)
        axes.xaxis.label.set(color=theme.muted, fontsize=9)
        axes.yaxis.label.set(color=theme.muted, fontsize=9)
        for spine in axes.spines.values():
            spine.set_color(theme.line)
        legend = axes.get_legend()
        texts = [*axes.texts]
        if legend is not None:
            legend.set_frame_on(False)
            texts += legend.get_texts()
        for text in texts:
            text.set(color=theme.ink, fontsize=8)
    png = to_png(figure)
    plt.close(figure)
    return png
