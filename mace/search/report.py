"""The report of a search: one HTML page that needs nothing beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mace import __version__
from mace.config import from_dict, setting_rows
from mace.errors import DataError
from mace.evaluation.config import NETWORK
from mace.evaluation.figures import DARK, LIGHT
from mace.evaluation.loading import load_evaluation
from mace.evaluation.page import template, themed_picture
from mace.evaluation.results import Evaluation
from mace.evaluation.summary import summarise
from mace.evaluation.table import headline_rows
from mace.files import write_text
from mace.search import figures
from mace.search.choose import choose, disagreement_text, tried_text
from mace.search.config import SearchConfig
from mace.search.folder import read_study
from mace.search.outcome import Outcome, ranked
from mace.search.setting import short
from mace.search.space import SearchSpace

# Rows of the table of settings; the study has all of them.
BEST = 20

PICTURES = (
    ("parallel", figures.parallel_figure, "One line for each setting, ending at its inner UF1."),
    ("importance", figures.importance_figure, "The part of each setting in the variance of UF1."),
    ("history", figures.history_figure, "Inner UF1 of each proposal, and the best so far."),
    ("latency", figures.latency_figure, "Inner UF1 against milliseconds for one picture."),
)


def write_study_report(folder: Path, *, out: Path | None = None, storage: str = "") -> Path:
    """Write `out`/report.html of a search, finished or not, and return the page's path.

    Args:
        folder: of the search; its outer score is reported if it is there.
        out: where to write; `report` in the folder by default.
        storage: of the study; where the folder says by default.

    Raises:
        DataError: if the folder holds no search, or one without a single result.
        ConfigError: if the storage is out of reach.
        OutputError: if `out` cannot be written to.
    """
    study = read_study(folder, storage=storage)
    facts, space, outcomes = study.facts, study.space, study.outcomes()
    if not outcomes:
        raise DataError(f"the search in {folder} has no result yet; wait for the first")
    out = Path(folder) / "report" if out is None else Path(out)
    chosen = _chosen(outcomes, facts)
    evaluation = _evaluation(Path(folder) / "outer") if study.looks else None
    pictures = {
        name: themed_picture(out, name, lambda theme, draw=draw: draw(study.studies, theme), text)
        for name, draw, text in PICTURES
    }
    pictures["curves"] = themed_picture(
        out,
        "curves",
        lambda theme: figures.curves_figure(chosen, theme),
        "Training loss of the chosen settings with the range over their inner folds.",
    )
    databases = sorted(
        {name.split("/")[0] for group in facts["groups"].values() for name in group["tested"]}
    )
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
        rows=[] if evaluation is None else headline_rows([evaluation], [summarise(evaluation)]),
        confusion=_confusion(evaluation, chosen),
        groups=_group_rows(facts, chosen, outcomes),
        paths=[path.removeprefix("train.") for path in space.paths],
        disagreement=disagreement_text(chosen, space),
        best=_best_rows(outcomes, space),
        space=_space_rows(space),
        search=setting_rows(facts["config"]),
        recipe=setting_rows(facts["identity"]["recipe"]),
        **pictures,
    )
    path = out / "report.html"
    write_text(path, page)
    return path


def _chosen(outcomes: Sequence[Outcome], facts: Mapping[str, Any]) -> dict[str, Outcome]:
    """Return the best outcome of each group that has one, by the study's own rule."""
    config = from_dict(SearchConfig, facts["config"])
    complete = {outcome.group for outcome in ranked(outcomes)}
    return {
        group: choose(outcomes, group=group, config=config)
        for group in facts["groups"]
        if group in complete
    }


def _evaluation(folder: Path) -> Evaluation | None:
    try:
        return load_evaluation(folder)
    except DataError:
        return None  # the outer score is being computed again


def _confusion(
    evaluation: Evaluation | None, chosen: Mapping[str, Outcome]
) -> dict[str, Any] | None:
    """Return the confusion matrix of the outer score, or else of the best setting's inner folds."""
    best = ranked(list(chosen.values()))
    if evaluation is not None:
        network = evaluation.methods[NETWORK]
        counts = network.confusions(evaluation.labels, len(evaluation.classes)).sum(axis=0)
        caption = "Outer score: each subject predicted by a setting chosen without them."
    elif best:
        counts = np.array(best[0].confusion)
        caption = f"Inner folds of the best setting so far (group {best[0].group})."
    else:
        return None
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return {"counts": counts.tolist(), "shares": shares.tolist(), "caption": caption}


def _group_rows(
    facts: Mapping[str, Any], chosen: Mapping[str, Outcome], outcomes: Sequence[Outcome]
) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "tested": group["tested"],
            "outside": len(group["outside"]),
            "done": sum(outcome.group == name for outcome in outcomes),
            "uf1": chosen[name].uf1 if name in chosen else None,
            "latency": chosen[name].latency_ms if name in chosen else None,
            "setting": [
                (path.removeprefix("train."), short(value))
                for path, value in (chosen[name].setting if name in chosen else {}).items()
            ],
        }
        for name, group in facts["groups"].items()
    ]


def _best_rows(outcomes: Sequence[Outcome], space: SearchSpace) -> list[dict[str, Any]]:
    return [
        {
            "group": outcome.group,
            "number": outcome.number + 1,
            "uf1": outcome.uf1,
            "latency": outcome.latency_ms,
            "values": [short(outcome.setting.get(path)) for path in space.paths],
        }
        for outcome in ranked(outcomes)[:BEST]
    ]


def _space_rows(space: SearchSpace) -> list[tuple[str, str]]:
    described = space.to_dict()
    if "settings" in described:
        return [
            (f"setting {i}", short(setting)) for i, setting in enumerate(described["settings"], 1)
        ]
    rows = []
    for path, table in described["space"].items():
        if "choice" in table:
            text = "one of " + "; ".join(map(short, table["choice"]))
        else:
            low, high = table.get("uniform") or table["integer"]
            kind = "whole numbers " if "integer" in table else ""
            text = f"{kind}{short(low)} to {short(high)}{', logarithmic' if table['log'] else ''}"
        rows.append((path, text))
    return rows
