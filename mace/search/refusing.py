"""What can be refused before the data are read, which may take an hour."""

from collections.abc import Collection
from typing import Any

import optuna

from mace.errors import ConfigError
from mace.search.folder import StudyFolder
from mace.search.identity import read_identity, refuse_difference
from mace.search.plan import SearchPlan
from mace.search.searcher import JOINED, STALE_S, living, shown_searcher
from mace.search.storage import open_storage

# Those at work on a study say so in that of its first group.
FIRST_GROUP = "1"


def refuse_early(plan: SearchPlan, folder: StudyFolder, identity: dict[str, Any]) -> None:
    """Refuse a study that somebody else works on, or that was begun with other settings.

    Args:
        plan: what is to be searched.
        folder: of the study, which need not exist.
        identity: of the plan, as far as it is known without the data.

    Raises:
        ConfigError: if it is refused, or the storage is out of reach.
    """
    storage = open_storage(plan.address)
    known = folder.find()
    if known is not None:
        _refuse(known["identity"], identity, what=f"the search in {folder.path}")
    try:
        study = optuna.load_study(study_name=f"{plan.study_name}/{FIRST_GROUP}", storage=storage)
    except KeyError:
        return
    refuse_others(plan, living(study))
    begun = read_identity(study)
    if begun is not None:
        _refuse(begun, identity, what=f"the study {study.study_name}")


def refuse_others(plan: SearchPlan, others: Collection[str]) -> None:
    """Refuse a second search that does not join on a study; those that join may be there.

    Raises:
        ConfigError: naming the other.
    """
    shown = sorted({shown_searcher(one) for one in others if not one.endswith(JOINED)})
    if plan.join or not shown:
        return
    raise ConfigError(
        f"another search ({', '.join(shown)}) is at work on {plan.study_name} in "
        f"{plan.address.shown}; wait for it, work beside it with --join, or choose another "
        f"{'--name' if plan.storage else '--out'} (one that was killed on another machine counts "
        f"as gone after {STALE_S:.0f} s)"
    )


def _refuse(known: dict[str, Any], identity: dict[str, Any], *, what: str) -> None:
    part = {name: value for name, value in known.items() if name in identity}
    refuse_difference(part, identity, what=what)
