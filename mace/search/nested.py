"""Nested cross-validation: from a recipe, a space and data to a score that no choice has touched.

The outer folds are groups of subjects. For each, Optuna's study of its own proposes settings, which
inner folds of all other subjects judge; the best one then predicts the group's subjects.
"""

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import optuna

from mace.config import to_dict
from mace.data.motion_set import MotionSet
from mace.errors import ConfigError, OutputError
from mace.evaluation.results import Evaluation
from mace.evaluation.summary import summarise
from mace.protocols.benchmarks import class_benchmark
from mace.provenance import provenance
from mace.search.choose import choose, described, different, earlier_settings
from mace.search.executors import Engine, InlineExecutor
from mace.search.folder import (
    FACTS,
    FIRST_GROUP,
    LOOKS,
    folder_lock,
    read_study,
    write_pointer,
)
from mace.search.folds import Group, make_groups, outside_subjects, tested_subjects
from mace.search.objective import Shared
from mace.search.outcome import Outcome
from mace.search.outer import ChosenFor, outer_score
from mace.search.plan import STORAGE, SearchPlan, refuse_difference
from mace.search.sampler import make_sampler, proposals
from mace.search.scheduler import Scheduler
from mace.search.setting import apply_setting, check_networks, check_space
from mace.search.storage import is_url, open_storage, shown, without_password
from mace.search.study import Study

type Data = MotionSet | Callable[[], MotionSet]
type Say = Callable[[str], None]


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


def nested_cross_validation(
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

    Whatever the study holds already is used: the same call goes on where an earlier one was ended,
    however it was ended, and with more `plan.config.trials` where a finished one stopped.

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
    corners = _check_plan(plan)
    with ExitStack() as stack:
        if not plan.join:
            stack.enter_context(folder_lock(plan.out))
        try:
            search = _open(data, plan, corners, say)
            search.run(engine)
            outcomes = search.outcomes()
            for study in search.studies.values():
                for number, reason in study.lost().items():
                    say(f"proposal {number} of group {study.group} was lost: {reason}")
            chosen: dict[str, Outcome] = {}
            evaluation = None
            if not plan.join:
                for group in search.studies:
                    chosen[group] = choose(outcomes, group=group, config=plan.config)
                evaluation = _score(
                    search, outcomes, chosen, seeds=seeds, workers=workers, baselines=baselines
                )
        except optuna.exceptions.StorageInternalError as error:
            raise OutputError(
                f"the storage {shown(plan.storage)} stopped answering; what is in it is kept, and "
                "the same command goes on from there"
            ) from error
        return SearchResult(
            folder=Path(plan.out),
            outcomes=outcomes,
            evaluated=search.evaluated,
            chosen=chosen,
            evaluation=evaluation,
        )


def _check_plan(plan: SearchPlan) -> list[Any]:
    """Refuse what can be refused before the data are read, which may take an hour."""
    if plan.benchmark and class_benchmark(plan.benchmark).folds != "loso":
        raise ConfigError(
            f"{plan.benchmark} has folds of its own, and a search predicts one subject at a time; "
            "evaluate a chosen setting under it with mace evaluate"
        )
    corners = check_space(plan.space, plan.train)
    make_sampler(plan.config, plan.space, "", lambda trial: trial.number)
    if plan.earlier and (plan.space.listed or plan.config.sampler == "grid"):
        raise ConfigError("a list or a grid tries everything it holds; leave out --from")
    for earlier in plan.earlier:
        read_study(earlier)
    if is_url(plan.storage) or Path(plan.storage).exists():
        open_storage(plan.storage)
        if f"{plan.study_name}/{FIRST_GROUP}" in optuna.get_all_study_names(
            open_storage(plan.storage)
        ):
            study = _study(plan, FIRST_GROUP, epochs=1)
            _refuse_others(plan, study)
            refuse_difference(
                study.optuna.user_attrs.get(FACTS, {}).get("identity", {}),
                plan.identity(),
                what=f"the search {plan.study_name}",
            )
    return corners


def _refuse_others(plan: SearchPlan, study: Study) -> None:
    others = [] if plan.join else study.others(plan.owner)
    if others:
        raise ConfigError(
            f"another search ({', '.join(others)}) is at work on {plan.study_name} in "
            f"{shown(plan.storage)}; wait for it, work beside it with --join, or choose another "
            f"{'--name' if plan.database else '--out'} (one that was killed counts as gone after "
            "a minute)"
        )


def _open(data: Data, plan: SearchPlan, corners: list[Any], say: Say) -> Scheduler:
    motion_set = data if isinstance(data, MotionSet) else data()
    height, width, channels = motion_set.inputs.shape[2:]
    check_networks(corners, shape=(height, width, channels), classes=len(motion_set.classes))
    groups = {group.name: group for group in make_groups(motion_set, plan.config)}
    begun = {
        name: earlier_settings(
            map(read_study, plan.earlier), plan.space, tested_subjects(group, motion_set)
        )
        for name, group in groups.items()
    }
    facts = _facts(plan, motion_set, groups)
    epochs = max(plan.train.epochs, *(corner.epochs for corner in corners))
    studies = {group: _study(plan, group, epochs=epochs) for group in groups}
    first = studies[FIRST_GROUP]
    known = first.optuna.user_attrs.get(FACTS)
    if known is not None:
        refuse_difference(
            known["identity"], facts["identity"], what=f"the search {plan.study_name}"
        )
    for name, group in facts["groups"].items():
        before = set() if known is None else set(known["groups"][name]["informed_by"])
        group["informed_by"] = sorted({*group["outside"], *before, *begun[name][2]})
    if known is None or not plan.join or facts["groups"] != known["groups"]:
        first.optuna.set_user_attr(FACTS, facts)
    database = STORAGE if not plan.database else without_password(_absolute(plan.database))
    write_pointer(plan.out, storage=database, name=plan.study_name)
    for group, study in studies.items():
        settings, notes, _ = begun[group]
        study.warm_start(settings)
        for note in notes:
            say(note)
        study.recover(plan.owner)
    shared = Shared(
        motion_set=motion_set,
        train=plan.train,
        epochs=epochs,
        groups=groups,
        config=plan.config,
        studies={group: study.name for group, study in studies.items()},
        storage=plan.storage,
    )
    return Scheduler(plan, facts, studies, shared)


def _study(plan: SearchPlan, group: str, *, epochs: int) -> Study:
    return Study(
        f"{plan.study_name}/{group}",
        group,
        storage=plan.storage,
        space=plan.space,
        config=plan.config,
        epochs=epochs,
    )


def _absolute(database: str) -> str:
    return database if is_url(database) else str(Path(database).resolve())


def _facts(plan: SearchPlan, motion_set: MotionSet, groups: Mapping[str, Group]) -> dict[str, Any]:
    return {
        "name": plan.study_name,
        "title": plan.title,
        "identity": {"data": motion_set.fingerprint} | plan.identity(),
        "config": to_dict(plan.config),
        "proposals": proposals(plan.config, plan.space),
        "groups": {
            group.name: {
                "tested": list(tested_subjects(group, motion_set)),
                "outside": list(outside_subjects(group, motion_set)),
            }
            for group in groups.values()
        },
        "classes": list(motion_set.classes),
        "motion": to_dict(motion_set.motion),
        "clips": len(motion_set),
        "description": dict(plan.description),
        "command": plan.command or shlex.join(sys.argv),
        "provenance": provenance(),
    }


def _score(
    search: Scheduler,
    outcomes: Sequence[Outcome],
    chosen: Mapping[str, Outcome],
    *,
    seeds: tuple[int, ...],
    workers: int,
    baselines: bool,
) -> Evaluation:
    plan, first = search.plan, search.studies[FIRST_GROUP].optuna
    looks: list[dict[str, Any]] = first.user_attrs.get(LOOKS, [])
    settings = {group: dict(outcome.setting) for group, outcome in chosen.items()}
    tried = len(different(outcomes))
    # The same choice after the same number of settings is the same look, made again.
    earlier = [look for look in looks if (look["tried"], look["settings"]) != (tried, settings)]
    evaluation = outer_score(
        search.shared.motion_set,
        [
            ChosenFor(
                subjects=tuple(search.facts["groups"][group]["tested"]),
                train=apply_setting(plan.train, outcome.setting),
            )
            for group, outcome in chosen.items()
        ],
        train=plan.train,
        run_dir=Path(plan.out) / "outer",
        seeds=seeds,
        title=plan.title,
        description=dict(plan.description) | described(outcomes, chosen, plan.space, earlier),
        command=search.facts["command"],
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
    first.set_user_attr(LOOKS, [*earlier, look])
    return evaluation


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
