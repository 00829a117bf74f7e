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
from mace.search.checking import short
from mace.search.choosing import choose
from mace.search.config import SearchConfig
from mace.search.figures import (
    curves_figure,
    history_figure,
    importance_figure,
    latency_figure,
)
from mace.search.folder import StudyFolder
from mace.search.importance import importances
from mace.search.parallel import parallel_figure
from mace.search.results import Outcome, Results, ranked
from mace.search.space import SearchSpace
from mace.search.space_file import space_of
from mace.search.telling import disagreement_text, tried_text

TEMPLATE = "search.html.j2"
# Rows of the table of settings; results.jsonl has all of them.
BEST = 20


def write_study_report(folder: Path, *, out: Path | None = None) -> Path:
    """Write `out`/report.html of a search, finished or not, and return the page's path.

    Args:
        folder: of the study; its outer score is reported if it is there.
        out: where to write; `report` in the folder by default.

    Raises:
        DataError: if the folder holds no search, or one without a single result.
        OutputError: if `out` cannot be written to.
    """
    study_folder = StudyFolder(folder)
    study = study_folder.read()
    space = space_of(study["identity"]["space"])
    outcomes = [
        one for one in Results(study_folder.path).load().values() if one.group in study["groups"]
    ]
    if not outcomes:
        raise DataError(f"the search in {folder} has no result yet; wait for the first")
    out = study_folder.path / "report" if out is None else Path(out)
    chosen = _chosen(outcomes, study)
    looks = (study_folder.read_chosen() or {}).get("looks", [])
    evaluation = _evaluation(study_folder) if looks else None
    page = template(TEMPLATE, Path(__file__).parent).render(
        version=__version__,
        light=LIGHT,
        dark=DARK,
        study=study,
        databases=_databases(study),
        synthetic=any(name.startswith("synthetic") for name in _databases(study)),
        tried=tried_text(outcomes, len(study["groups"])),
        settings=len(outcomes),
        expected=study["proposals"] * len(study["groups"]),
        looks=looks,
        rows=[] if evaluation is None else headline_rows([evaluation], [summarise(evaluation)]),
        confusion=_confusion(evaluation, chosen),
        groups=_group_rows(study, chosen, outcomes),
        paths=[path.removeprefix("train.") for path in space.paths],
        disagreement=disagreement_text(chosen, space),
        best=_best_rows(outcomes, space),
        space=_space_rows(space),
        search=setting_rows(study["config"]),
        recipe=setting_rows(study["identity"]["recipe"]),
        **_pictures(out, outcomes, chosen, space),
    )
    path = out / "report.html"
    write_text(path, page)
    return path


def _pictures(
    out: Path,
    outcomes: Sequence[Outcome],
    chosen: Mapping[str, Outcome],
    space: SearchSpace,
) -> dict[str, Any]:
    rows = importances(outcomes, space)
    return {
        "parallel": themed_picture(
            out,
            "parallel",
            lambda theme: parallel_figure(outcomes, list(chosen.values()), space, theme),
            "One line for each setting across its values, ending at its inner UF1.",
        ),
        "importance": themed_picture(
            out,
            "importance",
            lambda theme: importance_figure(rows, theme),
            "Bars: the part of each setting in the variance of inner UF1.",
        ),
        "curves": themed_picture(
            out,
            "curves",
            lambda theme: curves_figure(chosen, theme),
            "Learning curves of the chosen settings with the range over their inner folds.",
        ),
        "history": themed_picture(
            out,
            "history",
            lambda theme: history_figure(outcomes, theme),
            "Inner UF1 of each proposal, and the best so far.",
        ),
        "latency": themed_picture(
            out,
            "latency",
            lambda theme: latency_figure(outcomes, theme),
            "Inner UF1 against the milliseconds for one picture.",
        ),
    }


def _chosen(outcomes: Sequence[Outcome], study: Mapping[str, Any]) -> dict[str, Outcome]:
    """Return the best outcome of each group that has one, by the study's own rule."""
    config = from_dict(SearchConfig, study["config"])
    found = {}
    for group in study["groups"]:
        if ranked([one for one in outcomes if one.group == group]):
            found[group] = choose(outcomes, group=group, config=config)
    return found


def _evaluation(folder: StudyFolder) -> Evaluation | None:
    try:
        return load_evaluation(folder.outer)
    except DataError:
        return None  # the outer score is being computed again


def _confusion(
    evaluation: Evaluation | None, chosen: Mapping[str, Outcome]
) -> dict[str, Any] | None:
    """Return the confusion matrix of the outer score, or else of the best setting's inner folds."""
    if evaluation is not None:
        network = evaluation.methods[NETWORK]
        counts = network.confusions(evaluation.labels, len(evaluation.classes)).sum(axis=0)
        caption = "Outer score: each subject predicted by a setting chosen without them."
    else:
        best = ranked(list(chosen.values()))
        if not best:
            return None
        counts = np.array(best[0].confusion)
        caption = f"Inner folds of the best setting so far (group {best[0].group})."
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return {"counts": counts.tolist(), "shares": shares.tolist(), "caption": caption}


def _group_rows(
    study: Mapping[str, Any], chosen: Mapping[str, Outcome], outcomes: Sequence[Outcome]
) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "tested": group["tested"],
            "outside": len(group["outside"]),
            "done": sum(one.group == name for one in outcomes),
            "uf1": chosen[name].uf1 if name in chosen else None,
            "latency": chosen[name].latency_ms if name in chosen else None,
            "setting": [
                (path.removeprefix("train."), short(value))
                for path, value in (chosen[name].setting if name in chosen else {}).items()
            ],
        }
        for name, group in study["groups"].items()
    ]


def _best_rows(outcomes: Sequence[Outcome], space: SearchSpace) -> list[dict[str, Any]]:
    return [
        {
            "group": one.group,
            "number": one.number + 1,
            "uf1": one.uf1,
            "latency": one.latency_ms,
            "values": [short(one.setting.get(path)) for path in space.paths],
        }
        for one in ranked(outcomes)[:BEST]
    ]


def _space_rows(space: SearchSpace) -> list[tuple[str, str]]:
    described = space.to_dict()
    if "settings" in described:
        return [(f"setting {i}", short(one)) for i, one in enumerate(described["settings"], 1)]
    rows = []
    for path, one in described["space"].items():
        if "choice" in one:
            text = "one of " + "; ".join(map(short, one["choice"]))
        else:
            low, high = one.get("uniform") or one["integer"]
            kind = "whole numbers " if "integer" in one else ""
            text = f"{kind}{short(low)} to {short(high)}{', logarithmic' if one['log'] else ''}"
        rows.append((path, text))
    return rows


def _databases(study: Mapping[str, Any]) -> list[str]:
    return sorted(
        {name.split("/")[0] for group in study["groups"].values() for name in group["tested"]}
    )
