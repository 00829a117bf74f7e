"""A search as its storage holds it, for who reads it: report, top, a search that begins with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from mace.errors import DataError
from mace.search.folder import POINTER, read_pointer
from mace.search.storage import answering, is_url, open_storage, shown
from mace.search.study import FACTS, FIRST_GROUP, LOOK, Outcome, outcomes_of


@dataclass(frozen=True, eq=False, kw_only=True)
class StoredStudy:
    """What a storage holds of a search, finished or not.

    Attributes:
        name: of the study.
        storage: where it is, without a password.
        facts: what is searched on what: identity, configuration, groups, classes, command.
        looks: every outer score so far.
        studies: Optuna's study of each group.
    """

    name: str
    storage: str
    facts: Mapping[str, Any]
    looks: list[dict[str, Any]]
    studies: Mapping[str, optuna.Study]

    def trials(self) -> dict[str, list[FrozenTrial]]:
        """Return the trials of each group, in the order of their numbers.

        Raises:
            OutputError: if the storage does not answer.
        """
        with answering(self.storage):
            return {name: study.get_trials(deepcopy=False) for name, study in self.studies.items()}

    def outcomes(self) -> list[Outcome]:
        """Return what the finished proposals of all groups came to; errors as of `trials`."""
        return [
            outcome
            for trials in self.trials().values()
            for outcome in outcomes_of(trials, self.facts["proposals"])
        ]


def read_study(folder: Path, *, storage: str = "") -> StoredStudy:
    """Read what the storage holds of a folder's search.

    Args:
        folder: of the search.
        storage: of the study; where the folder says by default, without a password.

    Raises:
        DataError: if the folder holds no search, or the storage does not know it.
        ConfigError: if the storage is out of reach.
        OutputError: if it is a file of something else, or does not answer.
    """
    pointer = read_pointer(folder)
    if pointer is None:
        raise DataError(
            f"{folder} holds no search (no readable {POINTER}); `mace search` makes one"
        )
    place, name = pointer
    if not is_url(place):
        place = str(Path(folder) / place)
    place = storage or place
    missing = DataError(f"{shown(place)} does not hold the search {name} of {folder}")

    def load(group: str) -> optuna.Study:
        opened = open_storage(place, make=False)
        return optuna.load_study(study_name=f"{name}/{group}", storage=opened)

    try:
        with answering(place):
            first = load(FIRST_GROUP)
            facts, looks = first.user_attrs[FACTS], looks_of(first)
            studies = {group: load(group) for group in facts["groups"]}
    except (KeyError, DataError) as error:
        raise missing from error
    return StoredStudy(name=name, storage=shown(place), facts=facts, looks=looks, studies=studies)


def looks_of(first: optuna.Study) -> list[dict[str, Any]]:
    """Return every outer score that was computed of a search, by the study of its first group."""
    looks = [look for name, look in first.user_attrs.items() if name.startswith(LOOK)]
    return sorted(looks, key=lambda look: look["created"])
