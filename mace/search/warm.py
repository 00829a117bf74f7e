"""Beginning with what earlier studies found, without learning anything about tested subjects."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from mace.errors import MaceError
from mace.search.folder import StudyFolder
from mace.search.proposing import to_params
from mace.search.results import Results, ranked
from mace.search.space import SearchSpace, Setting, plain

# Of each earlier study, so many settings.
BEST = 3


def earlier_settings(
    folders: Sequence[Path], space: SearchSpace, tested: Iterable[str]
) -> tuple[list[Setting], list[str]]:
    """Return the best settings of earlier studies that a group may begin with, and what was not.

    An earlier group's results count only if none of the subjects who judged its settings is
    tested here: otherwise their labels would speak through the choice.

    Args:
        folders: of finished or unfinished studies.
        space: settings outside of it are left out.
        tested: names of the subjects whom this group's choice will be tested on.

    Returns:
        The settings, and sentences for people about what could not be used.

    Raises:
        DataError: if a folder holds no study.
    """
    here = set(tested)
    found: list[Setting] = []
    notes: list[str] = []
    for folder in folders:
        study = StudyFolder(folder).read()
        allowed = [
            name for name, group in study["groups"].items() if not here & set(group["outside"])
        ]
        if not allowed:
            notes.append(
                f"nothing of {folder} is used for the group that tests {min(here)}: its settings "
                "were judged on people who are tested here"
            )
            continue
        outcomes = [one for one in Results(folder).load().values() if one.group in allowed]
        usable = [one for one in ranked(outcomes) if _fits(space, one.setting)]
        if outcomes and not usable:
            notes.append(f"no setting of {folder} lies in this search space")
        for outcome in usable[:BEST]:
            setting = plain(dict(outcome.setting))
            if setting not in found:
                found.append(setting)
    return found, notes


def _fits(space: SearchSpace, setting: Setting) -> bool:
    if set(setting) != set(space.paths):
        return False
    try:
        to_params(space, setting)
    except MaceError:
        return False
    return True
