"""The report of a search: one HTML page that needs nothing beside it, with Optuna's own figures.

Classes, subjects and learning curves are on the page of the outer score, as of any evaluation.
"""

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import optuna
from optuna.importance import FanovaImportanceEvaluator
from optuna.trial import TrialState
from optuna.visualization import matplotlib as plots

from mace import __version__
from mace.config import from_dict, setting_rows
from mace.errors import ConfigError, DataError, TrainingError
from mace.evaluation.loading import load_evaluation
from mace.evaluation.report.figures import DARK, LIGHT, Theme, style_axes, to_png
from mace.evaluation.report.page import template, themed_picture
from mace.evaluation.summary import summarise
from mace.evaluation.table import Row, headline_rows
from mace.files import write_text
from mace.search.choose import choose, disagreement, tried_text
from mace.search.config import SearchConfig
from mace.search.setting import short
from mace.search.space import space_of
from mace.search.storage import answering, quiet
from mace.search.stored import read_study
from mace.search.study import ranked

# Rows of the table of settings; the study has all of them.
BEST = 20
# Fewer complete settings say nothing about what matters.
LEAST = 8
WIDTH = 8.4  # inches


def write_study_report(folder: Path, *, out: Path | None = None, storage: str = "") -> Path:
    """Write `out`/report.html of a search, finished or not, and return the page's path.

    Args:
        folder: of the search; its outer score is reported if it is there.
        out: where to write; `report` in the folder by default.
        storage: of the study; where the folder says by default.

    Raises:
        DataError: if the folder holds no search, or one without a single result.
        ConfigError: if the storage is out of reach.
        OutputError: if `out` cannot be written to, or the storage does not answer.
    """
    study = read_study(folder, storage=storage)
    facts, outcomes = study.facts, study.outcomes()
    if not outcomes:
        raise DataError(f"the search in {folder} has no result yet; wait for the first")
    out = Path(folder) / "report" if out is None else Path(out)
    config = from_dict(SearchConfig, facts["config"])
    chosen = {}
    for group in facts["groups"]:
        with suppress(TrainingError, ConfigError):  # none is trained to its end, or quick enough
            chosen[group] = choose(outcomes, group=group, config=config)
    databases = sorted(
        {name.split("/")[0] for group in facts["groups"].values() for name in group["tested"]}
    )
    with answering(study.storage):
        figures = _pictures(study.studies, out)
    space = space_of(facts["identity"]["space"])
    (tables,) = facts["identity"]["space"].values()
    page = template("search.html.j2", Path(__file__).parent).render(
        version=__version__,
        light=LIGHT,
        dark=DARK,
        study=facts,
        storage=study.storage,
        databases=databases,
        synthetic=any(name.startswith("synthetic") for name in databases),
        tried=tried_text(outcomes, len(facts["groups"])),
        settings=len(outcomes),
        expected=facts["proposals"] * len(facts["groups"]),
        looks=study.looks,
        outer=Path(folder) / "outer",
        rows=_outer_score(Path(folder) / "outer") if study.looks else [],
        done=Counter(outcome.group for outcome in outcomes),
        chosen=chosen,
        paths=space.paths,
        disagreement=disagreement((outcome.setting for outcome in chosen.values()), space),
        best=ranked(outcomes)[:BEST],
        short=short,
        space=tables.items() if space.ranges else enumerate(tables, start=1),
        search=setting_rows(facts["config"]),
        recipe=setting_rows(facts["identity"]["recipe"]),
        figures=figures,
    )
    path = out / "report.html"
    write_text(path, page)
    return path


def _outer_score(folder: Path) -> list[Row]:
    try:
        evaluation = load_evaluation(folder)
    except DataError:
        return []  # it is being computed again
    return headline_rows([evaluation], [summarise(evaluation)])


def _pictures(studies: Mapping[str, optuna.Study], out: Path) -> dict[str, Any]:
    """Return Optuna's figures of what has been trained to its end, by name; without, there is none.

    Importance is fANOVA: Hutter, Hoos and Leyton-Brown, "An Efficient Approach for Assessing
    Hyperparameter Importance", ICML 2014.
    """
    pictures = {}

    def picture(name: str, text: str, plot: Any, study: Any, **options: Any) -> None:
        draw = functools.partial(_drawn, plot, study, **options)
        pictures[name] = themed_picture(out, name, draw, text)

    uf1 = {"target_name": "inner UF1"}
    merged = _complete(studies.values())
    groups = [_complete([study], name=f"group {group}") for group, study in studies.items()]
    text = "Inner UF1 of each proposal, and the best so far."
    picture("history", text, plots.plot_optimization_history, groups, **uf1)
    if merged.trials:
        text = "One line for each setting, ending at its inner UF1."
        picture("parallel", text, plots.plot_parallel_coordinate, merged, height=4.2, **uf1)
    if len(merged.trials) >= LEAST and len({trial.value for trial in merged.trials}) > 1:
        with quiet():
            fanova = FanovaImportanceEvaluator(seed=0)
        text = "The part of each setting in the variance of UF1."
        plot = plots.plot_param_importances
        picture("importance", text, plot, merged, evaluator=fanova, **uf1)
    if merged.trials and len(next(iter(studies.values())).directions) > 1:
        text, names = "Inner UF1 against latency.", ["inner UF1", "ms for one picture"]
        both = _complete(studies.values(), values=2)
        picture("latency", text, plots.plot_pareto_front, both, target_names=names)
    return pictures


def _complete(
    studies: Iterable[optuna.Study], *, name: str | None = None, values: int = 1
) -> optuna.Study:
    """Return the complete trials of some studies as one, their paths without `train.`."""
    studies = list(studies)
    merged = optuna.create_study(study_name=name, directions=studies[0].directions[:values])
    for study in studies:
        for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
            params, distributions = (
                {path.removeprefix("train."): value for path, value in by_path.items()}
                for by_path in (trial.params, trial.distributions)
            )
            merged.add_trial(
                optuna.create_trial(
                    params=params, distributions=distributions, values=trial.values[:values]
                )
            )
    return merged


def _drawn(
    plot: Callable[..., Any], study: Any, theme: Theme, *, height: float = 3.2, **options: Any
) -> bytes:
    """Return a figure of Optuna's as PNG in the page's colours, without a title, which it has."""
    # What Optuna sets for its style is set back afterwards.
    with quiet(), plt.rc_context():
        plt.switch_backend("agg")
        figure = plot(study, **options).figure
        figure.set_size_inches(WIDTH, height)
        figure.set_layout_engine("tight")
        figure.set_facecolor(theme.surface)
        for axes in figure.axes:
            style_axes(axes, theme)
            axes.set_title("")
            axes.set_title("", loc="left")
            texts, legend = [*axes.texts], axes.get_legend()
            if legend is not None:
                legend.set_frame_on(False)
                texts += legend.get_texts()
            for text in texts:
                text.set(color=theme.ink, fontsize=8)
        png = to_png(figure)
        plt.close(figure)
        return png
