"""Shallow baselines on the same input as the network, under the same folds.

A network is worth its trouble only by what it adds to these, so they get what it gets: all frame
pairs of a clip, whose mean has less noise than the annotated pair alone. Features are standardised
with the training subjects' mean and deviation. Whether to average, the size of the input and the
strength of regularisation are chosen by the pooled UF1 of a cross-validation over training subjects
inside of each fold. The standardisation is not repeated for the inner folds, which touches no test
subject.

Clips are far fewer than pixels, so all classifiers work on the clips' n × n products: the
logistic regression in the space the training clips span, where an L2 penalty gives exactly the
solution of the full problem, the SVM with its kernel computed from the same products, and kernel
ridge, which standardises each image by itself and so needs no training clip for it.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from jaxtyping import Float, Int
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression as SklearnLogisticRegression
from sklearn.svm import SVC

from mace.data.motion_set import MotionSet
from mace.evaluation.config import (
    KernelRidgeConfig,
    LogisticRegressionConfig,
    SearchSpace,
    SupportVectorConfig,
)
from mace.evaluation.methods.method import DataUse, FoldPredictions
from mace.kernel_ridge import (
    BalancedRidge,
    Distances,
    mean_squared_distances,
    mirrored_kernel,
    shrunk,
    standardised,
)
from mace.metrics import confusion_matrix, uf1
from mace.protocols.folds import Fold
from mace.protocols.inner import inner_folds


@dataclass(frozen=True)
class Majority:
    """Predicts the most frequent class of the training subjects."""

    def __call__(
        self, motion_set: MotionSet, fold: Fold, *, seed: int, explain: bool
    ) -> FoldPredictions:
        """Predict the test clips; see `Method`."""
        classes = len(motion_set.classes)
        counts = np.bincount(motion_set.labels[fold.train_index], minlength=classes)
        tests = fold.test_index.size
        return FoldPredictions(
            predicted=np.full(tests, counts.argmax()),
            probabilities=np.tile(counts / counts.sum(), (tests, 1)),
            data_use=DataUse(fitted=fold.train_index),
        )


@dataclass(frozen=True)
class LogisticRegression:
    """Multinomial logistic regression with an L2 penalty and balanced class weights.

    Attributes:
        config: what it chooses from.
    """

    config: LogisticRegressionConfig = field(default_factory=LogisticRegressionConfig)

    def __call__(
        self, motion_set: MotionSet, fold: Fold, *, seed: int, explain: bool
    ) -> FoldPredictions:
        """Predict the test clips; see `Method`."""
        space, candidates = self.config.space, []
        for shape, gram in _grams(motion_set, fold, space):
            features = _spanned(gram, fold.train_index)
            candidates += [Candidate(shape, c, features, _logistic(c)) for c in space.strengths]
        return best_predictions(candidates, motion_set, fold, space)


@dataclass(frozen=True)
class SupportVectorMachine:
    """Support vector machine with a Gaussian (RBF) kernel and balanced class weights.

    Attributes:
        config: what it chooses from.
    """

    config: SupportVectorConfig = field(default_factory=SupportVectorConfig)

    def __call__(
        self, motion_set: MotionSet, fold: Fold, *, seed: int, explain: bool
    ) -> FoldPredictions:
        """Predict the test clips; see `Method`."""
        space, candidates = self.config.space, []
        for shape, gram in _grams(motion_set, fold, space):
            norms = np.diagonal(gram)
            squared = norms[:, None] + norms[None] - 2 * gram
            for width, c in product(self.config.widths, space.strengths):
                kernel = np.exp(-width * np.maximum(squared, 0))
                machine = SVC(C=c, kernel="precomputed", class_weight="balanced")
                candidates.append(Candidate(shape, c, kernel, machine, width))
        return best_predictions(candidates, motion_set, fold, space)


@dataclass(frozen=True)
class KernelRidge:
    """Kernel ridge regression of the classes with a Gaussian kernel, every class weighing the same.

    Each channel of each image is brought to mean 0 and deviation 1, so that where something moves
    counts and not how much, and the kernel is the mean over an image and its mirror image, since a
    movement of either half of the face means the same. The strongest of the shallow baselines on
    the flow images of the field.

    Source: that of `mace.kernel_ridge`.

    Attributes:
        config: what it chooses from.
    """

    config: KernelRidgeConfig = field(default_factory=KernelRidgeConfig)

    def __call__(
        self, motion_set: MotionSet, fold: Fold, *, seed: int, explain: bool
    ) -> FoldPredictions:
        """Predict the test clips; see `Method`."""
        space, candidates = self.config.space, []
        for shape, distances in mirrored_distances(motion_set, space):
            for width, strength in product(self.config.widths, space.strengths):
                kernel = mirrored_kernel(distances, width)
                ridge = BalancedRidge(strength)
                candidates.append(Candidate(shape, strength, kernel, ridge, width))
        return best_predictions(candidates, motion_set, fold, space)


@dataclass(frozen=True)
class Shape:
    """What of the input a candidate reads.

    Attributes:
        averaged: the mean over a clip's pairs, or the annotated pair.
        size: side, px.
    """

    averaged: bool
    size: int


@dataclass(frozen=True, eq=False)
class Candidate:
    """A classifier and the table it reads: features of all clips, or products with all clips.

    Attributes:
        shape: what of the input the table is of; None where it is of no image.
        strength: of the regularisation.
        table: a row for each clip.
        classifier: of what kind.
        width: of the kernel, if it has one.
    """

    shape: Shape | None
    strength: float
    table: np.ndarray
    classifier: SVC | SklearnLogisticRegression | BalancedRidge
    width: float | None = None

    def fit(self, index: np.ndarray, labels: np.ndarray) -> None:
        """Fit to some clips."""
        with warnings.catch_warnings():
            # A weakly regularised fit may stop at the iteration limit. It is still a candidate:
            # the inner folds judge it by what it predicts.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.classifier.fit(self._rows(index, index), labels[index])

    def predict(self, index: np.ndarray, fitted: np.ndarray) -> np.ndarray:
        """Return the classes of some clips, by what was learnt of those at `fitted`."""
        return np.asarray(self.classifier.predict(self._rows(index, fitted)))

    def probabilities(self, index: np.ndarray, classes: int) -> np.ndarray | None:
        """Return probabilities where the classifier has them."""
        if not isinstance(self.classifier, SklearnLogisticRegression):
            return None  # its distances are no probabilities, and calibrating costs a further split
        result = np.zeros((index.size, classes))
        result[:, self.classifier.classes_] = self.classifier.predict_proba(self.table[index])
        return result

    def _rows(self, index: np.ndarray, fitted: np.ndarray) -> np.ndarray:
        if isinstance(self.classifier, SklearnLogisticRegression):
            return self.table[index]
        return self.table[np.ix_(index, fitted)]


def _logistic(strength: float) -> SklearnLogisticRegression:
    return SklearnLogisticRegression(C=strength, class_weight="balanced", max_iter=300, tol=1e-3)


def _grams(
    motion_set: MotionSet, fold: Fold, space: SearchSpace
) -> Iterator[tuple[Shape, Float[np.ndarray, "n n"]]]:
    """Yield each form of the input with the products of all standardised clips, over features."""
    for shape, images in _forms(motion_set, space):
        flat = images.reshape(len(images), -1)
        train = flat[fold.train_index]
        deviation = train.std(axis=0)
        # A pixel that never moves in training says nothing; it must not explode in the test.
        scale = np.where(deviation > 1e-6, deviation, np.inf)
        standard = (flat - train.mean(axis=0)) / scale
        yield shape, (standard @ standard.T).astype(np.float64) / standard.shape[1]


def mirrored_distances(
    motion_set: MotionSet, space: SearchSpace
) -> Iterator[tuple[Shape, Distances]]:
    """Yield each form of the input with its distances."""
    for shape, images in _forms(motion_set, space):
        own, turned = map(np.asarray, standardised(images, motion=motion_set.motion))
        # Standardised rows have the mean square 1, or 0 where nothing moves.
        yield shape, (mean_squared_distances(own, own), mean_squared_distances(own, turned))


def _forms(
    motion_set: MotionSet, space: SearchSpace
) -> Iterator[tuple[Shape, Float[np.ndarray, "n s s c"]]]:
    pairs, side = motion_set.inputs.shape[1:3]
    sizes = sorted({min(size, side) for size in space.sizes}, reverse=True)
    averages = space.averages if pairs > 1 else (False,)
    for averaged, size in product(averages, sizes):
        images = motion_set.inputs.mean(axis=1) if averaged else motion_set.inputs[:, 0]
        yield Shape(averaged, size), shrunk(images, size)


def _spanned(
    gram: Float[np.ndarray, "n n"], index: Int[np.ndarray, " m"]
) -> Float[np.ndarray, "n r"]:
    """Return coordinates of all clips in the space the clips at `index` span."""
    values, vectors = np.linalg.eigh(gram[np.ix_(index, index)])
    significant = values > values[-1] * 1e-7
    return gram[:, index] @ (vectors[:, significant] / np.sqrt(values[significant]))


def best_predictions(
    candidates: Sequence[Candidate], motion_set: MotionSet, fold: Fold, space: SearchSpace
) -> FoldPredictions:
    """Let the inner folds choose a candidate, fit it on all training clips, predict with it."""
    classes = len(motion_set.classes)
    train = fold.train_index
    if np.unique(motion_set.labels[train]).size < 2:
        return Majority()(motion_set, fold, seed=0, explain=False)
    best = max(candidates, key=lambda candidate: _inner_score(candidate, motion_set, train, space))
    best.fit(train, motion_set.labels)
    history = {"strength": [best.strength]}
    if best.shape is not None:
        history["averaged"] = [float(best.shape.averaged)]
        history["size"] = [float(best.shape.size)]
    if best.width is not None:
        history["gamma"] = [best.width]
    return FoldPredictions(
        predicted=best.predict(fold.test_index, train),
        probabilities=best.probabilities(fold.test_index, classes),
        history=history,
        data_use=DataUse(fitted=train, normalised=train, selection="settings by inner folds"),
    )


def _inner_score(
    candidate: Candidate, motion_set: MotionSet, train: np.ndarray, space: SearchSpace
) -> float:
    labels, folds = motion_set.labels, space.inner_folds
    counts = np.zeros((len(motion_set.classes),) * 2, np.int64)
    for fitted, held_out in inner_folds(train, motion_set.groups, labels, folds=folds):
        candidate.fit(fitted, labels)
        predicted = candidate.predict(held_out, fitted)
        counts += confusion_matrix(labels[held_out], predicted, len(motion_set.classes))
    return uf1(counts) if counts.sum() else 0.0
