"""Everything that is checked before the first setting is trained."""

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mace.config import hashed_settings, to_dict
from mace.data import MotionSet
from mace.errors import ConfigError, DataError
from mace.protocols import BENCHMARKS, BenchmarkName
from mace.provenance import provenance
from mace.search.checking import check_networks, check_space
from mace.search.config import SearchConfig
from mace.search.folder import StudyFolder
from mace.search.group_study import GroupStudy, refuse_difference
from mace.search.groups import Group, make_groups, outside_subjects, tested_subjects
from mace.search.lock import study_lock
from mace.search.naming import code_version
from mace.search.objective import Shared
from mace.search.proposing import make_sampler, proposals
from mace.search.searcher import Searcher
from mace.search.space import SearchSpace
from mace.search.storage import JOURNAL, StorageAddress, open_storage
from mace.search.warm import earlier_settings
from mace.training import TrainConfig

type Data = MotionSet | Callable[[], MotionSet]
type Say = Callable[[str], None]


@dataclass(frozen=True, eq=False, kw_only=True)
class SearchPlan:
    """What is searched, and where it is kept.

    Attributes:
        train: the recipe's training, which the space varies.
        space: what may be tried.
        config: how.
        out: folder of the study.
        name: of the study in a shared storage; that of the folder if empty.
        storage: URL of a database, or path of a journal, in place of the folder's own journal.
        join: work beside other searches on this study, and leave the outer score to one of them.
        earlier: folders of studies whose best settings are tried first.
        benchmark: the protocol that the outer score is called after, if any.
        title: what tables call the result.
        description: further facts for the report.
        command: that makes the results; this process's if empty.
    """

    train: TrainConfig
    space: SearchSpace
    config: SearchConfig
    out: Path
    name: str = ""
    storage: str = ""
    join: bool = False
    earlier: Sequence[Path] = ()
    benchmark: BenchmarkName | None = None
    title: str = "MACNN, searched"
    description: Mapping[str, str] = field(default_factory=dict)
    command: str = ""

    @property
    def address(self) -> StorageAddress:
        """Return where the proposals are kept."""
        return StorageAddress(self.storage or str(Path(self.out) / JOURNAL))

    @property
    def study_name(self) -> str:
        """Return the study's name in the storage; each group's has its own below it."""
        return self.name or Path(self.out).resolve().name


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
            f"{plan.benchmark} holds out databases, and a search answers for one subject at a "
            "time; evaluate a chosen setting under it with mace evaluate"
        )
    corners = check_space(plan.space, plan.train)
    make_sampler(plan.config, plan.space, "")
    if plan.earlier and (plan.space.listed or plan.config.sampler == "grid"):
        raise ConfigError("a list or a grid tries everything it holds; leave out --from")
    for earlier in plan.earlier:
        StudyFolder(earlier).read()
    folder = StudyFolder(plan.out)
    # Before the folder is made: a storage out of reach leaves nothing behind.
    open_storage(plan.address)
    stack.enter_context(study_lock(folder.path, join=plan.join))
    motion_set = data if isinstance(data, MotionSet) else data()
    height, width, channels = motion_set.inputs.shape[2:]
    check_networks(corners, shape=(height, width, channels), classes=len(motion_set.classes))
    groups = {group.name: group for group in make_groups(motion_set, plan.config)}
    facts = _facts(plan, motion_set, groups)
    known = _known(folder)
    if known is not None:
        refuse_difference(known["identity"], facts["identity"], what=f"the search in {folder.path}")
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
    searcher = stack.enter_context(Searcher(first.study, folder.path))
    others = searcher.others()
    if others and not plan.join:
        raise ConfigError(
            f"{len(others)} other search(es) are at work on {plan.study_name} in "
            f"{plan.address.shown}; wait for them, or work beside them with --join"
        )
    for study in studies.values():
        study.identify(facts["identity"])
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


def _facts(plan: SearchPlan, motion_set: MotionSet, groups: Mapping[str, Group]) -> dict[str, Any]:
    return {
        "name": plan.study_name,
        "title": plan.title,
        "identity": {
            "data": motion_set.fingerprint,
            "recipe": {"train": hashed_settings(plan.train)},
            "space": plan.space.to_dict(),
            "search": hashed_settings(plan.config),
            "code": code_version(),
        },
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


def _known(folder: StudyFolder) -> dict[str, Any] | None:
    try:
        return folder.read()
    except DataError:
        return None


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
