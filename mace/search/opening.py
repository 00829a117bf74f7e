"""Everything that is checked before the first setting is trained."""

import shlex
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from mace.config import to_dict
from mace.data.motion_set import MotionSet
from mace.errors import ConfigError
from mace.protocols.benchmarks import BENCHMARKS
from mace.provenance import provenance
from mace.search.checking import check_networks, check_space
from mace.search.folder import StudyFolder
from mace.search.group_study import GroupStudy
from mace.search.groups import Group, make_groups, outside_subjects, tested_subjects
from mace.search.identity import identity_of, refuse_difference
from mace.search.lock import study_lock
from mace.search.objective import Shared
from mace.search.plan import SearchPlan
from mace.search.proposing import make_sampler, proposals
from mace.search.refusing import refuse_early, refuse_others
from mace.search.searcher import Searcher
from mace.search.warm import earlier_settings

type Data = MotionSet | Callable[[], MotionSet]
type Say = Callable[[str], None]


@dataclass(frozen=True, eq=False, kw_only=True)
class OpenStudy:
    """A study that this process may work on."""

    folder: StudyFolder
    facts: dict[str, Any]
    groups: Mapping[str, Group]
    studies: Mapping[str, GroupStudy]
    shared: Shared
    searcher: Searcher


def open_study(data: Data, plan: SearchPlan, *, stack: ExitStack, say: Say) -> OpenStudy:
    """Check a plan against itself, the data, the storage and whoever else works on the study.

    What takes long, reading the data, comes after all that can be said without it.

    Args:
        data: the clips, or a function that reads them.
        plan: what is searched.
        stack: holds the study's folder until it is closed.
        say: shows a line to a person.

    Raises:
        ConfigError: for an impossible space or setting, a storage out of reach, a study of other
            settings, or another search at work on it.
        DataError: if there are too few subjects.
        OutputError: if the folder or the journal cannot be written.
    """
    if plan.benchmark and BENCHMARKS[plan.benchmark].folds != "loso":
        raise ConfigError(
            f"{plan.benchmark} holds out databases, and a search predicts one subject at a "
            "time; evaluate a chosen setting under it with mace evaluate"
        )
    corners = check_space(plan.space, plan.train)
    make_sampler(plan.config, plan.space, "")
    if plan.earlier and (plan.space.listed or plan.config.sampler == "grid"):
        raise ConfigError("a list or a grid tries everything it holds; leave out --from")
    for earlier in plan.earlier:
        StudyFolder(earlier).read()
    folder = StudyFolder(plan.out)
    # Before the folder is made: a storage out of reach, or a study that is not to be worked on,
    # leaves nothing behind.
    identity = identity_of(plan)
    refuse_early(plan, folder, identity)
    stack.enter_context(study_lock(folder.path, join=plan.join))
    motion_set = data if isinstance(data, MotionSet) else data()
    height, width, channels = motion_set.inputs.shape[2:]
    check_networks(corners, shape=(height, width, channels), classes=len(motion_set.classes))
    groups = {group.name: group for group in make_groups(motion_set, plan.config)}
    identity = {"data": motion_set.fingerprint} | identity
    facts = _facts(plan, motion_set, groups, identity)
    known = folder.find()
    if known is not None:
        refuse_difference(known["identity"], identity, what=f"the search in {folder.path}")
    epochs = max(plan.train.epochs, *(corner.epochs for corner in corners))
    studies = {
        group: GroupStudy(
            f"{plan.study_name}/{group}",
            group,
            address=plan.address,
            space=plan.space,
            config=plan.config,
            epochs=epochs,
            proposals=facts["proposals"],
        )
        for group in groups
    }
    first = next(iter(studies.values()))
    # Announced before it looks: of two that start at one moment at least one sees the other.
    searcher = stack.enter_context(Searcher(first.study, folder.path, join=plan.join))
    refuse_others(plan, searcher.others())
    for study in studies.values():
        study.identify(identity)
    if known is None or not plan.join:
        folder.write(facts)
    _warm_start(plan, facts, studies, say)
    shared = Shared(
        motion_set=motion_set,
        train=plan.train,
        epochs=epochs,
        groups=groups,
        config=plan.config,
        studies={group: study.name for group, study in studies.items()},
        storage=plan.address,
    )
    return OpenStudy(
        folder=folder,
        facts=facts,
        groups=groups,
        studies=studies,
        shared=shared,
        searcher=searcher,
    )


def _facts(
    plan: SearchPlan,
    motion_set: MotionSet,
    groups: Mapping[str, Group],
    identity: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "name": plan.study_name,
        "title": plan.title,
        "identity": dict(identity),
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
        "storage": plan.address.shown,
        "description": dict(plan.description),
        "command": plan.command or shlex.join(sys.argv),
        "provenance": provenance(),
    }


def _warm_start(
    plan: SearchPlan, facts: Mapping[str, Any], studies: Mapping[str, GroupStudy], say: Say
) -> None:
    for group, study in studies.items():
        settings, notes = earlier_settings(
            plan.earlier, plan.space, facts["groups"][group]["tested"]
        )
        if study.warm_start(settings) or not settings:
            for note in notes:
                say(note)
