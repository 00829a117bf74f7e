"""What a study is about: what must be the same whenever somebody goes on with it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import optuna

from mace.config import hashed_settings
from mace.errors import ConfigError
from mace.search.naming import code_version
from mace.search.plan import SearchPlan

ATTRIBUTE = "mace identity"


def identity_of(plan: SearchPlan) -> dict[str, Any]:
    """Return what a study of a plan is about, but for its data."""
    return {
        "recipe": {"train": hashed_settings(plan.train)},
        "space": plan.space.to_dict(),
        "search": hashed_settings(plan.config),
        "code": code_version(),
    }


def read_identity(study: optuna.study.Study) -> dict[str, Any] | None:
    """Return what a study was begun with; None if nothing has been said of it."""
    known = study.user_attrs.get(ATTRIBUTE)
    return None if known is None else json.loads(known)


def write_identity(study: optuna.study.Study, identity: Mapping[str, Any]) -> None:
    """Say what a study is about."""
    study.set_user_attr(ATTRIBUTE, json.dumps(identity))


def refuse_difference(known: dict[str, Any], asked: dict[str, Any], *, what: str) -> None:
    """Refuse to go on with a study under other settings.

    Raises:
        ConfigError: naming the first one that differs.
    """
    if known == asked:
        return
    for path, before, now in _differences(known, asked):
        raise ConfigError(
            f"{what} was begun with {path} {_short(before)}, now it is {_short(now)}; go back to "
            "that, or choose another --out (in a database another --name) and take over its best "
            "settings with --from"
        )


def _differences(known: Any, asked: Any, prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(known, dict) and isinstance(asked, dict):
        for name in dict.fromkeys([*known, *asked]):
            path = f"{prefix}.{name}" if prefix else str(name)
            yield from _differences(known.get(name), asked.get(name), path)
    elif known != asked:
        yield prefix, known, asked


def _short(value: Any) -> str:
    text = "absent" if value is None else json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
