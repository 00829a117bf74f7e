"""The network's folds and seeds as one population: the answers that one after the other gives."""

from collections.abc import Callable, Iterator, Sequence

from mace.data.motion_set import MotionSet
from mace.errors import ConfigError, TrainingError
from mace.evaluation.learner import Answer, Learner
from mace.evaluation.network import Network
from mace.evaluation.starting import bundle_for
from mace.protocols.folds import Fold
from mace.training.population.member import Member
from mace.training.population.training import each_trained


def check_population(learner: Learner) -> Network:
    """Return the network whose folds can be trained as a population.

    Raises:
        ConfigError: for one that they cannot, saying why.
    """
    if not isinstance(learner, Network):
        raise ConfigError("a population trains networks, and this one is evaluated as it is")
    if learner.mix is not None:
        raise ConfigError(
            "a population cannot mix other people into its batches; leave out --mix or --population"
        )
    if learner.train.devices > 1:
        raise ConfigError(
            f"train.devices is {learner.train.devices}, but a population gives every device "
            "members of its own; leave it at 1 or leave out --population"
        )
    return learner


def population_answers(
    motion_set: MotionSet,
    learner: Network,
    wanted: Sequence[tuple[Fold, int, bool]],
    *,
    log: Callable[[str], None] | None = None,
) -> Iterator[tuple[int, Answer]]:
    """Yield what the network answers for folds and seeds (and whether it explains itself).

    Args:
        motion_set: the clips.
        learner: the network.
        wanted: folds and seeds.
        log: is told the plan, and at the end what was compiled.

    Yields:
        Position in `wanted` and answer, as each training ends.

    Raises:
        TrainingError: if a training diverges.
    """
    splits = [learner.split(motion_set, fold, seed=seed) for fold, seed, _ in wanted]
    members = [
        Member(
            config=learner.train,
            train_index=train_index,
            validation_index=validation_index,
            seed=seed,
            name=f"seed {seed}, without {fold.name}",
        )
        for (fold, seed, _), (train_index, validation_index) in zip(wanted, splits, strict=True)
    ]
    start = None if learner.start is None else bundle_for(learner.start, motion_set)
    for i, result in each_trained(motion_set, members, start=start, log=log):
        if result.fitted is None:
            raise TrainingError(
                f"{result.member.name}: {result.reason}; try a lower optimiser.learning_rate or a "
                "smaller optimiser.clip_norm, and look for NaN in the inputs"
            )
        fold, _, explain = wanted[i]
        yield i, learner.answer(motion_set, fold, result.fitted, splits[i], explain=explain)
