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
from optuna.samplers import BaseSampler, PartialFixedSampler, RandomSampler
from optuna.trial import FrozenTrial
from scipy.stats import qmc

from mace.search.config import SearchConfig
from mace.search.space import Params, SearchSpace, value_at
from mace.search.storage import quiet

SEEDED: Mapping[str, Callable[..., BaseSampler]] = {
    "tpe": optuna.samplers.TPESampler,
    "random": optuna.samplers.RandomSampler,
}

# Sobol points are laid out for so many trials; numbers beyond go on in the same sequence.
SOBOL_BITS = 30

type Place = Callable[[FrozenTrial], tuple[int, Params]]
"""From a trial to the number of its proposal, and to what this has whatever the sampler."""


class _Numbered(BaseSampler):
    """Has a sampler of its own for the number of each proposal and the name of each parameter.

    Each parameter, so that a process that is killed amid a proposal changes nothing of the rest.
    """

    def __init__(self, make: Callable[[int, str], BaseSampler], place: Place) -> None:
        self._make, self._place = make, place

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self._sampler(trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> Params:
        return self._sampler(trial).sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        sampler = self._sampler(trial, param_name)
        return sampler.sample_independent(study, trial, param_name, param_distribution)

    def _sampler(self, trial: FrozenTrial, parameter: str = "") -> BaseSampler:
        number, fixed = self._place(trial)
        sampler = self._make(number, parameter)
        return _fixed(fixed, sampler) if fixed else sampler


def make_sampler(
    config: SearchConfig,
    space: SearchSpace,
    group: str,
    place: Place = lambda trial: (trial.number, {}),
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

        def propose(number: int) -> Params:
            return space.to_params(settings[order[number % len(order)]])

    elif config.sampler == "qmc":

        def propose(number: int) -> Params:
            return _sobol(space, seed, number)

    else:
        make = SEEDED[config.sampler]
        return _Numbered(lambda number, name: make(seed=seed_of(seed, number, name)), place)
    return _Numbered(lambda number, _: _fixed(propose(number), RandomSampler()), place)


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


def _fixed(params: Params, sampler: BaseSampler) -> BaseSampler:
    with quiet():
        return PartialFixedSampler(params, sampler)


def _sobol(space: SearchSpace, seed: int, number: int) -> Params:
    points = qmc.Sobol(len(space.ranges), scramble=True, rng=seed, bits=SOBOL_BITS)
    if number:  # SciPy cannot go forward by nothing
        points.fast_forward(number)
    shares = points.random(1)[0]
    pairs = zip(space.ranges.items(), shares, strict=True)
    return space.to_params({path: value_at(ranged, float(at)) for (path, ranged), at in pairs})
