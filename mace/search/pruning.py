"""Ending settings early that are behind the others of their group's study."""

import functools

import optuna

from mace.search.config import SearchConfig
from mace.search.storage import StorageAddress, open_storage


def make_pruner(config: SearchConfig, epochs: int) -> optuna.pruners.BasePruner:
    """Return the rule that ends settings early, for trainings of at most `epochs` epochs."""
    least = config.least_epochs(epochs)
    if config.prune == "asha":
        return optuna.pruners.SuccessiveHalvingPruner(
            min_resource=least, reduction_factor=config.reduction
        )
    if config.prune == "hyperband":
        return optuna.pruners.HyperbandPruner(
            min_resource=least, max_resource=epochs, reduction_factor=config.reduction
        )
    return optuna.pruners.NopPruner()


@functools.lru_cache(maxsize=64)
def _study(
    address: StorageAddress, name: str, config: SearchConfig, epochs: int
) -> optuna.study.Study:
    return optuna.load_study(
        study_name=name,
        storage=open_storage(address),
        sampler=optuna.samplers.RandomSampler(),
        pruner=make_pruner(config, epochs),
    )


def stop_early(
    address: StorageAddress,
    study_name: str,
    number: int,
    score: float,
    epoch: int,
    *,
    config: SearchConfig,
    epochs: int,
) -> bool:
    """Report a score after some epochs, and return whether the setting is to end here."""
    study = _study(address, study_name, config, epochs)
    found = next(one for one in study.get_trials(deepcopy=False) if one.number == number)
    if found.state.is_finished():
        return False
    trial = optuna.trial.Trial(study, found._trial_id)
    if epoch not in found.intermediate_values:
        trial.report(score, epoch)
    return trial.should_prune()
