"""From a motion set, splits and configurations to trained networks: of one member, or of many."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Int

from mace.bundle import Bundle
from mace.data.motion_set import MotionSet
from mace.hosts.agreement import is_writer
from mace.progress import progress, silence
from mace.training.compiling import COMPILATIONS
from mace.training.config import TrainConfig
from mace.training.fitted import Fitted, Row
from mace.training.hyper import group_by_shape
from mace.training.member import Member, MemberResult
from mace.training.mixing import Mix
from mace.training.plan import Plan
from mace.training.population import Population
from mace.training.signals import stop_signals
from mace.training.source import Stream

SHOWN = ("loss", "accuracy", "validation_uf1")


def fit(
    motion_set: MotionSet,
    train_index: Int[np.ndarray, " m"] | Sequence[int],
    *,
    config: TrainConfig,
    seed: int = 0,
    validation_index: Int[np.ndarray, " v"] | Sequence[int] | None = None,
    start: Bundle | None = None,
    mix: Mix | None = None,
    run_dir: Path | None = None,
    label: str = "training",
) -> Fitted:
    """Train a network on some clips of a set; a run found in `run_dir` goes on where it was.

    The parameters are a function of the arguments alone: a run that was killed and started again
    ends with the same ones, bit for bit, on the same machine.

    Args:
        motion_set: all clips.
        train_index: positions of the clips to learn from; their order does not matter.
        config: the run.
        seed: of all that is random.
        validation_index: positions of the clips for `selection = "best"` and the history; they
            must be of training subjects, and none of `train_index`.
        start: a pre-trained network of the same layers to go on from; its last layer is drawn anew
            if its classes are others. Inputs are normalised as `config` says, not as it did.
        mix: clips of other people that share every batch; they count neither as training clips of
            the fold for its statistics and class counts, nor for the length of an epoch.
        run_dir: where checkpoints, `config.json`, `metrics.jsonl` and TensorBoard's files go;
            None writes nothing.
        label: what the progress display says.

    Raises:
        ConfigError: for a setting that does not go with another or with this machine.
        DataError: for an index out of range, or inputs that do not fit `motion_set.motion`.
        CheckpointError: if `run_dir` holds a damaged checkpoint, or another run's.
        OutputError: if `run_dir` cannot be written to.
        TrainingError: if the loss or its gradient is not a number.
        Interrupted: after SIGINT or SIGTERM; the state is saved if there is a `run_dir`.
    """
    member = Member(
        config=config,
        train_index=train_index,
        validation_index=validation_index,
        seed=seed,
        run_dir=run_dir,
    )
    return _fit_one(motion_set, member, start=start, mix=mix, label=label)


def fit_stream(
    stream: Stream,
    *,
    config: TrainConfig,
    seed: int = 0,
    run_dir: Path | None = None,
    label: str = "pre-training",
) -> Fitted:
    """Train a network on a stream; a run found in `run_dir` goes on where it was.

    `augment` and `mixup` of the configuration are the stream's own business, and the inputs come
    normalised, each image by itself. Everything else is as in `fit`, errors included.
    """
    member = Member(config=config, train_index=(), seed=seed, run_dir=run_dir)
    return _fit_one(stream, member, label=label)


def train_population(
    motion_set: MotionSet,
    members: Sequence[Member],
    *,
    plan: Plan | None = None,
    start: Bundle | None = None,
    mix: Mix | None = None,
    run_dir: Path | None = None,
    log: Callable[[str], None] | None = None,
) -> list[MemberResult]:
    """Train all members to their end, and return one result a member, in their order.

    Args and errors: see `each_trained`.
    """
    each = each_trained(
        motion_set, members, plan=plan, start=start, mix=mix, run_dir=run_dir, log=log
    )
    results = dict(each)
    return [results[i] for i in range(len(members))]


def each_trained(
    motion_set: MotionSet,
    members: Sequence[Member],
    *,
    plan: Plan | None = None,
    planned_for: int | None = None,
    start: Bundle | None = None,
    mix: Mix | None = None,
    run_dir: Path | None = None,
    log: Callable[[str], None] | None = None,
) -> Iterator[tuple[int, MemberResult]]:
    """Train all members to their end, those of one shape in one compiled program.

    A member's parameters are those that `fit` gives it, up to the order of sums; with equal plans
    they are the same bit for bit, whoever else is in the population.

    Args:
        motion_set: all clips.
        members: whose configurations may differ in anything.
        plan: how to compute them; decided for each shape by default,
        planned_for: for as many members of a shape as there were in all, where these are what an
            interruption has left: they get the numbers of an undisturbed training.
        start: a pre-trained network that all of them go on from.
        mix: clips of other people that share every batch, as in `fit`.
        run_dir: below which every member has a folder, as a run of `fit` has; members found there
            go on where they were.
        log: is told the plan, early ends, and at the end what was compiled.

    Yields:
        Position and result of each member as it ends; one that diverged takes no other along.

    Raises:
        MaceError: what `fit` raises, but for TrainingError.
    """
    log = log or (lambda line: None)
    before = COMPILATIONS.count, COMPILATIONS.seconds
    if run_dir is not None:
        members = [replace(m, run_dir=run_dir / f"member-{i}") for i, m in enumerate(members)]
    for positions in group_by_shape([member.config for member in members]):
        chosen = [members[i] for i in positions]
        population = Population(
            motion_set,
            chosen,
            plan=plan,
            planned_for=planned_for,
            start=start,
            mix=mix,
            log=log,
        )
        with population, stop_signals() as stop:
            for place, result in population.finish(stop=stop):
                yield positions[place], result
                population.release(place)
            if stop:  # it came when all had their last epoch behind them
                raise population.interrupted(stop)
    count, seconds = COMPILATIONS.count - before[0], COMPILATIONS.seconds - before[1]
    log(f"{len(members)} members, {count} programs compiled in {seconds:.1f} s")


def _fit_one(
    data: MotionSet | Stream,
    member: Member,
    *,
    label: str,
    start: Bundle | None = None,
    mix: Mix | None = None,
) -> Fitted:
    advance: list[Callable[..., None]] = []

    def watch(position: int, row: Row) -> None:
        notes = [f"{name} {row[name]:.3f}" for name in SHOWN if name in row]
        advance[0](note=", ".join(notes))

    population = Population(data, [member], start=start, mix=mix, watch=watch)
    done = len(population.histories[0])
    shown = progress(label, member.config.epochs, done=done) if is_writer() else silence()
    with population, stop_signals() as stop, shown as note:
        advance.append(note)
        ((_, result),) = population.finish(stop=stop)
    return result.network()
