"""Where proposals come from: each is drawn anew from the seed and the number of the proposal.

So a search that is interrupted draws, for the same number, what it would have drawn: for `random`,
`qmc` and `grid` whatever has happened, for `tpe` if the same results were in.

A sampler of Optuna's is added by its name in `SamplerName` and a line in `SEEDED`.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, HyperbandPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial
from scipy.stats import qmc

from mace.search.config import SearchConfig
from mace.search.space import Params, SearchSpace, Setting, value_at

SEEDED: Mapping[str, Callable[..., BaseSampler]] = {
    "tpe": optuna.samplers.TPESampler,
    "random": optuna.samplers.RandomSampler,
}

# Sobol points are laid out for so many trials; numbers beyond go on in the same sequence.
SOBOL_BITS = 30

type Place = Callable[[FrozenTrial], tuple[int, Params]]
"""From a trial to the number of its proposal, and to what this is whatever the sampler, if any."""


class NumberedSampler(BaseSampler):
    """The sampler of a group's study: proposes by number, all parameters at once.

    All at once, so that a process that is killed while it stores them changes nothing of the rest.

    Args:
        config: which sampler, and the seed.
        space: what may be proposed; a list is proposed in its order.
        group: its name; each has proposals of its own.
        place: the number of a trial's proposal.

    Raises:
        ConfigError: for a grid over a range without points.
    """

    def __init__(
        self,
        config: SearchConfig,
        space: SearchSpace,
        group: str,
        place: Place = lambda trial: (trial.number, {}),
    ) -> None:
        self._name, self._space, self._place = config.sampler, space, place
        self._seed = seed_of(config.seed, group)
        self._settings: list[Setting] = []
        if space.listed:
            self._settings = list(space.listed)
        elif config.sampler == "grid":
            # In random order, so that a search that is ended early has seen something of all.
            grid = space.grid()
            self._settings = [
                grid[i] for i in np.random.default_rng(self._seed).permutation(len(grid))
            ]

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return all that varies."""
        return self._space.distributions

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> Params:
        """Return a proposal."""
        number, first = self._place(trial)
        if first:
            return first
        if self._settings:
            return self._space.to_params(self._settings[number % len(self._settings)])
        if self._name == "qmc":
            return _sobol(self._space, self._seed, number)
        make = SEEDED[self._name]
        sampler = make(seed=seed_of(self._seed, number, ""))
        together = sampler.infer_relative_search_space(study, trial)
        params = sampler.sample_relative(study, trial, together)
        for name, distribution in search_space.items():
            if name not in params:
                sampler = make(seed=seed_of(self._seed, number, name))
                params[name] = sampler.sample_independent(study, trial, name, distribution)
        return params

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Refuse what is not in the space: all of it is sampled together."""
        raise NotImplementedError(f"{param_name} is not in the search space")


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


def numbers(trials: Sequence[FrozenTrial]) -> dict[int, int]:
    """Return the number of each trial's proposal, from 0: one that runs again keeps its number."""
    of_trial: dict[int, int] = {}
    count = 0
    for trial in trials:
        first = trial.system_attrs.get("failed_trial")
        of_trial[trial.number] = count if first is None else of_trial[first]
        count += first is None
    return of_trial


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
