"""The network's folds and seeds as one population: predictions as one after the other gives."""

from collections.abc import Callable, Iterator, Sequence

from mace.data.motion_set import MotionSet
from mace.errors import ConfigError
from mace.evaluation.bundles import bundle_for
from mace.evaluation.method import FoldPredictions, Method
from mace.evaluation.network import Network
from mace.protocols.folds import Fold
from mace.training.fit import each_trained
from mace.training.member import Member
from mace.training.mixing import load_mix


def check_population(method: Method) -> Network:
    """Return the network whose folds can be trained as a population.

    Raises:
        ConfigError: for one that they cannot, saying why.
    """
    if not isinstance(method, Network):
        raise ConfigError("a population trains networks, and this one is evaluated as it is")
    if method.adapt is not None:
        raise ConfigError(
            "a population shares one set of images, and --adapt shows every fold its own; leave "
            "out --adapt or --population"
        )
    return method


def population_predictions(
    motion_set: MotionSet,
    network: Network,
    runs: Sequence[tuple[Fold, int, bool]],
    *,
    log: Callable[[str], None] | None = None,
) -> Iterator[tuple[int, FoldPredictions]]:
    """Yield what the network predicts for folds and seeds (and whether it explains itself).

    Args:
        motion_set: the clips.
        network: trained in every fold.
        runs: folds and seeds.
        log: is told the plan, and at the end what was compiled.

    Yields:
        Position in `runs` and predictions, as each training ends.

    Raises:
        TrainingError: if a training diverges.
    """
    splits = [network.split(motion_set, fold, seed=seed) for fold, seed, _ in runs]
    members = [
        Member(
            config=network.train,
            train_index=train_index,
            validation_index=validation_index,
            seed=seed,
            name=f"seed {seed}, without {fold.name}",
        )
        for (fold, seed, _), (train_index, validation_index) in zip(runs, splits, strict=True)
    ]
    start = None if network.start is None else bundle_for(network.start, motion_set)
    mix = None if network.mix is None else load_mix(network.mix)
    for i, result in each_trained(motion_set, members, start=start, mix=mix, log=log):
        fold, _, explain = runs[i]
        fitted = result.network()
        yield i, network.predict(motion_set, fold, fitted, splits[i], explain=explain)
