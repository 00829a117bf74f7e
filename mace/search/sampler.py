"""Where proposals come from: each is drawn anew from the seed and the number of the proposal.

So a search that is interrupted draws, for the same number, what it would have drawn: for `random`,
`qmc` and `grid` whatever has happened, for `tpe` if the same results were in.

A sampler of Optuna's is added by its name in `SamplerName` and a line in `make_sampler`.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, HyperbandPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial
from scipy.stats import qmc

from mace.search.config import SearchConfig
from mace.search.space import Params, SearchSpace, value_at

# Sobol points are laid out for so many trials; numbers beyond go on in the same sequence.
SOBOL_BITS = 30

type Number = Callable[[FrozenTrial], int]
"""From a trial to the number of its proposal: a trial that is run again is no new proposal."""


class Seeded(BaseSampler):
    """One of Optuna's samplers, made anew for each parameter with a seed of its own.

    Each parameter, so that a process that is killed amid a proposal changes nothing of the rest.
    """

    def __init__(self, make: Callable[[int], BaseSampler], seed: int, number: Number) -> None:
        self._make, self._seed, self._number = make, seed, number

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return what the sampler draws together."""
        return self._sampler(trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> Params:
        """Draw some parameters together."""
        return self._sampler(trial).sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Draw one parameter."""
        sampler = self._sampler(trial, param_name)
        return sampler.sample_independent(study, trial, param_name, param_distribution)

    def _sampler(self, trial: FrozenTrial, *parts: str) -> BaseSampler:
        return self._make(seed_of(self._seed, self._number(trial), *parts))


class Ordered(RandomSampler):
    """Settings in a fixed order, by the number of the proposal."""

    def __init__(self, propose: Callable[[int], Params], number: Number) -> None:
        super().__init__()
        self._propose, self._number = propose, number

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return one parameter of the proposal."""
        return self._propose(self._number(trial))[param_name]


def make_sampler(
    config: SearchConfig, space: SearchSpace, group: str, number: Number
) -> BaseSampler:
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
        return Ordered(lambda n: space.to_params(settings[order[n % len(order)]]), number)
    if config.sampler == "qmc":
        return Ordered(lambda n: _sobol(space, seed, n), number)
    if config.sampler == "random":
        return Seeded(RandomSampler, seed, number)
    return Seeded(lambda own: TPESampler(seed=own), seed, number)


def make_pruner(config: SearchConfig, epochs: int) -> BasePruner:
    """Return the rule that ends settings early, for trainings of at most `epochs` epochs."""
    least = config.least_epochs(epochs)
    if config.prune == "asha":
        return SuccessiveHalvingPruner(min_resource=least, reduction_factor=config.reduction)
    if config.prune == "hyperband":
        return HyperbandPruner(
            min_resource=least, max_resource=epochs, reduction_factor=config.reduction
        )
    return NopPruner()


def proposals(config: SearchConfig, space: SearchSpace) -> int:
    """Return how many settings each group is proposed: a list or a grid has an end."""
    if space.listed:
        return len(space.listed)
    return min(config.trials, len(space.grid())) if config.sampler == "grid" else config.trials


def seed_of(*parts: int | str) -> int:
    """Return a seed that depends on all parts."""
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return int.from_bytes(digest[:4], "big")


def _sobol(space: SearchSpace, seed: int, number: int) -> Params:
    points = qmc.Sobol(len(space.ranges), scramble=True, rng=seed, bits=SOBOL_BITS)
    if number:  # SciPy cannot go forward by nothing
        points.fast_forward(number)
    shares = points.random(1)[0]
    pairs = zip(space.ranges.items(), shares, strict=True)
    return space.to_params({path: value_at(ranged, float(at)) for (path, ranged), at in pairs})
