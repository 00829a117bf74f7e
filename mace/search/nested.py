"""Nested cross-validation: from a recipe, a space and data to a score that no choice has touched.

The outer folds are groups of subjects. For each, Optuna's study of its own proposes settings, which
inner folds of all other subjects judge; the best one then predicts the group's subjects.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from jaxtyping import Int

from mace.config import to_dict
from mace.data.motion_set import MotionSet
from mace.errors import ConfigError
from mace.evaluation.config import NETWORK, EvaluationConfig, ProtocolConfig
from mace.evaluation.cross_validation import evaluate_methods
from mace.evaluation.methods.make import make_methods
from mace.evaluation.methods.method import FoldPredictions, Method
from mace.evaluation.methods.network import Network
from mace.evaluation.results import Evaluation
from mace.evaluation.summary import summarise
from mace.protocols.benchmarks import class_benchmark
from mace.protocols.folds import Fold
from mace.protocols.inner import nested_folds
from mace.provenance import provenance
from mace.search.choose import choose, described, earlier_settings
from mace.search.config import SearchPlan
from mace.search.executors import Engine, InlineExecutor
from mace.search.folder import (
    folder_lock,
    identity,
    refuse_another_pointer,
    refuse_difference,
    write_pointer,
)
from mace.search.objective import Shared
from mace.search.sampler import NumberedSampler, proposals, seed_of
from mace.search.scheduler import Scheduler
from mace.search.setting import (
    apply_setting,
    check_networks,
    check_space,
    own_networks,
    refuse_edited,
)
from mace.search.space import encoded
from mace.search.storage import answering, is_ready, open_storage
from mace.search.stored import looks_of, read_study
from mace.search.study import FACTS, FIRST_GROUP, LOOK, Outcome, Study, different
from mace.training.config import TrainConfig

# Of a study whose process was killed before it could say any.
NO_FACTS: Mapping[str, Any] = {"identity": {}, "groups": {}}

type Data = MotionSet | Callable[[], MotionSet]


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
) -> SearchResult:
    """Search, then score: each subject is predicted by a setting chosen without them.

    Whatever the study holds already is used: the same call goes on where an earlier one was ended,
    however it was ended, and with more `plan.config.trials` where a finished one stopped.

    Args:
        data: the clips, or a function that reads them, called after all that needs no data.
        plan: what is searched, and where it is kept.
        engine: where settings are trained; this process by default.
        seeds: training seeds of the outer score.
        workers: processes of the outer score, as `evaluate_methods` has them.
        baselines: whether the outer score has the shallow baselines beside it.

    Raises:
        ConfigError: for an impossible space or setting, a storage out of reach, a study of other
            settings, or another search at work in its folder.
        DataError: if there are too few subjects.
        OutputError: if a result cannot be stored, or the storage does not answer.
        TrainingError: if no setting could be trained, or an outer training fails.
    """
    with answering(plan.storage):
        corners = _check_plan(plan)
        with nullcontext() if plan.join else folder_lock(plan.out):
            search = _open(data, plan, corners)
            search.run(engine)
            outcomes = search.outcomes()
            for study in search.studies.values():
                for number, reason in study.lost().items():
                    _say(f"proposal {number} of group {study.group} was lost: {reason}")
            chosen: dict[str, Outcome] = {}
            evaluation = None
            if not plan.join:
                for group in search.studies:
                    chosen[group] = choose(outcomes, group=group, config=plan.config)
                evaluation = _score(
                    search, outcomes, chosen, seeds=seeds, workers=workers, baselines=baselines
                )
    return SearchResult(
        folder=Path(plan.out),
        outcomes=outcomes,
        evaluated=search.evaluated,
        chosen=chosen,
        evaluation=evaluation,
    )


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Trains, for each subject that is left out, with the setting that was chosen without them."""

    train: Mapping[str, TrainConfig]

    def __call__(
        self, motion_set: MotionSet, fold: Fold, *, seed: int, explain: bool
    ) -> FoldPredictions:
        """Predict the test clips of one subject; see `Method`."""
        (subject,) = {motion_set.subjects[i] for i in motion_set.groups[fold.test_index]}
        network = Network(train=self.train[subject])
        predictions = network(motion_set, fold, seed=seed, explain=explain)
        assert predictions.data_use is not None
        how = "settings by inner folds of subjects outside the tested one's group"
        selection = f"{how}; {predictions.data_use.selection}"
        return replace(predictions, data_use=replace(predictions.data_use, selection=selection))


def _check_plan(plan: SearchPlan) -> list[TrainConfig]:
    """Refuse what can be refused before the data are read, which may take an hour."""
    if plan.benchmark and class_benchmark(plan.benchmark).folds != "loso":
        raise ConfigError(
            f"{plan.benchmark} has folds of its own, and a search predicts one subject at a time; "
            "evaluate a chosen setting under it with mace evaluate"
        )
    corners = check_space(plan.space, plan.train)
    NumberedSampler(plan.config, plan.space, "")
    if plan.earlier and (plan.space.listed or plan.config.sampler == "grid"):
        raise ConfigError("a list or a grid tries everything it holds; leave out --from")
    for earlier in plan.earlier:
        read_study(earlier)
    refuse_another_pointer(plan)
    if is_ready(plan.storage):
        storage, name = open_storage(plan.storage), plan.name_of(FIRST_GROUP)
        if name in optuna.get_all_study_names(storage):
            study = optuna.load_study(study_name=name, storage=storage)
            known = study.user_attrs.get(FACTS, NO_FACTS)
            refuse_difference(known["identity"], identity(plan), name=plan.name)
    return corners


def _open(data: Data, plan: SearchPlan, corners: list[TrainConfig]) -> Scheduler:
    """Read the data, and open or go on with the study of each group."""
    motion_set = data if isinstance(data, MotionSet) else data()
    height, width, channels = motion_set.inputs.shape[2:]
    check_networks(corners, shape=(height, width, channels), classes=len(motion_set.classes))
    config, epochs = plan.config, max(plan.train.epochs, *(corner.epochs for corner in corners))
    folds = {
        fold.name: fold
        for fold in nested_folds(
            motion_set.groups, outer=config.groups, inner=config.inner_folds, seed=config.seed
        )
    }
    tested = {name: _people(motion_set, fold.test_index) for name, fold in folds.items()}
    earlier = [read_study(folder) for folder in plan.earlier]
    begun = {name: earlier_settings(earlier, plan.space, tested[name]) for name in folds}
    studies = {name: Study(plan, name, epochs=epochs) for name in folds}
    first = studies[FIRST_GROUP].optuna
    known = first.user_attrs.get(FACTS, NO_FACTS)
    facts = _facts(plan, motion_set)
    refuse_difference(known["identity"], facts["identity"], name=plan.name)
    facts["groups"] = groups = {}
    for name, fold in folds.items():
        outside = _people(motion_set, fold.train_index)
        before = known["groups"].get(name, {"informed_by": []})["informed_by"]
        informed_by = sorted({*outside, *before, *begun[name].people})
        groups[name] = {"tested": tested[name], "outside": outside, "informed_by": informed_by}
    if not plan.join or groups != known["groups"]:
        first.set_user_attr(FACTS, facts)
    write_pointer(plan)
    for name, study in studies.items():
        study.warm_start(begun[name].settings)
        for note in begun[name].notes:
            _say(note)
        study.recover(begin=True)
    own = own_networks(plan.space, plan.train)
    shared = Shared(plan=plan, motion_set=motion_set, folds=folds, epochs=epochs, own=own)
    return Scheduler(shared, studies)


def _facts(plan: SearchPlan, motion_set: MotionSet) -> dict[str, Any]:
    return {
        "name": plan.name,
        "title": plan.title,
        "identity": {"data": motion_set.fingerprint} | identity(plan),
        "config": to_dict(plan.config),
        "proposals": proposals(plan.config, plan.space),
        "classes": list(motion_set.classes),
        "clips": len(motion_set),
        "description": dict(plan.description),
        "command": plan.command,
        "provenance": provenance(),
    }


def _people(motion_set: MotionSet, clips: Int[np.ndarray, " m"]) -> list[str]:
    return [motion_set.subjects[subject] for subject in np.unique(motion_set.groups[clips])]


def _score(
    search: Scheduler,
    outcomes: Sequence[Outcome],
    chosen: Mapping[str, Outcome],
    *,
    seeds: tuple[int, ...],
    workers: int,
    baselines: bool,
) -> Evaluation:
    """Leave one subject out, each time training with their group's setting; a look, remembered."""
    plan, first = search.plan, search.studies[FIRST_GROUP].optuna
    refuse_edited(search.shared.own)
    settings = {group: dict(outcome.setting) for group, outcome in chosen.items()}
    tried = len(different(outcomes))
    # The same choice after the same number of settings is the same look, made again.
    name = f"{LOOK}{seed_of(tried, encoded(settings)):08x}"
    earlier = [
        seen for seen in looks_of(first) if (seen["tried"], seen["settings"]) != (tried, settings)
    ]
    trains = {
        subject: apply_setting(plan.train, setting)
        for group, setting in settings.items()
        for subject in _people(search.shared.motion_set, search.shared.folds[group].test_index)
    }
    protocol = ProtocolConfig(kind="loso", benchmark=plan.benchmark)
    config = EvaluationConfig(train=plan.train, protocol=protocol, seeds=seeds)
    if not baselines:
        config = replace(config, logistic_regression=None, svm=None, kernel_ridge=None)
    methods: dict[str, Method] = {**make_methods(config), NETWORK: Chosen(train=trains)}

    def look(evaluation: Evaluation) -> None:
        refuse_edited(search.shared.own)
        # Before anybody can see the score: a process that is killed has looked as well.
        summary = summarise(evaluation)
        facts = {
            "tried": tried,
            "settings": settings,
            "uf1": summary.uf1,
            "uar": summary.uar,
            "created": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        first.set_user_attr(name, facts)

    return evaluate_methods(
        search.shared.motion_set,
        config=config,
        run_dir=Path(plan.out) / "outer",
        title=plan.title,
        description=dict(plan.description) | described(outcomes, chosen, plan.space, earlier),
        command=plan.command,
        workers=workers,
        methods=methods,
        scored=look,
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
