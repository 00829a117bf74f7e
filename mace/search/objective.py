"""What a setting is worth: by inner folds of subjects whom the result is not tested on."""

import functools
import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import numpy as np
import optuna
from jaxtyping import Int
from optuna.exceptions import UpdateFinishedTrialError

from mace.bundle import Bundle, Normalisation
from mace.data.motion_set import MotionSet
from mace.errors import ConfigError
from mace.evaluation.methods.network import Network
from mace.inference import make_network
from mace.metrics import confusion_matrix, uf1
from mace.models.apply import init_model
from mace.models.config import ModelConfig
from mace.models.make import make_model
from mace.motion.config import MotionConfig
from mace.prediction import predict_clips
from mace.protocols.folds import Fold
from mace.protocols.inner import OuterFold
from mace.search.config import SearchPlan
from mace.search.sampler import make_pruner
from mace.search.setting import apply_setting, refuse_edited
from mace.search.storage import file_of, open_storage, trial_id
from mace.search.study import Candidate, Outcome
from mace.training.config import TrainConfig
from mace.training.hyper import group_by_shape
from mace.training.member import Member
from mace.training.population import Population

# The middle of so many runs; single ones are disturbed by whatever else the machine does.
RUNS = 60


@dataclass(frozen=True, eq=False, kw_only=True)
class Shared:
    """What all jobs of a search have in common; every worker gets it once.

    Attributes:
        plan: what is searched.
        motion_set: all clips.
        folds: the outer and inner folds, by the group's name.
        epochs: the most that a setting may ask for.
        own: networks of somebody's own, and what their files were when the search began.
    """

    plan: SearchPlan
    motion_set: MotionSet
    folds: Mapping[str, OuterFold]
    epochs: int
    own: Mapping[str, str]


def evaluate(shared: Shared, job: Sequence[Candidate]) -> list[Outcome]:
    """Train and judge some settings side by side; their outcomes in the same order.

    Nothing of a group's own subjects is read but their count: the trainings get positions of the
    group's inner folds only.

    Raises:
        DataError: if a fold cannot be made.
        ConfigError: for a setting that is none.
    """
    refuse_edited(shared.own)  # a worker may have begun after that
    trials = [_Trial(shared, candidate) for candidate in job]
    training = InnerTraining(shared.motion_set, [run for trial in trials for run in trial.runs])
    rungs = shared.plan.config.rungs(shared.epochs)
    for epoch in sorted({*rungs, *(trial.config.epochs for trial in trials)}):
        for trial in trials:
            if not trial.status and epoch <= trial.config.epochs:
                trial.advance(epoch, training)
    return [trial.outcome() for trial in trials]


@dataclass(frozen=True, eq=False, kw_only=True)
class InnerRun:
    """A training on one inner fold."""

    config: TrainConfig
    fold: Fold
    seed: int


class InnerTraining:
    """Runs side by side: those whose settings differ in numbers alone are one population."""

    def __init__(self, motion_set: MotionSet, runs: Sequence[InnerRun]) -> None:
        self._motion_set = motion_set
        self._places: dict[InnerRun, tuple[Population, int]] = {}
        for positions in group_by_shape([run.config for run in runs]):
            population = Population(motion_set, [self._member(runs[i]) for i in positions])
            self._places |= {runs[i]: (population, place) for place, i in enumerate(positions)}

    def advance(self, run: InnerRun, epoch: int) -> Int[np.ndarray, " v"] | str:
        """Train a run to `epoch` complete epochs, its population with it.

        Returns:
            The classes that it predicts for the fold's test clips; a sentence if it diverged.
        """
        population, place = self._places[run]
        population.advance(epoch)
        fitted = population.fitted(place)
        if fitted is None:
            return population.reason(place)
        images = self._motion_set.inputs[run.fold.test_index]
        return predict_clips(fitted, images, pair_average=run.config.pair_average).argmax(axis=1)

    def drop(self, run: InnerRun) -> None:
        """Leave a run that has ended, or is not to go on, out of its population."""
        population, place = self._places[run]
        population.keep(set(population.learning) - {place})

    def _member(self, run: InnerRun) -> Member:
        # Split as an evaluation does where an epoch is to be chosen.
        network = Network(train=run.config)
        train_index, validation_index = network.split(self._motion_set, run.fold, seed=run.seed)
        return Member(
            config=run.config,
            train_index=train_index,
            validation_index=validation_index,
            seed=run.seed,
        )


class _Trial:
    """A candidate on its way."""

    def __init__(self, shared: Shared, candidate: Candidate) -> None:
        self.shared, self.candidate = shared, candidate
        self.config = apply_setting(shared.plan.train, candidate.setting)
        self.runs = [
            InnerRun(config=self.config, fold=fold, seed=shared.plan.config.seed)
            for fold in shared.folds[candidate.group].inner
        ]
        # Of each fold, rows truth, after so many epochs.
        self.confusions: dict[int, Int[np.ndarray, "f k k"]] = {}
        self.status = self.reason = ""

    def advance(self, epoch: int, training: InnerTraining) -> None:
        """Train all folds to some epochs, and judge; with a status it has ended."""
        labels, classes = self.shared.motion_set.labels, len(self.shared.motion_set.classes)
        counts = []
        for run in self.runs:
            prediction = training.advance(run, epoch)
            if isinstance(prediction, str):
                self.status, self.reason = "diverged", self.reason or prediction
            else:
                counts.append(confusion_matrix(labels[run.fold.test_index], prediction, classes))
        if not self.status:
            self.confusions[epoch] = np.stack(counts)
            if epoch >= self.config.epochs:
                self.status = "complete"
            elif _is_behind(self.shared, self.candidate, self._score(epoch), epoch):
                self.status = "pruned"
        if self.status:
            for run in self.runs:
                training.drop(run)

    def _score(self, epoch: int) -> float:
        return float(uf1(self.confusions[epoch].sum(axis=0)))

    def outcome(self) -> Outcome:
        data, epochs = self.shared.motion_set, max(self.confusions, default=0)
        score, confusion, folds, latency = None, (), (), None
        if self.status != "diverged":
            score = self._score(epochs)
            confusion = tuple(map(tuple, self.confusions[epochs].sum(axis=0).tolist()))
            folds = tuple(round(float(uf1(fold)), 4) for fold in self.confusions[epochs])
        if self.shared.plan.config.latency and self.status == "complete":
            latency = latency_ms(
                self.config.model, data.motion, data.inputs.shape[2:], data.classes
            )
        return Outcome(
            group=self.candidate.group,
            number=self.candidate.number,
            setting=dict(self.candidate.setting),
            status=self.status,  # pyright: ignore[reportArgumentType]
            uf1=score,
            epochs=epochs,
            rungs=tuple((epoch, self._score(epoch)) for epoch in self.confusions),
            confusion=confusion,
            folds=folds,
            latency_ms=latency,
            reason=self.reason,
            place=f"{platform.node()}:{os.getpid()}",
        )


def _is_behind(shared: Shared, candidate: Candidate, score: float, epoch: int) -> bool:
    """Report a score to the study, which this process must reach, and ask whether to end here."""
    plan, name = shared.plan, shared.plan.name_of(candidate.group)
    if plan.config.prune == "none":
        return False
    file = file_of(plan.storage)
    if file is not None and not file.exists():
        raise ConfigError(
            f"pruning asks the storage from every worker, and {plan.storage} is not on "
            f"{platform.node()}; search in a database that all machines reach (--storage), or "
            "leave out --prune"
        )
    storage = open_storage(plan.storage)
    study = optuna.load_study(study_name=name, storage=storage)
    try:
        identifier = trial_id(storage, name, candidate.trial)
        storage.set_trial_intermediate_value(identifier, epoch, score)
        return make_pruner(plan.config, shared.epochs).prune(study, storage.get_trial(identifier))
    except UpdateFinishedTrialError:  # taken for dead, another process has it now
        return False


@functools.lru_cache(maxsize=256)
def latency_ms(
    model: ModelConfig, motion: MotionConfig, shape: tuple[int, int, int], classes: tuple[str, ...]
) -> float:
    """Return the median milliseconds of a network for one input (h, w, c) on the processor.

    As `mace live` would run it. Its weights are drawn, not trained: they do not change the time.
    """
    with jax.default_device(jax.local_devices(backend="cpu")[0]):
        variables = init_model(make_model(model, len(classes)), jax.random.key(0), shape)
        network = make_network(
            Bundle(
                model=model,
                motion=motion,
                face={},
                classes=classes,
                normalisation=Normalisation(
                    kind="none", mean=(0.0,) * shape[2], std=(1.0,) * shape[2]
                ),
                variables=jax.device_get(variables),
                provenance={},
            )
        )
        picture = np.zeros((1, *shape), np.float32)
        durations = []
        for _ in range(RUNS):
            start = time.perf_counter()
            network(picture)
            durations.append(time.perf_counter() - start)
    return round(1e3 * float(np.median(durations)), 4)
