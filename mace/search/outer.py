"""The outer score: every subject predicted by a setting that was chosen without them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mace.data.motion_set import MotionSet
from mace.errors import ConfigError
from mace.evaluation.config import NETWORK, EvaluationConfig, ProtocolConfig
from mace.evaluation.cross_validation import evaluate_methods
from mace.evaluation.make import make_methods
from mace.evaluation.method import FoldPredictions
from mace.evaluation.network import Network
from mace.evaluation.results import Evaluation
from mace.protocols.benchmarks import BenchmarkName
from mace.protocols.folds import Fold
from mace.training.config import TrainConfig


@dataclass(frozen=True, kw_only=True)
class ChosenFor:
    """A training and the subjects whom it is tested on."""

    subjects: tuple[str, ...]
    train: TrainConfig


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Trains, for each subject that is left out, with the setting that was chosen without them."""

    groups: tuple[ChosenFor, ...]

    def __call__(
        self, motion_set: MotionSet, fold: Fold, *, seed: int, explain: bool
    ) -> FoldPredictions:
        """Predict the test clips; see `Method`.

        Raises:
            ConfigError: if the fold tests subjects of two groups, or of none.
        """
        tested = {motion_set.subjects[i] for i in np.unique(motion_set.groups[fold.test_index])}
        for group in self.groups:
            if tested <= set(group.subjects):
                predictions = Network(train=group.train)(
                    motion_set, fold, seed=seed, explain=explain
                )
                return _explained(predictions)
        raise ConfigError(
            f"the fold {fold.name} tests subjects that no single group of the search holds; test "
            "one subject a fold"
        )


def _explained(predictions: FoldPredictions) -> FoldPredictions:
    assert predictions.data_use is not None
    how = "settings by inner folds of subjects outside the tested one's group"
    data_use = replace(predictions.data_use, selection=f"{how}; {predictions.data_use.selection}")
    return replace(predictions, data_use=data_use)


def outer_score(
    motion_set: MotionSet,
    groups: Sequence[ChosenFor],
    *,
    train: TrainConfig,
    run_dir: Path,
    seeds: tuple[int, ...],
    title: str,
    description: Mapping[str, str],
    command: str | None,
    workers: int,
    baselines: bool = True,
    benchmark: BenchmarkName | None = None,
) -> Evaluation:
    """Leave one subject out, each time training with their group's setting; goes on where it was.

    Args:
        motion_set: all clips.
        groups: the chosen trainings; every subject is in exactly one.
        train: the recipe that was varied, which the evaluation's settings name.
        run_dir: folder of the evaluation.
        seeds: training seeds.
        title: what tables call the network.
        description: further facts for the report.
        command: that makes the results.
        workers: as `evaluate_methods` has them.
        baselines: whether to train the shallow baselines as well.
        benchmark: the protocol that the score is called after.

    Raises:
        ConfigError: for impossible settings.
        OutputError: if `run_dir` cannot be written to.
        TrainingError: if a training fails.
    """
    protocol = ProtocolConfig(kind="loso", benchmark=benchmark)
    config = EvaluationConfig(train=train, protocol=protocol, seeds=seeds)
    if not baselines:
        config = replace(config, logistic_regression=None, svm=None, kernel_ridge=None)
    methods: dict[str, Any] = {**make_methods(config), NETWORK: Chosen(groups=tuple(groups))}
    return evaluate_methods(
        motion_set,
        config=config,
        run_dir=run_dir,
        title=title,
        description=description,
        command=command,
        workers=workers,
        methods=methods,
    )
