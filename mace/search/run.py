"""`run_search`: from a recipe, a space and a data set to a score that no choice has touched."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import optuna

from mace.errors import OutputError
from mace.evaluation.results import Evaluation
from mace.evaluation.summary import summarise
from mace.progress import progress
from mace.search.choosing import choose
from mace.search.executors.inline import InlineExecutor
from mace.search.executors.make import Engine
from mace.search.group_study import GroupStudy
from mace.search.loop import SearchLoop
from mace.search.opening import Data, OpenStudy, Say, open_study
from mace.search.outer import ChosenFor, outer_score
from mace.search.plan import SearchPlan
from mace.search.results import Outcome, Results
from mace.search.setting import apply_setting
from mace.search.telling import described


@dataclass(frozen=True, eq=False, kw_only=True)
class SearchResult:
    """What a search came to.

    Attributes:
        folder: of the study.
        outcomes: of every proposal.
        evaluated: how many settings this call has trained; the others were there already.
        chosen: the best outcome of each group; empty for a search that joined another one.
        evaluation: the outer score; None for a search that joined another one.
    """

    folder: Path
    outcomes: Sequence[Outcome]
    evaluated: int
    chosen: Mapping[str, Outcome]
    evaluation: Evaluation | None


def run_search(
    data: Data,
    plan: SearchPlan,
    *,
    engine: Engine = InlineExecutor,
    seeds: tuple[int, ...] = (0,),
    workers: int = 0,
    baselines: bool = True,
    say: Say | None = None,
) -> SearchResult:
    """Search, then score: each subject is predicted by a setting chosen without them.

    Whatever the study's folder and storage hold already is used: the same call goes on where an
    earlier one was ended, however it was ended, and with more `plan.config.trials` where a
    finished one stopped.

    Args:
        data: the clips, or a function that reads them, called after all that needs no data.
        plan: what is searched, and where it is kept.
        engine: where settings are trained; this process by default.
        seeds: training seeds of the outer score.
        workers: processes of the outer score, as `cross_validate` has them.
        baselines: whether the outer score has the shallow baselines beside it.
        say: shows a line to a person; standard error by default.

    Raises:
        ConfigError: for an impossible space or setting, a storage out of reach, a study of other
            settings, or another search at work on it.
        DataError: if there are too few subjects.
        OutputError: if a result cannot be stored.
        TrainingError: if no setting could be trained, or an outer training fails.
    """
    say = say or _say
    with ExitStack() as stack:
        study = open_study(data, plan, stack=stack, say=say)
        results = Results(study.folder.path)
        try:
            evaluated = _evaluate(study, plan, results, engine)
            outcomes = _collect(study.studies, results)
            for one in study.studies.values():
                for number, reason in one.lost().items():
                    say(f"proposal {number} of group {one.group} was lost: {reason}")
        except optuna.exceptions.StorageInternalError as error:
            raise OutputError(
                f"the storage {plan.address.shown} stopped answering; what is evaluated is kept "
                f"in {study.folder.path}, and the same command goes on from there"
            ) from error
        chosen: dict[str, Outcome] = {}
        evaluation = None
        if not plan.join:
            chosen = {
                group: choose(outcomes, group=group, config=plan.config) for group in study.groups
            }
            study.searcher.show("outer score")
            evaluation = _score(
                study, plan, outcomes, chosen, seeds=seeds, workers=workers, baselines=baselines
            )
        return SearchResult(
            folder=study.folder.path,
            outcomes=outcomes,
            evaluated=evaluated,
            chosen=chosen,
            evaluation=evaluation,
        )


def _evaluate(study: OpenStudy, plan: SearchPlan, results: Results, engine: Engine) -> int:
    total = study.facts["proposals"] * len(study.studies)
    done = sum(len(one.outcomes()) + len(one.lost()) for one in study.studies.values())
    with progress(f"searching {plan.study_name}", total, done=min(done, total)) as advance:
        loop = SearchLoop(study.shared, study.studies, results, study.searcher, advance)
        loop.run(engine, wait=not plan.join)
    return loop.evaluated


def _collect(studies: Mapping[str, GroupStudy], results: Results) -> list[Outcome]:
    """Return all outcomes, and keep here those that other machines have evaluated."""
    found = [outcome for study in studies.values() for outcome in study.outcomes().values()]
    # Read after the studies: whoever evaluates writes here first and tells the study then.
    stored = results.load()
    for outcome in found:
        if outcome.key not in stored:
            results.append(outcome)
            stored[outcome.key] = outcome
    return found


def _score(
    study: OpenStudy,
    plan: SearchPlan,
    outcomes: Sequence[Outcome],
    chosen: Mapping[str, Outcome],
    *,
    seeds: tuple[int, ...],
    workers: int,
    baselines: bool,
) -> Evaluation:
    looks: list[dict[str, Any]] = (study.folder.read_chosen() or {}).get("looks", [])
    settings = {group: dict(outcome.setting) for group, outcome in chosen.items()}
    tried = len({outcome.key for outcome in outcomes})
    # The same choice after the same number of settings is the same look, made again.
    earlier = [look for look in looks if (look["tried"], look["settings"]) != (tried, settings)]
    evaluation = outer_score(
        study.shared.motion_set,
        [
            ChosenFor(
                subjects=tuple(study.facts["groups"][group]["tested"]),
                train=apply_setting(plan.train, outcome.setting),
            )
            for group, outcome in chosen.items()
        ],
        train=plan.train,
        run_dir=study.folder.outer,
        seeds=seeds,
        title=plan.title,
        description=dict(plan.description) | described(outcomes, chosen, plan.space, earlier),
        command=study.facts["command"],
        workers=workers,
        baselines=baselines,
        benchmark=plan.benchmark,
    )
    summary = summarise(evaluation)
    look = {
        "tried": tried,
        "settings": settings,
        "uf1": summary.uf1,
        "uar": summary.uar,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    groups = {
        group: {"key": one.key, "number": one.number, "setting": settings[group], "uf1": one.uf1}
        for group, one in chosen.items()
    }
    study.folder.write_chosen({"tried": tried, "groups": groups, "looks": [*earlier, look]})
    return evaluation


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
