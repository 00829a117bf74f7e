"""Search spaces by name, and in files.

A TOML file:

    [space]
    "train.optimiser.learning_rate" = { uniform = [3e-4, 1e-2], log = true }
    "train.epochs" = { integer = [20, 60] }
    "train.loss.kind" = { choice = ["cross_entropy", "focal"] }

or a list of settings, each tried once:

    [[settings]]
    "train.model.dilations" = [1, 2, 3]
    [[settings]]
    "train.model.dilations" = [1, 1, 1]
"""

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from mace.errors import ConfigError, DataError
from mace.search.space import SearchSpace, choice

KEYS = {
    "uniform": {"uniform", "log", "points"},
    "integer": {"integer", "log"},
    "choice": {"choice"},
}

SPACES: Mapping[str, SearchSpace] = {
    # For the flow recipe: how fast it learns, what holds it back, and which loss.
    "flow": SearchSpace(
        {
            "train.optimiser.learning_rate": FloatDistribution(3e-4, 1e-2, log=True),
            "train.optimiser.weight_decay": FloatDistribution(1e-3, 0.3, log=True),
            "train.model.dropout": FloatDistribution(0.0, 0.7),
            "train.mixup": choice((0.0, 0.2, 0.4)),
            "train.augment.magnitude": FloatDistribution(0.0, 0.5),
            "train.loss.kind": choice(("cross_entropy", "focal", "logit_adjusted")),
        },
        points={
            "train.optimiser.learning_rate": 4,
            "train.optimiser.weight_decay": 3,
            "train.model.dropout": 3,
            "train.augment.magnitude": 3,
        },
    )
}


def find_space(name: str) -> SearchSpace:
    """Return the space of a name in `SPACES`, or that of a TOML file.

    Raises:
        ConfigError: if there is no such name, or the file says something else than a space.
        DataError: if the file cannot be read.
    """
    if name in SPACES:
        return SPACES[name]
    path = Path(name)
    if path.suffix != ".toml":
        raise ConfigError(
            f"there is no search space {name!r}; name a TOML file or one of: {', '.join(SPACES)}"
        )
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"the search space {path} cannot be read: {reason}") from error
    return space_of(values, where=str(path))


def space_of(values: Mapping[str, Any], *, where: str = "the search space") -> SearchSpace:
    """Return the space that `SearchSpace.to_dict` or a TOML file describes.

    Raises:
        ConfigError: if it describes none.
    """
    unknown = set(values) - {"space", "settings"}
    if unknown or not values:
        raise ConfigError(
            f"{where} holds {', '.join(sorted(unknown)) or 'nothing'}, expected a table [space] or "
            "tables [[settings]]"
        )
    space, listed = values.get("space", {}), values.get("settings", [])
    if not isinstance(space, Mapping) or not isinstance(listed, list):
        raise ConfigError(f"{where}: expected a table [space] or tables [[settings]]")
    tables = _flat(space)
    try:
        ranges = {path: _distribution(table) for path, table in tables.items()}
        points = {path: table["points"] for path, table in tables.items() if "points" in table}
        return SearchSpace(ranges, [_leaves(setting) for setting in listed], points)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error


def _flat(space: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return tables by dotted path: a TOML file may quote the whole path or nest it."""
    tables: dict[str, Any] = {}
    for name, value in space.items():
        nested = isinstance(value, Mapping) and value and not set(value) & set(KEYS)
        if nested and all(isinstance(inner, Mapping) for inner in value.values()):
            tables |= _flat(value, f"{prefix}{name}.")
        else:
            tables[f"{prefix}{name}"] = value
    return tables


def _leaves(setting: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(setting, Mapping):
        raise ConfigError(f"a listed setting is {setting!r}, expected a table of paths and values")
    values: dict[str, Any] = {}
    for name, value in setting.items():
        if isinstance(value, Mapping):
            values |= _leaves(value, f"{prefix}{name}.")
        else:
            values[f"{prefix}{name}"] = value
    return values


def _distribution(table: Any) -> BaseDistribution:
    kinds = set(table) & set(KEYS) if isinstance(table, Mapping) else set()
    if len(kinds) != 1:
        near = [
            match
            for key in (table if isinstance(table, Mapping) else ())
            for match in difflib.get_close_matches(str(key), KEYS, n=1)
        ]
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ConfigError(
            f"a range is {table!r}, expected one of {{uniform = [low, high]}}, "
            f"{{integer = [low, high]}}, {{choice = [...]}}{hint}"
        )
    (kind,) = kinds
    unknown = sorted(set(table) - KEYS[kind])
    if unknown:
        raise ConfigError(
            f"a range of kind {kind} has {', '.join(unknown)}, expected only "
            f"{', '.join(sorted(KEYS[kind]))}"
        )
    values = table[kind]
    if not isinstance(values, list):
        raise ConfigError(f"{kind} is {values!r}, expected a list")
    if kind == "choice":
        return choice(values)
    log, points = table.get("log", False), table.get("points", 2)
    if not isinstance(log, bool):
        raise ConfigError(f"log is {log!r}, expected true or false")
    if type(points) is not int:
        raise ConfigError(f"points is {points!r}, expected a whole number")
    numbers = int if kind == "integer" else int | float
    if len(values) != 2:
        raise ConfigError(f"{kind} has {len(values)} ends, expected [low, high]")
    if any(isinstance(value, bool) or not isinstance(value, numbers) for value in values):
        expected = "whole numbers; uniform takes others" if kind == "integer" else "numbers"
        raise ConfigError(f"{kind} goes from {values[0]} to {values[1]}, expected {expected}")
    try:
        if kind == "integer":
            return IntDistribution(*values, log=log)
        return FloatDistribution(*map(float, values), log=log)
    except ValueError as error:
        raise ConfigError(f"{kind} = {values}, log = {log}: {error}") from error
