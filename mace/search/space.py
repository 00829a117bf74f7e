"""What a search may try: Optuna's distributions by the dotted path of a recipe's setting."""

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from mace.errors import ConfigError

type Setting = Mapping[str, Any]
"""Values, as JSON can hold them, by path: `{"train.optimiser.learning_rate": 3e-3}`."""

type Params = dict[str, Any]
"""A setting as Optuna stores it: lists and tables as text."""


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
    def distributions(self) -> dict[str, BaseDistribution]:
        """Return a distribution for each path; of a list, the values that it takes.

        Null stands for a path that a listed setting leaves out.
        """
        if self.ranges:
            return dict(self.ranges)
        return {
            path: choice(list({_text(s.get(path)): s.get(path) for s in self.listed}.values()))
            for path in self.paths
        }

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the paths it varies, in order."""
        return tuple(self.ranges) or tuple(
            dict.fromkeys(itertools.chain.from_iterable(self.listed))
        )

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
        params: Params = {}
        for path, distribution in self.distributions.items():
            value = encoded(setting.get(path))
            if isinstance(distribution, CategoricalDistribution):
                fits = value in distribution.choices
            else:
                assert isinstance(distribution, FloatDistribution | IntDistribution)
                number = isinstance(value, int | float) and not isinstance(value, bool)
                fits = number and distribution.low <= value <= distribution.high
            if not fits:
                raise ConfigError(f"{path} is {value!r}, which is not in the space")
            params[path] = value
        return params

    def to_setting(self, params: Params) -> dict[str, Any]:
        """Return what `to_params` was given."""
        for setting in self.listed:
            # A path that a listed setting leaves out keeps the recipe's value.
            if all(encoded(setting.get(path)) == params[path] for path in self.paths):
                return plain(dict(setting))
        return {path: decoded(params[path]) for path in self.paths}

    def to_dict(self) -> dict[str, Any]:
        """Return the space as JSON holds it, in the form of a space file."""
        if self.listed:
            return {"settings": [plain(setting) for setting in self.listed]}
        tables: dict[str, Any] = {}
        for path, distribution in self.ranges.items():
            if isinstance(distribution, CategoricalDistribution):
                tables[path] = {"choice": list(map(decoded, distribution.choices))}
                continue
            assert isinstance(distribution, FloatDistribution | IntDistribution)
            kind = "uniform" if isinstance(distribution, FloatDistribution) else "integer"
            ends = [distribution.low, distribution.high]
            tables[path] = {kind: ends, "log": distribution.log}
            if path in self.points:
                tables[path]["points"] = self.points[path]
        return {"space": tables}

    def _grid(self, path: str, distribution: BaseDistribution) -> Sequence[Any]:
        if isinstance(distribution, CategoricalDistribution):
            return list(map(decoded, distribution.choices))
        if isinstance(distribution, IntDistribution):
            return range(distribution.low, distribution.high + 1)
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
    if isinstance(distribution, CategoricalDistribution):
        choices = distribution.choices
        return decoded(choices[min(math.floor(share * len(choices)), len(choices) - 1)])
    assert isinstance(distribution, FloatDistribution | IntDistribution)
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
    if isinstance(distribution, CategoricalDistribution):
        return list(map(decoded, distribution.choices))
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return [distribution.low, distribution.high]


def encoded(value: Any) -> Any:
    """Return a value as a table of trials can hold it: lists and tables become text."""
    return value if value is None or isinstance(value, bool | int | float | str) else _text(value)


def decoded(value: Any) -> Any:
    """Return what `encoded` was given; no setting is a text that begins with a bracket."""
    return json.loads(value) if isinstance(value, str) and value[:1] in ("[", "{") else value


def plain(value: Any) -> Any:
    """Return a value with lists for tuples, as JSON would give it back."""
    return json.loads(json.dumps(value))


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
