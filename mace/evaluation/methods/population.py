"""The network's folds and seeds as one population: predictions as one after the other gives."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeGuard

from mace.data.motion_set import MotionSet
from mace.evaluation.methods.bundles import bundle_for
from mace.evaluation.methods.method import FoldPredictions, Method
from mace.evaluation.methods.network import Network
from mace.protocols.folds import Fold
from mace.training.fit import each_trained
from mace.training.member import Member
from mace.training.mixing import load_mix


def trains_together(method: Method) -> TypeGuard[Network]:
    """Return whether a method's folds and seeds can be trained as one population.

    A network that is shown a window of its own in every fold has no images in common with others.
    """
    return isinstance(method, Network) and method.adapt is None


def population_predictions(
    motion_set: MotionSet,
    network: Network,
    runs: Sequence[tuple[Fold, int, bool]],
    *,
    whole: int,
    log: Callable[[str], None] | None = None,
) -> Iterator[tuple[int, FoldPredictions]]:
    """Yield what the network predicts for folds and seeds (and whether it explains itself).

    Args:
        motion_set: the clips.
        network: trained in every fold.
        runs: folds and seeds that are left.
        whole: how many there were in all. They decide the plan, so that an evaluation that goes on
            ends with the numbers of one that was never interrupted.
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
    trained = each_trained(motion_set, members, planned_for=whole, start=start, mix=mix, log=log)
    for i, result in trained:
        fold, _, explain = runs[i]
        fitted = result.network()
        yield i, network.predict(motion_set, fold, fitted, splits[i], explain=explain)
