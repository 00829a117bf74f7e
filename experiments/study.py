"""What the studies of the paper's questions share: settings x seeds x folds, and their results.

A study is a list of settings. Each is cross-validated over subjects once a seed, by
`mace.evaluation` in a folder of its own, so that an interrupted study goes on with the next fold;
a finished (setting, seed) is a line of `results/NAME.jsonl` and is not run again.

The common protocol is the cheapest honest one: the rendered people of `synthetic/demo` in four
folds by subject, a network of 28 px and few epochs, two seeds. Scores compare within a study, and
with nothing else. Recipe and epochs were fixed for their cost before any study was run, and no
setting is tuned.
"""

import functools
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mace.annotation.class_sets import ClassSet
from mace.compilation import keep_compiled
from mace.config import UNHASHED, config_hash
from mace.data.config import VariantConfig
from mace.data.motion_set import MotionSet
from mace.errors import ConfigError
from mace.evaluation.config import NETWORK, EvaluationConfig, ProtocolConfig
from mace.evaluation.cross_validation import evaluate_methods
from mace.evaluation.methods.method import FoldPredictions, Method
from mace.evaluation.methods.network import Network
from mace.evaluation.protocol_folds import make_folds
from mace.evaluation.results import Evaluation
from mace.experiments.study_results import Pooled, append_row, make_row, read_rows
from mace.inputs import read_motion
from mace.models.runtime import keep_heap
from mace.motion.config import MotionConfig
from mace.places import prepared_dataset
from mace.pretrained.bundle_files import BundleFile
from mace.protocols.folds import Fold
from mace.recipes import FLOW, Recipe
from mace.training.config import TrainConfig

DATASET = "synthetic/demo"

STUDY = Recipe(
    motion=replace(FLOW.motion, size=28),
    variants=VariantConfig(extra=4),
    train=replace(
        FLOW.train,
        model=replace(FLOW.train.model, widths=(16, 24)),
        optimiser=replace(FLOW.train.optimiser, learning_rate=4e-3),
        epochs=20,
        # Mixed classes would be a second treatment of losses and imbalance.
        mixup=0.0,
    ),
)
"""The recipe that the studies vary: `recipes.FLOW` made small, two seconds a fold on one core."""


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where a study finds its data and keeps its work; no result depends on it.

    Attributes:
        data_dir: root of the prepared data sets.
        out: folder that the work is kept in.
        workers: processes that share the folds; 0 works in this one.
    """

    data_dir: Path
    out: Path
    workers: int = 0


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One point of a study; studies add what they vary and override what follows from it.

    Attributes:
        name: what tables and figures call it.
        dataset: a prepared data set, `name/config`.
        recipe: input, network and training.
        protocol: the folds.
    """

    name: str = field(metadata=UNHASHED)
    dataset: str = DATASET
    recipe: Recipe = STUDY
    protocol: ProtocolConfig = field(default_factory=lambda: ProtocolConfig(kind="kfold", folds=4))

    def inputs(self, places: Places) -> MotionSet:
        """Return the clips as the network sees them; computed once and kept in the cache.

        Raises:
            DataError: if the data set is not prepared.
        """
        return prepared_inputs(self.dataset, self.recipe, places)

    def folds(self, inputs: MotionSet, *, seed: int) -> list[Fold]:
        """Return the folds of one seed; every clip is tested once."""
        return make_folds(inputs, self.protocol)

    def method(self) -> Method:
        """Return what is trained on each fold."""
        return Network(train=self.recipe.train)

    def measure(self, evaluation: Evaluation, *, seed: int) -> Mapping[str, float | None]:
        """Return further figures of one seed, by name."""
        return {}


def prepared_inputs(
    dataset: str, recipe: Recipe, places: Places, *, classes: ClassSet | None = None
) -> MotionSet:
    """Return the recipe's inputs for a prepared data set, on a set of classes if one is named.

    Settings that differ in the network alone share them.

    Raises:
        DataError: if the data set is not prepared, or has none of the classes.
    """
    folder = prepared_dataset(dataset, data_dir=places.data_dir)
    return _read(folder, recipe.motion, recipe.variants, places.out / "cache", classes)


@functools.lru_cache(maxsize=4)
def _read(
    folder: Path,
    motion: MotionConfig,
    variants: VariantConfig,
    cache_dir: Path,
    classes: ClassSet | None,
) -> MotionSet:
    recipe = Recipe(motion=motion, variants=variants, train=TrainConfig())
    return read_motion(folder, recipe, cache_dir=cache_dir, classes=classes)


@dataclass(frozen=True, kw_only=True)
class StepNetwork:
    """`Network` trained for a number of steps, however many clips a fold has.

    Fewer clips in as many epochs would be less training as well as less data.

    Attributes:
        train: the network and its training; its number of epochs is replaced.
        steps: number of steps, rounded to whole epochs, at least one.
        start: the pre-trained network that every fold goes on from; None begins anew.
    """

    train: TrainConfig
    steps: int
    start: BundleFile | None = None

    def __call__(
        self, motion_set: MotionSet, fold: Fold, *, seed: int, explain: bool
    ) -> FoldPredictions:
        """Predict the test clips; see `Method`."""
        per_epoch = -(-len(fold.train_index) // self.train.batch_size)
        train = replace(self.train, epochs=max(round(self.steps / per_epoch), 1))
        network = Network(train=train, start=self.start)
        return network(motion_set, fold, seed=seed, explain=explain)


@dataclass(frozen=True, kw_only=True)
class Study:
    """A question: what is run for it, and how the result is shown.

    Attributes:
        name: of its module, results and figure.
        about: the module's docstring, which the page shows.
        sweep: makes the settings, of different names.
        draw: makes the figure from the finished settings, by name.
        pairs: names of settings that are compared person by person, the later named minus the
            earlier named one.
        extras: titles of columns for what `Setting.measure` returns, by name.
        parts: names of databases to score apart; none scores all clips together.
        reading: what the committed results say, in words.
    """

    name: str
    about: str
    sweep: Callable[[], Sequence[Setting]]
    draw: Callable[[Mapping[str, Pooled]], bytes]
    pairs: Sequence[tuple[str, str]] = ()
    extras: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    reading: str = ""


def run_study(study: Study, *, seeds: int, places: Places, results: Path, only: str = "") -> None:
    """Run what `results` lacks, all settings of one seed before the next.

    Args:
        study: what to run.
        seeds: how many, from 0.
        places: data and work.
        results: the file of results.
        only: part of the names of the settings to run; all without it.

    Raises:
        ConfigError: for no seed, a name that no setting has, or two settings of one name.
        DataError: if a data set is not prepared.
        OutputError: if a folder cannot be written to.
    """
    settings = chosen_settings(study, seeds=seeds, only=only)
    keep_compiled()
    keep_heap()
    for seed in range(seeds):
        for setting in settings:
            done = {(row["key"], row["seed"]): row for row in read_rows(results)}
            key = config_hash(setting)
            row = done.get((key, seed))
            inputs = setting.inputs(places)
            if row is not None and row["fingerprint"] == inputs.fingerprint:
                continue
            evaluation = _evaluate(study, setting, inputs, seed=seed, places=places)
            extra = setting.measure(evaluation, seed=seed)
            row = make_row(evaluation, name=setting.name, key=key, seed=seed, extra=extra)
            append_row(results, row)
            print(f"{study.name}: {setting.name}, seed {seed}: UF1 {row['uf1']:.3f}", flush=True)


def chosen_settings(study: Study, *, seeds: int, only: str) -> list[Setting]:
    """Return the settings to run, after refusing what cannot be."""
    if seeds < 1:
        raise ConfigError(f"{seeds} seeds were asked for, expected 1 or more")
    settings = list(study.sweep())
    names = [setting.name for setting in settings]
    if len(set(names)) < len(names):
        raise ConfigError(f"two settings of {study.name} have one name: {', '.join(names)}")
    chosen = [setting for setting in settings if only in setting.name]
    if not chosen:
        raise ConfigError(
            f"no setting of {study.name} has {only!r} in its name; it has: {', '.join(names)}"
        )
    return chosen


def _evaluate(
    study: Study, setting: Setting, inputs: MotionSet, *, seed: int, places: Places
) -> Evaluation:
    """Cross-validate one setting with one seed: the only place where a study trains."""
    config = EvaluationConfig(
        train=setting.recipe.train,
        protocol=setting.protocol,
        seeds=(seed,),
        explain=False,
        logistic_regression=None,
        svm=None,
        kernel_ridge=None,
    )
    return evaluate_methods(
        inputs,
        config=config,
        run_dir=places.out / study.name / f"{config_hash(setting)}-{seed}",
        title=f"{study.name}, {setting.name}",
        command=shlex.join(sys.argv),
        workers=places.workers,
        methods={NETWORK: setting.method()},
        folds=setting.folds(inputs, seed=seed),
    )
