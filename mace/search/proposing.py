"""Where proposals come from: each is drawn anew from the seed and its number.

So a search that is interrupted draws, for the same number, what it would have drawn: for `random`,
`qmc` and `grid` whatever has happened, for `tpe` if the same results were in.
"""

import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from scipy.stats import qmc

from mace.errors import ConfigError
from mace.search.config import SearchConfig
from mace.search.space import Choice, Dimension, Integer, SearchSpace, Setting, Uniform, plain

# Sobol points are laid out for so many trials; numbers beyond go on in the same sequence.
SOBOL_BITS = 30

type Params = dict[str, Any]
"""A setting as Optuna stores it: lists and tables as text."""


class Numbered(optuna.samplers.BaseSampler):
    """Proposes by the number of the trial alone."""

    def __init__(self, propose: Callable[[int], Params], space: SearchSpace) -> None:
        self._propose, self._distributions = propose, distributions(space)

    def infer_relative_search_space(
        self, study: optuna.study.Study, trial: optuna.trial.FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return the whole space: nothing is drawn one by one."""
        return self._distributions

    def sample_relative(
        self,
        study: optuna.study.Study,
        trial: optuna.trial.FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> Params:
        """Return the proposal of the trial's number."""
        return self._propose(trial.number)

    def sample_independent(
        self,
        study: optuna.study.Study,
        trial: optuna.trial.FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return the proposal's value of one parameter."""
        return self._propose(trial.number)[param_name]


class Reseeded(optuna.samplers.BaseSampler):
    """Another sampler, made anew for every trial with a seed of its own."""

    def __init__(self, make: Callable[[int], optuna.samplers.BaseSampler], seed: int) -> None:
        self._make, self._seed = make, seed
        self._current = make(seed)

    def before_trial(self, study: optuna.study.Study, trial: optuna.trial.FrozenTrial) -> None:
        """Begin the trial's own sequence of random numbers."""
        self._current = self._make(seed_of(self._seed, trial.number))
        self._current.before_trial(study, trial)

    def infer_relative_search_space(
        self, study: optuna.study.Study, trial: optuna.trial.FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Ask the sampler."""
        return self._current.infer_relative_search_space(study, trial)

    def sample_relative(
        self,
        study: optuna.study.Study,
        trial: optuna.trial.FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> Params:
        """Ask the sampler."""
        return self._current.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: optuna.study.Study,
        trial: optuna.trial.FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Ask the sampler."""
        return self._current.sample_independent(study, trial, param_name, param_distribution)


def make_sampler(
    config: SearchConfig, space: SearchSpace, group: str
) -> optuna.samplers.BaseSampler:
    """Return the sampler of a group's study.

    Raises:
        ConfigError: for a grid over a range without points.
    """
    seed = seed_of(config.seed, group)
    if space.listed or config.sampler == "grid":
        settings = space.grid()
        order = np.arange(len(settings))
        if not space.listed:
            # In random order, so that a search that is ended early has seen something of all.
            order = np.random.default_rng(seed).permutation(order)
        return Numbered(lambda n: to_params(space, settings[order[n % len(order)]]), space)
    if config.sampler == "random":
        return Numbered(functools.partial(_random, space, seed), space)
    if config.sampler == "qmc":
        return Numbered(functools.partial(_sobol, space, seed), space)
    return Reseeded(lambda one: optuna.samplers.TPESampler(seed=one), seed)


def proposals(config: SearchConfig, space: SearchSpace) -> int:
    """Return how many settings each group is proposed: a list or a grid has an end."""
    if space.listed or config.sampler == "grid":
        return len(space.grid()) if space.listed else min(config.trials, len(space.grid()))
    return config.trials


def distributions(space: SearchSpace) -> dict[str, BaseDistribution]:
    """Return the space as Optuna has it."""
    if not space.listed:
        return {path: _distribution(one) for path, one in space.dimensions.items()}
    return {path: _distribution(one) for path, one in listed_choices(space).items()}


def listed_choices(space: SearchSpace) -> dict[str, Choice]:
    """Return the values that each path of a list takes; null where a setting leaves it out."""
    found: dict[str, Choice] = {}
    for path in space.paths:
        values = {
            json.dumps(plain(setting.get(path)), sort_keys=True): plain(setting.get(path))
            for setting in space.listed
        }
        found[path] = Choice(tuple(values.values()))
    return found


def to_params(space: SearchSpace, setting: Setting) -> Params:
    """Return a setting as Optuna stores it.

    Raises:
        ConfigError: if the setting leaves the space.
    """
    dimensions: Mapping[str, Dimension] = space.dimensions or listed_choices(space)
    found: Params = {}
    for path, dimension in dimensions.items():
        value = plain(setting.get(path))
        if isinstance(dimension, Choice):
            by_value = dict(zip(map(_text, dimension.values), dimension.names, strict=True))
            if _text(value) not in by_value:
                raise ConfigError(f"{path} is {value!r}, which is not in the space")
            found[path] = by_value[_text(value)]
        else:
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not number or not dimension.low <= value <= dimension.high:
                raise ConfigError(f"{path} is {value!r}, which is not in the space")
            found[path] = value
    return found


def to_setting(space: SearchSpace, params: Params) -> dict[str, Any]:
    """Return what `to_params` was given."""
    dimensions: Mapping[str, Dimension] = space.dimensions or listed_choices(space)
    found = {}
    for path, dimension in dimensions.items():
        value = params[path]
        found[path] = dimension.value(value) if isinstance(dimension, Choice) else value
    if space.listed:
        # A path that a listed setting leaves out keeps the recipe's value.
        wanted = {path: plain(value) for path, value in found.items()}
        for setting in space.listed:
            if all(plain(setting.get(path)) == value for path, value in wanted.items()):
                return plain(dict(setting))
    return found


def seed_of(*parts: int | str) -> int:
    """Return a seed that depends on all parts."""
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return int.from_bytes(digest[:4], "big")


def _random(space: SearchSpace, seed: int, number: int) -> Params:
    shares = np.random.default_rng([seed, number]).random(len(space.dimensions))
    return _at(space, shares)


def _sobol(space: SearchSpace, seed: int, number: int) -> Params:
    points = qmc.Sobol(len(space.dimensions), scramble=True, rng=seed, bits=SOBOL_BITS)
    if number:  # SciPy cannot go forward by nothing
        points.fast_forward(number)
    return _at(space, points.random(1)[0])


def _at(space: SearchSpace, shares: np.ndarray) -> Params:
    pairs = zip(space.dimensions.items(), shares, strict=True)
    return to_params(space, {path: one.at(float(share)) for (path, one), share in pairs})


def _distribution(dimension: Dimension) -> BaseDistribution:
    if isinstance(dimension, Choice):
        return CategoricalDistribution(dimension.names)
    if isinstance(dimension, Integer):
        return IntDistribution(dimension.low, dimension.high, log=dimension.log)
    assert isinstance(dimension, Uniform)
    return FloatDistribution(float(dimension.low), float(dimension.high), log=dimension.log)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
