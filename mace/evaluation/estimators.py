"""Cross-validation of anybody's classifier on anybody's arrays, with scikit-learn's interface."""

import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Literal

import numpy as np
from jaxtyping import Int
from sklearn.base import clone
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from mace.config import UNHASHED
from mace.data.motion_set import MotionSet
from mace.errors import ConfigError, DataError, TrainingError
from mace.evaluation.arrays import UNKNOWN_PEOPLE
from mace.evaluation.config import NETWORK, EstimatorConfig, EstimatorProtocol
from mace.evaluation.cross_validation import evaluate_methods
from mace.evaluation.fingerprints import digest
from mace.evaluation.methods.baselines import Majority
from mace.evaluation.methods.method import DataUse, FoldPredictions
from mace.evaluation.own_arrays import OwnArrays, own_arrays
from mace.evaluation.own_classifier import (
    as_classifier,
    classifier_code,
    classifier_identity,
    classifier_name,
)
from mace.evaluation.scores import CrossValidation
from mace.metrics import confusion_matrix, uf1
from mace.protocols.folds import Fold, grouped_kfold, loso


def cross_validate(
    estimator: Any,
    X: Any,
    y: Any,
    groups: Any = None,
    *,
    cv: Literal["loso"] | int | Any = "loso",
    seeds: Sequence[int] | None = None,
    choose: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]] | None = None,
    inner_folds: int = 4,
    out: str | Path | None = None,
    name: str | None = None,
    clips: Sequence[str] | None = None,
    workers: int = 0,
) -> CrossValidation:
    """Cross-validate a classifier over people, with the majority class beside it.

    Scores come from counts pooled over all folds, their intervals from drawing whole people. What
    a fold learns, normalises or chooses, it does on its training people alone.

    Args:
        estimator: a scikit-learn classifier, which is cloned for every fold; the name of one of
            `mace.models.presets.MODELS` or `mace.shallow.SHALLOW`; or a Flax module from images
            (b, h, w, c) to logits.
        X: (n, ...) arrays or a data frame; images (n, h, w, c) are made rows of a table for
            classifiers that take tables alone.
        y: (n,) labels of any kind.
        groups: (n,) the person of each clip, of any kind; `database/subject` names both.
        cv: `loso` leaves one person out in each fold; a number deals people to so many folds; or
            any splitter of scikit-learn's whose test sides hold every clip once and that, where
            `groups` is given, puts nobody on both sides.
        seeds: each runs every fold with every `random_state` of the classifier set to it; None
            leaves them as they are.
        choose: settings to choose from by UF1, as scikit-learn's `GridSearchCV` has them, in inner
            folds over the training people of each fold (nested cross-validation); those of a
            pipeline's step are called as there, `svc__C`. The result's `chosen` tells them.
        inner_folds: of `choose`; fewer where there are fewer people.
        out: folder of the results, in the form of `mace evaluate`. What it holds of an interrupted
            call with the same arguments is not run again; other arguments take its place, and
            theirs are found again if asked for again.
        name: to show; by default that of the classifier, and of each step of a pipeline.
        clips: (n,) names of the clips; by default their positions.
        workers: processes that share the folds; 0 works in this one.

    Raises:
        ConfigError: for settings that contradict each other.
        DataError: for arrays that do not fit each other, or a splitter that tests a clip twice.
        TrainingError: if the classifier fails in a fold.

    Examples:
        >>> import numpy as np
        >>> import mace
        >>> from sklearn.linear_model import LogisticRegression
        >>> rng = np.random.default_rng(0)
        >>> y, groups = np.tile(["negative", "positive"], 10), np.repeat(np.arange(5), 4)
        >>> X = rng.normal(size=(20, 6)) + 4 * (y == "positive")[:, None]
        >>> scores = mace.cross_validate(LogisticRegression(), X, y, groups)
        >>> scores.uf1, scores.table().index.tolist()
        (1.0, ['LogisticRegression', 'majority'])
    """
    own = own_arrays(X, y, groups, clips)
    classifier = as_classifier(estimator)
    if choose is not None and groups is None:
        raise ConfigError("choose needs groups, the person of each clip, for its inner folds")
    folds, protocol = _folds(own, cv, known=groups is not None)
    method = EstimatorMethod(
        estimator=classifier,
        identity=classifier_identity(classifier),
        code=classifier_code(classifier, choose),
        reseed=seeds is not None,
        choose=None if choose is None else repr(choose),
        space=choose,
        inner_folds=inner_folds,
    )
    config = EstimatorConfig(
        estimator=method.identity,
        choose=method.choose,
        protocol=protocol,
        seeds=tuple(seeds) if seeds is not None else (0,),
    )
    folder = Path(mkdtemp(prefix="mace-cross-validation-") if out is None else out)
    try:
        evaluation = evaluate_methods(
            own,
            config=config,
            run_dir=folder,
            title=name or classifier_name(classifier),
            command="mace.cross_validate(...)",
            workers=workers,
            methods={NETWORK: method, "majority": Majority()},
            folds=folds,
        )
    except BaseException as stop:
        if out is None:
            shutil.rmtree(folder, ignore_errors=True)
        elif isinstance(stop, KeyboardInterrupt):
            raise type(stop)(
                f"what is done is in {folder}, and the same call goes on from there"
            ) from None
        raise
    remarks = () if groups is not None else (UNKNOWN_PEOPLE,)
    return CrossValidation(evaluation, folder, temporary=out is None, remarks=remarks)


@dataclass(frozen=True, kw_only=True)
class EstimatorMethod:
    """A scikit-learn classifier as a method under evaluation.

    Attributes:
        estimator: never fitted itself.
        identity: its class and settings, in words; names the stored results, as does
        code: a digest of the source of its class, its steps' and its network's.
        reseed: whether every `random_state` is set to the seed.
        choose: `space` in words.
        space: settings to choose from.
        inner_folds: to choose by.
    """

    estimator: Any = field(metadata=UNHASHED)
    identity: str
    code: str
    reseed: bool
    choose: str | None
    space: Any = field(metadata=UNHASHED)
    inner_folds: int

    def __call__(
        self, motion_set: MotionSet, fold: Fold, *, seed: int, explain: bool
    ) -> FoldPredictions:
        """Fit on the training clips and predict the test clips; see `Method`."""
        assert isinstance(motion_set, OwnArrays)  # `cross_validate` made it
        own, train = motion_set, fold.train_index
        classifier: Any = clone(self.estimator)
        if self.reseed:
            seeded = [key for key in classifier.get_params() if key.split("__")[-1] == _SEED]
            classifier.set_params(**dict.fromkeys(seeded, seed))
        arguments = {}
        if self.space is not None:
            people = np.unique(own.groups[train]).size
            inner = GroupKFold(min(self.inner_folds, people))
            classifier = GridSearchCV(
                classifier, self.space, cv=inner, scoring=make_scorer(_pooled_uf1)
            )
            arguments = {"groups": own.groups[train]}
        try:
            rows = _take(own.rows, train, classifier)
            classifier.fit(rows, own.names[train], **arguments)
            tests = _take(own.rows, fold.test_index, classifier)
            predicted = np.asarray(classifier.predict(tests))
            probabilities = _probabilities(classifier, tests, own)
        except (ValueError, TypeError) as error:
            raise TrainingError(f"fold {fold.name}: {type(error).__name__}: {error}") from error
        if unknown := sorted({str(label) for label in predicted.ravel()} - set(own.classes)):
            raise TrainingError(
                f"fold {fold.name}: {unknown[0]!r} was predicted, which is none of the labels; "
                "give a classifier"
            )
        history = {} if self.space is None else {"inner_uf1": [float(classifier.best_score_)]}
        return FoldPredictions(
            predicted=np.searchsorted(own.distinct, predicted),
            probabilities=probabilities,
            history=history,
            data_use=DataUse(
                fitted=train,
                normalised=train,
                selection=_selection(classifier) if self.space is not None else "nothing",
            ),
        )


_SEED = "random_state"


def _selection(search: GridSearchCV) -> str:
    settings = ", ".join(f"{key}={value!r}" for key, value in search.best_params_.items())
    return f"settings by inner folds: {settings}"


def _folds(own: OwnArrays, cv: Any, *, known: bool) -> tuple[list[Fold], EstimatorProtocol]:
    """Return the folds and what they are called; `known` says whether people are."""
    if isinstance(cv, str | int) and not known:
        raise ConfigError(
            "groups is missing, the person of each clip: without it the same face may be on both "
            "sides of a split. Give it, or a splitter of scikit-learn's as cv that needs none"
        )
    if isinstance(cv, str):
        if cv != "loso":
            raise ConfigError(f"cv is {cv!r}, expected 'loso', a number of folds or a splitter")
        kind, folds = "loso", loso(own.groups, names=own.subjects)
    elif isinstance(cv, int):
        kind, folds = "kfold", grouped_kfold(own.groups, cv, seed=0)
    else:
        kind, folds = "splitter", _split(own, cv, known=known)
    parts = [index for fold in folds for index in (fold.train_index, fold.test_index)]
    splits = digest(np.concatenate([part for pair in parts for part in (pair, [-1])]))
    return folds, EstimatorProtocol(kind=kind, folds=len(folds), splits=splits)


def _split(own: OwnArrays, cv: Any, *, known: bool) -> list[Fold]:
    splitter: Any = check_cv(cv, own.names, classifier=True)
    groups = own.groups if known else None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The groups parameter is ignored")  # they are checked
        pairs = list(splitter.split(np.zeros(len(own)), own.names, groups))
    tested = np.concatenate([test for _, test in pairs])
    if not np.array_equal(np.sort(tested), np.arange(len(own))):
        raise DataError(
            f"the test sides of cv hold {len(tested)} clips, {np.unique(tested).size} of them "
            f"different, but there are {len(own)}; each must be tested once"
        )
    folds = []
    for number, (train, test) in enumerate(pairs, start=1):
        shared = np.intersect1d(own.groups[train], own.groups[test])
        if shared.size and known:
            raise DataError(
                f"cv puts {own.subjects[shared[0]]} on both sides of fold {number} of "
                f"{len(pairs)}: the score would be too good. Give LeaveOneGroupOut(), GroupKFold() "
                "or a number"
            )
        folds.append(Fold(f"{number} of {len(pairs)}", np.asarray(train), np.asarray(test)))
    return folds


def _take(rows: Any, index: Int[np.ndarray, " m"], classifier: Any) -> Any:
    if hasattr(rows, "iloc"):
        return rows.iloc[index]
    part = rows[index]
    if part.ndim > 2 and not _takes_images(classifier):
        return part.reshape(len(part), -1)
    return part


def _takes_images(classifier: Any) -> bool:
    """Say whether a classifier, or what it begins with, takes more than tables."""
    if isinstance(classifier, GridSearchCV):
        return _takes_images(classifier.estimator)
    if isinstance(classifier, Pipeline):
        return _takes_images(classifier.steps[0][1])
    return get_tags(classifier).input_tags.three_d_array


def _probabilities(classifier: Any, tests: Any, own: OwnArrays) -> np.ndarray | None:
    if not hasattr(classifier, "predict_proba"):
        return None
    probabilities = np.zeros((len(tests), len(own.classes)))
    columns = np.searchsorted(own.distinct, classifier.classes_)
    probabilities[:, columns] = classifier.predict_proba(tests)
    return probabilities


def _pooled_uf1(truth: np.ndarray, predicted: np.ndarray) -> float:
    classes = np.unique(np.concatenate([truth, predicted]))
    truth, predicted = (np.searchsorted(classes, labels) for labels in (truth, predicted))
    return uf1(confusion_matrix(truth, predicted, len(classes)))
