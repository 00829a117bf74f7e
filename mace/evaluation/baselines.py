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

import functools
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

import cv2
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_ridge import KernelRidge as SklearnKernelRidge
from sklearn.linear_model import LogisticRegression as SklearnLogisticRegression
from sklearn.svm import SVC

from mace.augment.image import flip
from mace.data.motion_set import MotionSet
from mace.evaluation.config import (
    KernelRidgeConfig,
    LogisticRegressionConfig,
    SearchSpace,
    SupportVectorConfig,
)
from mace.evaluation.method import DataUse, FoldPredictions
from mace.metrics import confusion_matrix, uf1
from mace.motion.config import MotionConfig
from mace.prediction import normalise
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
            candidates += [_Candidate(shape, c, features, _logistic(c)) for c in space.strengths]
        return _best_predictions(candidates, motion_set, fold, space)


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
                candidates.append(_Candidate(shape, c, kernel, machine, width))
        return _best_predictions(candidates, motion_set, fold, space)


@dataclass(frozen=True)
class KernelRidge:
    """Kernel ridge regression of the classes with a Gaussian kernel, every class weighing the same.

    Each channel of each image is brought to mean 0 and deviation 1, so that where something moves
    counts and not how much, and the kernel is the mean over an image and its mirror image, since a
    movement of either half of the face means the same. The strongest of the shallow baselines on
    the flow images of the field.

    Source: Saunders, Gammerman and Vovk, "Ridge Regression Learning Algorithm in Dual Variables",
    ICML 1998; invariant kernels by averaging: Haasdonk and Burkhardt, "Invariant kernel functions
    for pattern analysis and machine learning", Machine Learning 68, 2007.

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
                candidates.append(_Candidate(shape, strength, kernel, ridge, width))
        return _best_predictions(candidates, motion_set, fold, space)


class BalancedRidge:
    """scikit-learn's kernel ridge as a classifier of precomputed kernels."""

    def __init__(self, strength: float) -> None:
        self._ridge = SklearnKernelRidge(alpha=strength, kernel="precomputed")  # pyright: ignore[reportArgumentType]
        self.classes_ = np.zeros(0, np.int64)

    def fit(self, kernel: np.ndarray, labels: np.ndarray) -> None:
        """Fit to products of the training clips with each other."""
        self.classes_, places, counts = np.unique(labels, return_inverse=True, return_counts=True)
        targets = np.eye(len(counts))[places] - 1 / len(counts)
        weights = (len(labels) / (len(counts) * counts))[places]
        self._ridge.fit(kernel, targets, sample_weight=weights)

    def scores(self, kernel: np.ndarray) -> np.ndarray:
        """Return a score of each of `classes_`, from products with the training clips."""
        return np.asarray(self._ridge.predict(kernel))

    def predict(self, kernel: np.ndarray) -> np.ndarray:
        """Return the class with the highest score."""
        return self.classes_[self.scores(kernel).argmax(axis=1)]


@dataclass(frozen=True)
class _Shape:
    """What of the input a candidate reads."""

    averaged: bool
    size: int


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A classifier and the table it reads: features of all clips, or products with all clips."""

    shape: _Shape
    strength: float
    table: np.ndarray
    classifier: SVC | SklearnLogisticRegression | BalancedRidge
    width: float | None = None

    def fit(self, index: np.ndarray, labels: np.ndarray) -> None:
        with warnings.catch_warnings():
            # A weakly regularised fit may stop at the iteration limit. It is still a candidate:
            # the inner folds judge it by what it predicts.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.classifier.fit(self._rows(index, index), labels[index])

    def predict(self, index: np.ndarray, fitted: np.ndarray) -> np.ndarray:
        return np.asarray(self.classifier.predict(self._rows(index, fitted)))

    def probabilities(self, index: np.ndarray, classes: int) -> np.ndarray | None:
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
) -> Iterator[tuple[_Shape, Float[np.ndarray, "n n"]]]:
    """Yield each form of the input with the products of all standardised clips, over features."""
    for shape, images in _forms(motion_set, space):
        flat = images.reshape(len(images), -1)
        train = flat[fold.train_index]
        deviation = train.std(axis=0)
        # A pixel that never moves in training says nothing; it must not explode in the test.
        scale = np.where(deviation > 1e-6, deviation, np.inf)
        standard = (flat - train.mean(axis=0)) / scale
        yield shape, (standard @ standard.T).astype(np.float64) / standard.shape[1]


type Distances = tuple[Float[np.ndarray, "n n"], Float[np.ndarray, "n n"]]
"""Mean squared distances of clips to each other, and to the mirror images of each other."""


def mirrored_distances(
    motion_set: MotionSet, space: SearchSpace
) -> Iterator[tuple[_Shape, Distances]]:
    """Yield each form of the input with its distances."""
    for shape, images in _forms(motion_set, space):
        own, turned = map(np.asarray, _standardised(images, motion=motion_set.motion))
        # Standardised rows have the mean square 1, or 0 where nothing moves.
        yield shape, (mean_squared_distances(own, own), mean_squared_distances(own, turned))


def mirrored_kernel(distances: Distances, width: float) -> Float[np.ndarray, "n n"]:
    """Return the RBF kernel, the mean of that to images and that to mirror images."""
    straight, mirrored = distances
    return (np.exp(-width * straight) + np.exp(-width * mirrored)) / 2


@functools.partial(jax.jit, static_argnames="motion")
def _standardised(
    images: Float[Array, "n h w c"], *, motion: MotionConfig
) -> tuple[Float[Array, "n d"], Float[Array, "n d"]]:
    """Return images and their mirror images as rows, each channel of each brought to one scale."""
    nothing = jnp.zeros(images.shape[-1])  # statistics are each image's own
    mirrored = jax.vmap(functools.partial(flip, motion=motion))(images)
    own, turned = (
        normalise(form, nothing, nothing, kind="image").reshape(len(images), -1)
        for form in (images, mirrored)
    )
    return own, turned


def mean_squared_distances(
    rows: Float[np.ndarray, "n d"], others: Float[np.ndarray, "m d"]
) -> Float[np.ndarray, "n m"]:
    """Return the mean squared difference of every row to every other."""
    norms = [np.square(some).mean(axis=1, dtype=np.float64) for some in (rows, others)]
    products = (rows @ others.T) / rows.shape[1]
    return np.maximum(norms[0][:, None] + norms[1] - 2 * products, 0)


def _forms(
    motion_set: MotionSet, space: SearchSpace
) -> Iterator[tuple[_Shape, Float[np.ndarray, "n s s c"]]]:
    pairs, side = motion_set.inputs.shape[1:3]
    sizes = sorted({min(size, side) for size in space.sizes}, reverse=True)
    averages = space.averages if pairs > 1 else (False,)
    for averaged, size in product(averages, sizes):
        images = motion_set.inputs.mean(axis=1) if averaged else motion_set.inputs[:, 0]
        yield _Shape(averaged, size), _shrunk(images, size)


def _shrunk(images: Float[np.ndarray, "n h w c"], size: int) -> Float[np.ndarray, "n s s c"]:
    if images.shape[1] == size:
        return images
    small = [cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA) for image in images]
    return np.stack(small).reshape(len(images), size, size, -1)


def _spanned(
    gram: Float[np.ndarray, "n n"], index: Int[np.ndarray, " m"]
) -> Float[np.ndarray, "n r"]:
    """Return coordinates of all clips in the space the clips at `index` span."""
    values, vectors = np.linalg.eigh(gram[np.ix_(index, index)])
    significant = values > values[-1] * 1e-7
    return gram[:, index] @ (vectors[:, significant] / np.sqrt(values[significant]))


def _best_predictions(
    candidates: Sequence[_Candidate], motion_set: MotionSet, fold: Fold, space: SearchSpace
) -> FoldPredictions:
    """Let the inner folds choose a candidate, fit it on all training clips, predict with it."""
    classes = len(motion_set.classes)
    train = fold.train_index
    if np.unique(motion_set.labels[train]).size < 2:
        return Majority()(motion_set, fold, seed=0, explain=False)
    best = max(candidates, key=lambda candidate: _inner_score(candidate, motion_set, train, space))
    best.fit(train, motion_set.labels)
    history = {
        "averaged": [float(best.shape.averaged)],
        "size": [float(best.shape.size)],
        "strength": [best.strength],
    }
    if best.width is not None:
        history["gamma"] = [best.width]
    return FoldPredictions(
        predicted=best.predict(fold.test_index, train),
        probabilities=best.probabilities(fold.test_index, classes),
        history=history,
        data_use=DataUse(fitted=train, normalised=train, selection="settings by inner folds"),
    )


def _inner_score(
    candidate: _Candidate, motion_set: MotionSet, train: np.ndarray, space: SearchSpace
) -> float:
    labels, folds = motion_set.labels, space.inner_folds
    counts = np.zeros((len(motion_set.classes),) * 2, np.int64)
    for fitted, held_out in inner_folds(train, motion_set.groups, labels, folds=folds):
        candidate.fit(fitted, labels)
        predicted = candidate.predict(held_out, fitted)
        counts += confusion_matrix(labels[held_out], predicted, len(motion_set.classes))
    return uf1(counts) if counts.sum() else 0.0
