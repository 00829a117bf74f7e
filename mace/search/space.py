"""What a search may try: Optuna's distributions by the dotted path of a recipe's setting.

In Python, by name, or in a TOML file, of which docs/searching.md has examples.
"""

import difflib
import itertools
import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import create_trial

from mace.config import flattened, from_dict
from mace.errors import ConfigError, DataError

type Setting = Mapping[str, Any]
"""Values, as JSON can hold them, by path: `{"train.optimiser.learning_rate": 3e-3}`."""

type Params = dict[str, Any]
"""A setting as Optuna stores it: lists and tables as text."""

# Stands in the table of trials for what a listed setting leaves out.
AS_IN_RECIPE = "as in the recipe"


@dataclass(frozen=True, eq=False)
class SearchSpace:
    """Ranges by path, or a list of settings, each tried once.

    Attributes:
        ranges: a distribution for each path; `choice` makes one of lists or tables.
        listed: settings in full, instead of ranges; a path that one leaves out keeps the
            recipe's value.
        points: how many values a grid takes of a range of floats, both ends included.

    Raises:
        ConfigError: for a range that is none.
    """

    ranges: Mapping[str, BaseDistribution] = field(default_factory=dict)
    listed: Sequence[Setting] = ()
    points: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if bool(self.ranges) == bool(self.listed):
            raise ConfigError(
                "a search space has either ranges or a list of settings, expected one of the two"
            )
        for path, distribution in self.ranges.items():
            if isinstance(distribution, FloatDistribution | IntDistribution):
                low, high = distribution.low, distribution.high
                if not (math.isfinite(low) and math.isfinite(high) and low < high):
                    raise ConfigError(
                        f"{path} goes from {low} to {high}, expected two numbers, lower first"
                    )
        for path, points in self.points.items():
            if points < 2:
                raise ConfigError(f"{path} has {points} points, expected 2 or more")

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths it varies, in order."""
        return tuple(self.ranges) or tuple(dict.fromkeys(itertools.chain(*self.listed)))

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """A distribution for each path; of a list, the values that it takes."""
        columns = {path: [_stored(s, path) for s in self.listed] for path in self.paths}
        return dict(self.ranges) or {
            path: CategoricalDistribution(tuple({_text(value): value for value in values}.values()))
            for path, values in columns.items()
        }

    def grid(self) -> list[dict[str, Any]]:
        """Return every setting of the grid, or the list.

        Raises:
            ConfigError: for a range of floats without points.
        """
        if self.listed:
            return [dict(setting) for setting in self.listed]
        values = [self._grid(path, distribution) for path, distribution in self.ranges.items()]
        return [dict(zip(self.ranges, row, strict=True)) for row in itertools.product(*values)]

    def to_params(self, setting: Setting) -> Params:
        """Return a setting as Optuna stores it.

        Raises:
            ConfigError: if the setting leaves the space.
        """
        params = {path: _stored(setting, path) for path in self.paths}
        try:
            create_trial(params=params, distributions=self.distributions, value=0.0)
        except ValueError as error:
            raise ConfigError(f"{dict(setting)} is not in the space: {error}") from error
        return params

    def holds(self, setting: Setting) -> bool:
        """Return whether a setting lies in the space, and says all that the space varies."""
        try:
            self.to_params(setting)
        except ConfigError:
            return False
        return set(setting) == set(self.paths)

    def to_setting(self, params: Params) -> dict[str, Any]:
        """Return what `to_params` was given."""
        return {p: decoded(params[p]) for p in self.paths if params[p] != AS_IN_RECIPE}

    def to_dict(self) -> dict[str, Any]:
        """Return the space as JSON holds it, in the form of a space file."""
        if self.listed:
            # With lists for tuples, as a file has them.
            return {"settings": json.loads(json.dumps(list(self.listed)))}
        tables: dict[str, Any] = {}
        for path, distribution in self.ranges.items():
            if isinstance(distribution, FloatDistribution | IntDistribution):
                kind = "uniform" if isinstance(distribution, FloatDistribution) else "integer"
                ends = [distribution.low, distribution.high]
                tables[path] = {kind: ends, "log": distribution.log}
                if path in self.points:
                    tables[path]["points"] = self.points[path]
            else:
                tables[path] = {"choice": edges(distribution)}
        return {"space": tables}

    def _grid(self, path: str, distribution: BaseDistribution) -> Sequence[Any]:
        if isinstance(distribution, IntDistribution):
            return range(distribution.low, distribution.high + 1)
        if isinstance(distribution, CategoricalDistribution):
            return edges(distribution)
        points = self.points.get(path, 0)
        if not points:
            raise ConfigError(
                f"{path} has no points for a grid; give them (points = 5) or use another "
                "sampler than grid"
            )
        return [value_at(distribution, i / (points - 1)) for i in range(points)]


def choice(values: Sequence[Any]) -> CategoricalDistribution:
    """Return one of some values; at the path of a group of settings, each value is a table.

    So settings that must agree are varied together: `choice([{"widths": [16], "depths": [1]},
    {"widths": [8, 16], "depths": [1, 1]}])` at `train.model`.

    Raises:
        ConfigError: without values, or with one twice.
    """
    if not values:
        raise ConfigError("a choice has no values to choose from, expected one or more")
    if len({_text(value) for value in values}) < len(values):
        raise ConfigError(f"a choice has a value twice: {list(values)}")
    return CategoricalDistribution(tuple(map(encoded, values)))


def value_at(distribution: BaseDistribution, share: float) -> Any:
    """Return the value that lies `share` (0 to 1) of the way through a distribution."""
    if not isinstance(distribution, FloatDistribution | IntDistribution):
        values = edges(distribution)
        return values[min(math.floor(share * len(values)), len(values) - 1)]
    low, high = distribution.low, distribution.high
    # A whole number has the stretch from half below to half above it.
    half = 0.5 if isinstance(distribution, IntDistribution) else 0.0
    if distribution.log:
        start, end = math.log(low - half), math.log(high + half)
        value = math.exp(start + share * (end - start))
    else:
        value = low - half + share * (high - low + 2 * half)
    value = min(max(value, low), high)
    return round(value) if half else float(value)


def edges(distribution: BaseDistribution) -> list[Any]:
    """Return the values at which a contradiction with other settings would show."""
    if isinstance(distribution, FloatDistribution | IntDistribution):
        return [distribution.low, distribution.high]
    assert isinstance(distribution, CategoricalDistribution)
    return list(map(decoded, distribution.choices))


def encoded(value: Any) -> Any:
    """Return a value as a table of trials can hold it: lists and tables become text."""
    return value if value is None or isinstance(value, bool | int | float | str) else _text(value)


def decoded(value: Any) -> Any:
    """Return what `encoded` was given; no setting is a text that begins with a bracket."""
    return json.loads(value) if isinstance(value, str) and value[:1] in ("[", "{") else value


def _stored(setting: Setting, path: str) -> Any:
    return encoded(setting[path]) if path in setting else AS_IN_RECIPE


def _text(value: Any) -> str:
    try:
        return json.dumps(value, sort_keys=True)
    except TypeError as error:
        raise ConfigError(
            f"a setting may be {value!r}, expected text, numbers, true or false, lists and tables"
        ) from error


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
    try:
        return space_of(values)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def space_of(values: Mapping[str, Any]) -> SearchSpace:
    """Return the space that `SearchSpace.to_dict` or a TOML file describes.

    Raises:
        ConfigError: if it describes none.
    """
    expected = "expected a table [space] or tables [[settings]]"
    unknown = set(values) - {"space", "settings"}
    if unknown or not values:
        there = ", ".join(sorted(unknown)) or "nothing"
        raise ConfigError(f"the search space holds {there}, {expected}")
    space, listed = values.get("space", {}), values.get("settings", [])
    if not isinstance(space, Mapping) or not isinstance(listed, list):
        raise ConfigError(expected)
    for setting in listed:
        if not isinstance(setting, Mapping):
            raise ConfigError(f"a setting is {setting!r}, expected a table of paths and values")
    tables = _tables(space)
    ranges = {path: _distribution(path, table) for path, table in tables.items()}
    points = {path: table["points"] for path, table in tables.items() if "points" in table}
    return SearchSpace(ranges, list(map(flattened, listed)), points)


@dataclass(frozen=True, kw_only=True)
class _Uniform:
    uniform: tuple[float, float]
    log: bool = False
    points: int = 2


@dataclass(frozen=True, kw_only=True)
class _Integer:
    integer: tuple[int, int]
    log: bool = False


@dataclass(frozen=True, kw_only=True)
class _Choice:
    choice: tuple[Any, ...]


_KINDS = {"uniform": _Uniform, "integer": _Integer, "choice": _Choice}


def _tables(space: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return tables by dotted path: a TOML file may quote the whole path or nest it."""
    tables: dict[str, Any] = {}
    for name, value in space.items():
        group = isinstance(value, Mapping) and value and not set(value) & set(_KINDS)
        if group and all(isinstance(below, Mapping) for below in value.values()):
            tables |= _tables(value, f"{prefix}{name}.")
        else:
            tables[f"{prefix}{name}"] = value
    return tables


def _distribution(path: str, table: Any) -> BaseDistribution:
    keys = list(table) if isinstance(table, Mapping) else []
    kinds = [key for key in keys if key in _KINDS]
    if len(kinds) != 1:
        near = [near for key in keys for near in difflib.get_close_matches(key, _KINDS, n=1)]
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ConfigError(
            f"the range of {path} is {table!r}, expected one of {{uniform = [low, high]}}, "
            f"{{integer = [low, high]}}, {{choice = [...]}}{hint}"
        )
    values = from_dict(_KINDS[kinds[0]], table, where=f"{path}.")
    try:
        if isinstance(values, _Uniform):
            return FloatDistribution(*values.uniform, log=values.log)
        if isinstance(values, _Integer):
            return IntDistribution(*values.integer, log=values.log)
    except ValueError as error:
        raise ConfigError(f"{path} is {dict(table)}: {error}") from error
    return choice(values.choice)
