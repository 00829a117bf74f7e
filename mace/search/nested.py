"""Nested cross-validation: from a recipe, a space and data to a score that no choice has touched.

The outer folds are groups of subjects. For each, Optuna's study of its own proposes settings, which
inner folds of all other subjects judge; the best one then predicts the group's subjects.
"""

import platform
import shlex
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import optuna

from mace.config import to_dict
from mace.data.motion_set import MotionSet
from mace.errors import ConfigError, MaceError, OutputError, WorkerError
from mace.evaluation.results import Evaluation
from mace.evaluation.summary import summarise
from mace.progress import Advance, progress
from mace.protocols.benchmarks import BENCHMARKS
from mace.provenance import provenance
from mace.search.choose import choose, described, different, name_of
from mace.search.executors import Engine, Executor, InlineExecutor
from mace.search.folder import (
    FACTS,
    FIRST_GROUP,
    LOOKS,
    StoredStudy,
    folder_lock,
    read_study,
    write_pointer,
)
from mace.search.folds import Group, make_groups, outside_subjects, tested_subjects
from mace.search.objective import Shared, evaluate
from mace.search.outer import ChosenFor, outer_score
from mace.search.plan import STORAGE, SearchPlan, refuse_difference
from mace.search.sampler import make_sampler, proposals
from mace.search.setting import apply_setting, check_networks, check_space, text_of
from mace.search.space import SearchSpace, Setting, plain
from mace.search.storage import BEAT_S, is_url, open_storage, shown, without_password
from mace.search.study import Candidate, Outcome, Study, ranked

type Data = MotionSet | Callable[[], MotionSet]
type Say = Callable[[str], None]

# How often a search that has nothing left looks whether the others are done.
POLL_S = 1.0
# Of each earlier study, so many settings are tried first.
WARM = 3


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
        search = _open(data, plan, corners, say)
        try:
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
    if plan.benchmark and BENCHMARKS[plan.benchmark].folds != "loso":
        raise ConfigError(
            f"{plan.benchmark} holds out databases, and a search predicts one subject at a "
            "time; evaluate a chosen setting under it with mace evaluate"
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
    others = [] if plan.join else study.others(_owner(plan))
    if others:
        raise ConfigError(
            f"another search ({', '.join(others)}) is at work on {plan.study_name} in "
            f"{shown(plan.storage)}; wait for it, work beside it with --join, or choose another "
            f"{'--name' if plan.database else '--out'} (one that was killed counts as gone after "
            "a minute)"
        )


def _open(data: Data, plan: SearchPlan, corners: list[Any], say: Say) -> "_Search":
    motion_set = data if isinstance(data, MotionSet) else data()
    height, width, channels = motion_set.inputs.shape[2:]
    check_networks(corners, shape=(height, width, channels), classes=len(motion_set.classes))
    groups = {group.name: group for group in make_groups(motion_set, plan.config)}
    facts = _facts(plan, motion_set, groups)
    epochs = max(plan.train.epochs, *(corner.epochs for corner in corners))
    studies = {group: _study(plan, group, epochs=epochs) for group in groups}
    first = studies[FIRST_GROUP]
    known = first.optuna.user_attrs.get(FACTS)
    if known is not None:
        refuse_difference(
            known["identity"], facts["identity"], what=f"the search {plan.study_name}"
        )
    if known is None or not plan.join:
        first.optuna.set_user_attr(FACTS, facts)
    database = STORAGE if not plan.database else without_password(_absolute(plan.database))
    write_pointer(plan.out, storage=database, name=plan.study_name)
    for group, study in studies.items():
        settings, notes = earlier_settings(
            map(read_study, plan.earlier), plan.space, facts["groups"][group]["tested"]
        )
        study.warm_start(settings)
        for note in notes:
            say(note)
        study.recover(_owner(plan))
    shared = Shared(
        motion_set=motion_set,
        train=plan.train,
        epochs=epochs,
        groups=groups,
        config=plan.config,
        studies={group: study.name for group, study in studies.items()},
        storage=plan.storage,
    )
    return _Search(plan, facts, studies, shared)


def _study(plan: SearchPlan, group: str, *, epochs: int) -> Study:
    return Study(
        f"{plan.study_name}/{group}",
        group,
        storage=plan.storage,
        space=plan.space,
        config=plan.config,
        epochs=epochs,
    )


def _owner(plan: SearchPlan) -> str:
    """Return the folder whose lock says that this search lives; those that join hold none."""
    return "" if plan.join else f"{platform.node()}:{Path(plan.out).resolve()}"


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


def earlier_settings(
    studies: Iterable[StoredStudy], space: SearchSpace, tested: Iterable[str]
) -> tuple[list[Setting], list[str]]:
    """Return the best settings of earlier studies that a group may begin with, and what was not.

    An earlier group's results count only if none of the subjects who judged its settings is
    tested here: otherwise their labels would speak through the choice.

    Args:
        studies: finished or not.
        space: settings outside of it are left out.
        tested: names of the subjects whom this group's choice will be tested on.

    Returns:
        The settings, and sentences for people about what could not be used.
    """
    here = set(tested)
    settings: list[Setting] = []
    notes: list[str] = []
    for study in studies:
        groups = study.facts["groups"]
        allowed = [name for name in groups if not here & set(groups[name]["outside"])]
        if not allowed:
            notes.append(
                f"nothing of {study.name} is used for the group that tests {min(here)}: its "
                "settings were judged on people who are tested here"
            )
            continue
        outcomes = [outcome for outcome in study.outcomes() if outcome.group in allowed]
        usable = [outcome for outcome in ranked(outcomes) if _fits(space, outcome.setting)]
        if outcomes and not usable:
            notes.append(f"no setting of {study.name} lies in this search space")
        for outcome in usable[:WARM]:
            if plain(outcome.setting) not in settings:
                settings.append(plain(outcome.setting))
    return settings, notes


def _fits(space: SearchSpace, setting: Setting) -> bool:
    try:
        space.to_params(setting)
    except MaceError:
        return False
    return set(setting) == set(space.paths)


class _Search:
    """Proposals to workers, and what they come to into the study, until all have an outcome."""

    def __init__(
        self,
        plan: SearchPlan,
        facts: dict[str, Any],
        studies: Mapping[str, Study],
        shared: Shared,
    ) -> None:
        self.plan, self.facts, self.studies, self.shared = plan, facts, studies, shared
        self._known = different(self.outcomes())
        # Equal settings wait for one evaluation.
        self._under_way: dict[tuple[str, str], list[Candidate]] = {}
        self._order = deque(studies.values())
        self._advance: Advance
        self.evaluated = 0

    def outcomes(self) -> list[Outcome]:
        """Return what the finished proposals of all groups came to."""
        return [outcome for study in self.studies.values() for outcome in study.outcomes()]

    def run(self, engine: Engine) -> None:
        """Evaluate until every proposal has an outcome.

        Without `plan.join`, those of others are waited for, and taken over if they die.
        """
        total = self.facts["proposals"] * len(self.studies)
        done = sum(len(s.outcomes()) + len(s.lost()) for s in self.studies.values())
        title = f"searching {self.plan.study_name}"
        with progress(title, total, done=min(done, total)) as self._advance, self._heart():
            while True:
                job = self._next_job()
                if job is not None:
                    with engine(evaluate, self.shared) as executor:
                        self._work(executor, job)
                elif self.plan.join or not any(s.running for s in self.studies.values()):
                    return
                else:
                    time.sleep(POLL_S)
                    for study in self.studies.values():
                        study.recover()

    def _work(self, executor: Executor, job: list[Candidate] | None) -> None:
        jobs: dict[Future[Any], list[Candidate]] = {}
        failure: BaseException | None = None
        while job is not None or jobs:
            if job is not None:
                jobs[executor.submit(job)] = job
            for future in wait(jobs, 0 if job else None, FIRST_COMPLETED).done:
                failure = self._record(jobs.pop(future), future) or failure
            # Once the work itself has failed, what is under way ends, and nothing is begun.
            ready = failure is None and len(jobs) < executor.slots
            job = self._next_job() if ready else None
        if failure is not None:
            raise failure

    def _next_job(self) -> list[Candidate] | None:
        job: list[Candidate] = []
        while len(job) < self.plan.config.per_job:
            candidate = self._next()
            if candidate is None:
                break
            name = name_of(candidate.group, candidate.setting)
            if name in self._known:
                self._tell(candidate, self._known[name])
            elif name in self._under_way:
                self._under_way[name].append(candidate)
            else:
                self._under_way[name] = [candidate]
                job.append(candidate)
        return job or None

    def _next(self) -> Candidate | None:
        """Return the next proposal, the groups taking turns."""
        for _ in range(len(self._order)):
            self._order.rotate(-1)
            asked = self._order[-1].ask(_owner(self.plan))
            if asked is not None:
                candidate, outcome = asked
                if outcome is not None:
                    self._known.setdefault(name_of(candidate.group, candidate.setting), outcome)
                return candidate
        return None

    def _record(self, job: list[Candidate], future: Future[Any]) -> BaseException | None:
        error = future.exception()
        if error is not None and not isinstance(error, WorkerError):
            return error
        for index, candidate in enumerate(job):
            name = name_of(candidate.group, candidate.setting)
            for waiting in self._under_way.pop(name):
                if error is None:
                    self._known[name] = future.result()[index]
                    self._tell(waiting, self._known[name])
                else:
                    self.studies[waiting.group].lose(waiting, str(error))
                    self._advance(note=f"lost: {error}")
            self.evaluated += error is None
        return None

    def _tell(self, candidate: Candidate, outcome: Outcome) -> None:
        self.studies[candidate.group].tell(candidate, outcome)
        best = ranked(list(self._known.values()))
        note = f"best inner UF1 {best[0].uf1:.3f}: {text_of(best[0].setting)}" if best else ""
        self._advance(note=note)

    @contextmanager
    def _heart(self) -> Iterator[None]:
        end = threading.Event()

        def beat() -> None:
            while not end.wait(BEAT_S):
                for study in self.studies.values():
                    study.beat()

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            end.set()
            thread.join()


def _score(
    search: _Search,
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
        "uf1": summary["uf1"],
        "uar": summary["uar"],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    first.set_user_attr(LOOKS, [*earlier, look])
    return evaluation


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
