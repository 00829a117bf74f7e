"""The network's folds and seeds as one population: the answers that one after the other gives."""

from collections.abc import Sequence

from mace.data import MotionSet
from mace.errors import ConfigError, TrainingError
from mace.evaluation.learner import Answer, Learner
from mace.evaluation.network import Network
from mace.evaluation.starting import bundle_for
from mace.protocols import Fold
from mace.training.population import Member, make_plan, train_population

LARGEST_BATCH = 8
"""Folds between two writes where a plan takes one after the other: as many a killed run loses."""


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


def batch_size(motion_set: MotionSet, learner: Network, *, jobs: int, workers: int) -> int:
    """Return how many folds to train at once, so that every worker has some."""
    plan = make_plan(learner.train.model, motion_set.inputs.shape[2], members=jobs)
    if plan.kind == "vmap":
        return plan.together
    return max(1, min(LARGEST_BATCH, jobs // max(workers, 1)))


def population_answers(
    motion_set: MotionSet,
    learner: Network,
    wanted: Sequence[tuple[Fold, int, bool]],
) -> list[Answer]:
    """Return what the network answers for folds and seeds (and whether it explains itself).

    Raises:
        TrainingError: if a training diverges; the others' answers are lost with it.
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
    answers = []
    for result, (fold, _, explain), split in zip(
        train_population(motion_set, members, start=start), wanted, splits, strict=True
    ):
        if result.fitted is None:
            raise TrainingError(
                f"{result.member.name}: {result.reason}; try a lower optimiser.learning_rate or a "
                "smaller optimiser.clip_norm, and look for NaN in the inputs"
            )
        answers.append(learner.answer(motion_set, fold, result.fitted, split, explain=explain))
    return answers
