"""Typed search spaces: which settings of a recipe may take which values."""

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from mace.errors import ConfigError

type Value = Any
"""What JSON can hold: a number, a text, a truth value, null, a list, or a table of settings."""

type Setting = Mapping[str, Value]
"""Values by dotted path of the recipe, such as `{"train.optimiser.learning_rate": 3e-3}`."""

type Dimension = Uniform | Integer | Choice


@dataclass(frozen=True)
class Uniform:
    """Any number between two.

    Attributes:
        low: the smallest value.
        high: the largest.
        log: uniform in the logarithm; for settings whose order of magnitude counts.
        points: how many values a grid takes, both ends included; 0 if none is asked for.
    """

    low: float
    high: float
    log: bool = False
    _: KW_ONLY
    points: int = 0

    def __post_init__(self) -> None:
        _check_range(self.low, self.high, log=self.log, kind="Uniform")
        if self.points < 0 or self.points == 1:
            raise ConfigError(
                f"Uniform has {self.points} points, expected 2 or more, or 0 for none"
            )

    @property
    def edges(self) -> tuple[Value, ...]:
        """Return the values at which a contradiction would show."""
        return (float(self.low), float(self.high))

    @property
    def grid(self) -> tuple[Value, ...]:
        """Return the values that a grid takes; none without `points`."""
        return tuple(self.at(i / (self.points - 1)) for i in range(self.points))

    def at(self, share: float) -> Value:
        """Return the value that lies `share` (0 to 1) of the way from low to high."""
        if share >= 1:
            return float(self.high)
        if not self.log:
            return float(self.low + share * (self.high - self.low))
        start, end = math.log(self.low), math.log(self.high)
        return min(max(math.exp(start + share * (end - start)), self.low), self.high)


@dataclass(frozen=True)
class Integer:
    """Any whole number from `low` to `high`, both included; `log` as for `Uniform`."""

    low: int
    high: int
    log: bool = False

    def __post_init__(self) -> None:
        if type(self.low) is not int or type(self.high) is not int:
            raise ConfigError(
                f"Integer goes from {self.low} to {self.high}, expected whole numbers; "
                "Uniform takes others"
            )
        _check_range(self.low, self.high, log=self.log, kind="Integer")

    @property
    def edges(self) -> tuple[Value, ...]:
        """Return the values at which a contradiction would show."""
        return (self.low, self.high)

    @property
    def grid(self) -> tuple[Value, ...]:
        """Return all values."""
        return tuple(range(self.low, self.high + 1))

    def at(self, share: float) -> Value:
        """Return the value that lies `share` (0 to 1) of the way."""
        if self.log:
            start, end = math.log(self.low - 0.5), math.log(self.high + 0.5)
            found = round(math.exp(start + share * (end - start)))
        else:
            found = self.low + math.floor(share * (self.high - self.low + 1))
        return min(max(found, self.low), self.high)


@dataclass(frozen=True)
class Choice:
    """One of some values; at the path of a group of settings, each value is a table of them.

    So settings that must agree are varied together: `Choice(({"widths": [16], "depths": [1]},
    {"widths": [8, 16], "depths": [1, 1]}))` at `train.model`.
    """

    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(map(plain, self.values)))
        if not self.values:
            raise ConfigError("Choice has no values to choose from, expected one or more")
        if len({_text(value) for value in self.values}) < len(self.values):
            raise ConfigError(f"Choice has a value twice: {list(self.values)}")

    @property
    def edges(self) -> tuple[Value, ...]:
        """Return all values: each may be the one that contradicts another setting."""
        return self.values

    @property
    def grid(self) -> tuple[Value, ...]:
        """Return all values."""
        return self.values

    def at(self, share: float) -> Value:
        """Return the value that lies `share` (0 to 1) of the way through the list."""
        return self.values[min(math.floor(share * len(self.values)), len(self.values) - 1)]

    @property
    def names(self) -> tuple[bool | int | float | str | None, ...]:
        """Return the values as a table of trials can hold them: lists and tables become text."""
        return tuple(map(_name, self.values))

    def value(self, name: bool | int | float | str | None) -> Value:
        """Return the value of a name."""
        return dict(zip(map(_text, self.names), self.values, strict=True))[_text(name)]


@dataclass(frozen=True, eq=False)
class SearchSpace:
    """What a search may try: ranges by path, or a list of settings, each tried once.

    Attributes:
        dimensions: a range for each path.
        listed: settings in full, instead of ranges; a path that one leaves out keeps the
            recipe's value.
    """

    dimensions: Mapping[str, Dimension] = field(default_factory=dict)
    listed: Sequence[Setting] = ()

    def __post_init__(self) -> None:
        if bool(self.dimensions) == bool(self.listed):
            raise ConfigError(
                "a search space has either ranges or a list of settings, expected one of the two"
            )

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the paths it varies, in order."""
        return tuple(self.dimensions) or tuple(
            dict.fromkeys(itertools.chain.from_iterable(self.listed))
        )

    def grid(self) -> list[dict[str, Value]]:
        """Return every setting of the grid, or the list.

        Raises:
            ConfigError: for a range without `points`.
        """
        if self.listed:
            return [dict(setting) for setting in self.listed]
        for path, dimension in self.dimensions.items():
            if not dimension.grid:
                raise ConfigError(
                    f"{path} has no points for a grid; give them (points = 5) or use another "
                    "sampler than grid"
                )
        values = [dimension.grid for dimension in self.dimensions.values()]
        return [dict(zip(self.dimensions, row, strict=True)) for row in itertools.product(*values)]

    def to_dict(self) -> dict[str, Any]:
        """Return the space as JSON holds it, in the form of a space file."""
        if self.listed:
            return {"settings": [plain(setting) for setting in self.listed]}
        found: dict[str, Any] = {}
        for path, dimension in self.dimensions.items():
            if isinstance(dimension, Choice):
                found[path] = {"choice": list(dimension.values)}
                continue
            kind = "uniform" if isinstance(dimension, Uniform) else "integer"
            found[path] = {kind: [dimension.low, dimension.high], "log": dimension.log}
            if isinstance(dimension, Uniform) and dimension.points:
                found[path]["points"] = dimension.points
        return {"space": found}


def plain(value: Value) -> Value:
    """Return a value with lists for tuples, as JSON would give it back."""
    return json.loads(json.dumps(value))


def _name(value: Value) -> bool | int | float | str | None:
    return value if value is None or isinstance(value, (bool, int, float, str)) else _text(value)


def _text(value: Value) -> str:
    return json.dumps(value, sort_keys=True)


def _check_range(low: float, high: float, *, log: bool, kind: str) -> None:
    for value in (low, high):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ConfigError(f"{kind} has the end {value!r}, expected a number")
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ConfigError(f"{kind} goes from {low} to {high}, expected two numbers, lower first")
    if log and low <= 0:
        raise ConfigError(f"{kind} begins at {low}, which has no logarithm; leave out log")
