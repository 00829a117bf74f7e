"""Scores of a classifier, all from one confusion matrix pooled over every fold.

Counts are added over folds first and scored once. Averaging the scores of folds is not offered:
with one subject a fold, most folds miss a class, and the mean of their F1 scores depends on how
the missing ones are filled in (Forman & Scholz, "Apples-to-apples in cross-validation studies",
SIGKDD Explorations 12(1), 2010).

A class without a true sample has no recall and no F1: it is NaN in the per-class scores and left
out of every mean. Predicting such a class still costs the true class a hit. A true class that is
never predicted scores 0.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from mace.errors import DataError


@dataclass(frozen=True)
class ClassScores:
    """Scores of one class, in [0, 1].

    Attributes:
        precision: TP / (TP + FP), 0 for a class that is never predicted; NaN, as the other two,
            where the class has no true sample.
        recall: TP / (TP + FN).
        f1: 2 TP / (2 TP + FP + FN).
        support: number of true samples.
    """

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, kw_only=True)
class MeanScores:
    """Scores from pooled counts, in [0, 1], each the mean over the seeds.

    Attributes:
        uf1: unweighted F1.
        uar: unweighted average recall.
        accuracy: share of clips named rightly.
        macro_precision: mean of the classes' precision.
        weighted_f1: mean of the classes' F1, weighted by their clips.
    """

    uf1: float
    uar: float
    accuracy: float
    macro_precision: float
    weighted_f1: float


def confusion_matrix(
    truth: Int[np.ndarray, " n"], prediction: Int[np.ndarray, " n"], classes: int
) -> Int[np.ndarray, "k k"]:
    """Count every pair of true class (row) and predicted class (column).

    Raises:
        DataError: if the lengths differ or a label is outside of 0 … classes − 1.
    """
    if truth.shape != prediction.shape:
        raise DataError(
            f"{truth.size} true labels but {prediction.size} predictions; give one for each clip"
        )
    for name, labels in (("true", truth), ("predicted", prediction)):
        if labels.size and not (labels.min() >= 0 and labels.max() < classes):
            raise DataError(
                f"a {name} label is {labels.min()} to {labels.max()}, "
                f"expected 0 to {classes - 1} for {classes} classes"
            )
    cells = truth.astype(np.int64) * classes + prediction.astype(np.int64)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def class_precision(counts: Int[np.ndarray, "*b k k"]) -> Float[np.ndarray, "*b k"]:
    """Return TP / (TP + FP) for each class, 0 for a class that is never predicted."""
    return _score(_hits(counts), counts.sum(axis=-2), counts)


def class_recall(counts: Int[np.ndarray, "*b k k"]) -> Float[np.ndarray, "*b k"]:
    """Return TP / (TP + FN) for each class."""
    return _score(_hits(counts), counts.sum(axis=-1), counts)


def class_f1(counts: Int[np.ndarray, "*b k k"]) -> Float[np.ndarray, "*b k"]:
    """Return 2 TP / (2 TP + FP + FN) for each class."""
    return _score(2 * _hits(counts), counts.sum(axis=-1) + counts.sum(axis=-2), counts)


def class_mean(scores: Float[np.ndarray, "*b k"]) -> Float[np.ndarray, "*b"]:
    """Average over the classes that have a true sample, each with the same weight."""
    present = ~np.isnan(scores)
    total = np.where(present, scores, 0.0).sum(axis=-1)
    return np.asarray(total / np.maximum(present.sum(axis=-1), 1))


def uf1(counts: Int[np.ndarray, "k k"]) -> float:
    """Return the unweighted F1: the mean of F1 over the classes.

    The first metric of the Micro-Expression Grand Challenge (See et al., "MEGC 2019 – The Second
    Facial Micro-Expressions Grand Challenge", FG 2019); elsewhere it is called macro-F1.

    Raises:
        DataError: if `counts` holds no sample.
    """
    return float(class_mean(class_f1(_some(counts))))


def uar(counts: Int[np.ndarray, "k k"]) -> float:
    """Return the unweighted average recall (balanced accuracy): the mean of recall over classes.

    Raises:
        DataError: if `counts` holds no sample.
    """
    return float(class_mean(class_recall(_some(counts))))


def accuracy(counts: Int[np.ndarray, "k k"]) -> float:
    """Return the part of all samples that is predicted rightly.

    Raises:
        DataError: if `counts` holds no sample.
    """
    return float(_hits(_some(counts)).sum() / counts.sum())


def macro_precision(counts: Int[np.ndarray, "k k"]) -> float:
    """Return the mean of precision over the classes, which some papers print as "UAR" by mistake.

    Raises:
        DataError: if `counts` holds no sample.
    """
    return float(class_mean(class_precision(_some(counts))))


def weighted_f1(counts: Int[np.ndarray, "k k"]) -> float:
    """Return the mean of F1 over the classes, each weighted with its number of true samples.

    Raises:
        DataError: if `counts` holds no sample.
    """
    support = _some(counts).sum(axis=-1)
    return float(np.nansum(class_f1(counts) * support) / support.sum())


def per_class(counts: Int[np.ndarray, "k k"]) -> tuple[ClassScores, ...]:
    """Return precision, recall, F1 and support of each class."""
    columns = (class_precision(counts), class_recall(counts), class_f1(counts), counts.sum(axis=-1))
    return tuple(
        ClassScores(float(p), float(r), float(f), int(s))
        for p, r, f, s in zip(*columns, strict=True)
    )


def mean_scores(counts: Int[np.ndarray, "s k k"]) -> MeanScores:
    """Return the mean of every score over the seeds' confusion matrices."""
    scores = (uf1, uar, accuracy, macro_precision, weighted_f1)
    means = {score.__name__: float(np.mean([score(c) for c in counts])) for score in scores}
    return MeanScores(**means)


def majority_baseline(counts: Int[np.ndarray, "k k"]) -> Int[np.ndarray, "k k"]:
    """Return the counts of a classifier that always answers the most frequent true class.

    Whatever a result is worth, it is worth it in comparison with this. Of equally frequent
    classes the first is answered.
    """
    support = counts.sum(axis=-1)
    result = np.zeros_like(counts)
    result[:, int(support.argmax())] = support
    return result


def _hits(counts: np.ndarray) -> np.ndarray:
    return np.diagonal(counts, axis1=-2, axis2=-1)


def _score(hits: np.ndarray, total: np.ndarray, counts: np.ndarray) -> np.ndarray:
    scores = hits / np.maximum(total, 1)
    return np.where(counts.sum(axis=-1) > 0, scores, np.nan)


def _some(counts: np.ndarray) -> np.ndarray:
    if counts.sum() == 0:
        raise DataError(
            "a confusion matrix without a sample has no score; predict at least one clip"
        )
    return counts
