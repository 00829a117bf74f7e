"""Search spaces by name, and those that a user writes into a TOML file.

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

from mace.errors import ConfigError, DataError
from mace.search.space import Choice, Dimension, Integer, SearchSpace, Uniform

FLOW_SPACE = SearchSpace(
    {
        "train.optimiser.learning_rate": Uniform(3e-4, 1e-2, log=True, points=4),
        "train.optimiser.weight_decay": Uniform(1e-3, 0.3, log=True, points=3),
        "train.model.dropout": Uniform(0.0, 0.7, points=3),
        "train.mixup": Choice((0.0, 0.2, 0.4)),
        "train.augment.magnitude": Uniform(0.0, 0.5, points=3),
        "train.loss.kind": Choice(("cross_entropy", "focal", "logit_adjusted")),
    }
)
"""For the flow recipe: how fast it learns, what holds it back, and which loss."""

SPACES: Mapping[str, SearchSpace] = {"flow": FLOW_SPACE}


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
    return read_space(path)


def read_space(path: Path) -> SearchSpace:
    """Read a space from a TOML file.

    Raises:
        ConfigError: if it says something else than a space.
        DataError: if it cannot be read.
    """
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
    try:
        return SearchSpace(
            {path: _dimension(value) for path, value in _flat(space).items()},
            [_leaves(setting) for setting in listed],
        )
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error


KEYS = {
    "uniform": {"uniform", "log", "points"},
    "integer": {"integer", "log"},
    "choice": {"choice"},
}


def _flat(space: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return tables by dotted path: a TOML file may quote the whole path or nest it."""
    found: dict[str, Any] = {}
    for name, value in space.items():
        nested = isinstance(value, Mapping) and value and not set(value) & set(KEYS)
        if nested and all(isinstance(one, Mapping) for one in value.values()):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def _leaves(setting: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(setting, Mapping):
        raise ConfigError(f"a listed setting is {setting!r}, expected a table of paths and values")
    found: dict[str, Any] = {}
    for name, value in setting.items():
        found |= (
            _leaves(value, f"{prefix}{name}.")
            if isinstance(value, Mapping)
            else {f"{prefix}{name}": value}
        )
    return found


def _dimension(value: Any) -> Dimension:
    kinds = set(value) & set(KEYS) if isinstance(value, Mapping) else set()
    if len(kinds) != 1:
        near = [
            found
            for key in (value if isinstance(value, Mapping) else ())
            for found in difflib.get_close_matches(str(key), KEYS, n=1)
        ]
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ConfigError(
            f"a range is {value!r}, expected one of {{uniform = [low, high]}}, "
            f"{{integer = [low, high]}}, {{choice = [...]}}{hint}"
        )
    (kind,) = kinds
    unknown = sorted(set(value) - KEYS[kind])
    if unknown:
        raise ConfigError(
            f"a range of kind {kind} has {', '.join(unknown)}, expected only "
            f"{', '.join(sorted(KEYS[kind]))}"
        )
    if not isinstance(value[kind], list):
        raise ConfigError(f"{kind} is {value[kind]!r}, expected a list")
    if kind == "choice":
        return Choice(tuple(value[kind]))
    if len(value[kind]) != 2:
        raise ConfigError(f"{kind} has {len(value[kind])} ends, expected [low, high]")
    log = value.get("log", False)
    if not isinstance(log, bool):
        raise ConfigError(f"log is {log!r}, expected true or false")
    if kind == "integer":
        return Integer(*value[kind], log=log)
    points = value.get("points", 0)
    if type(points) is not int:
        raise ConfigError(f"points is {points!r}, expected a whole number")
    return Uniform(*value[kind], log=log, points=points)
