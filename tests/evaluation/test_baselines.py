from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression as Sklearn
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from mace.data.motion_set import MotionSet
from mace.errors import ConfigError
from mace.evaluation.config import (
    KernelRidgeConfig,
    LogisticRegressionConfig,
    SearchSpace,
    SupportVectorConfig,
)
from mace.evaluation.methods.baselines import (
    KernelRidge,
    LogisticRegression,
    Majority,
    SupportVectorMachine,
)
from mace.protocols.folds import loso

ONE = SearchSpace(sizes=(32,), strengths=(1.0,), averages=(False,))
LOGISTIC = LogisticRegression(LogisticRegressionConfig(ONE))
MACHINE = SupportVectorMachine(SupportVectorConfig((1.0,), ONE))
FLIP = np.array([-1, 1, 1], np.float32)
RIDGE = KernelRidge(KernelRidgeConfig((1.0,), ONE))


def _flat(motion_set: MotionSet, fold) -> tuple[np.ndarray, np.ndarray]:
    flat = motion_set.inputs[:, 0].reshape(len(motion_set), -1).astype(np.float64)
    scaler = StandardScaler().fit(flat[fold.train_index])
    return scaler.transform(flat[fold.train_index]), scaler.transform(flat[fold.test_index])


def test_majority_is_that_of_the_training_subjects(motion_set):
    fold = loso(motion_set.groups)[0]
    labels = np.where(motion_set.groups == 0, 2, np.minimum(motion_set.labels, 1))
    labels[-1] = 1
    changed = MotionSet(**{**vars(motion_set), "labels": labels.astype(np.int32)})
    predictions = Majority()(changed, fold, seed=0, explain=False)
    assert predictions.predicted.tolist() == [1] * 6
    assert predictions.probabilities is not None
    assert predictions.probabilities[0, 2] == 0.0


def test_logistic_regression_is_that_of_all_pixels(motion_set):
    fold = loso(motion_set.groups)[1]
    train, test = _flat(motion_set, fold)
    # Products over the number of features are features over its root, so C scales with it.
    plain = Sklearn(C=1 / train.shape[1], class_weight="balanced", max_iter=2000, tol=1e-6)
    plain.fit(train, motion_set.labels[fold.train_index])
    predictions = LOGISTIC(motion_set, fold, seed=0, explain=False)
    assert predictions.probabilities is not None
    assert np.abs(predictions.probabilities - plain.predict_proba(test)).max() < 5e-3
    assert predictions.predicted.tolist() == plain.predict(test).tolist()


def test_svm_is_that_of_all_pixels(motion_set):
    fold = loso(motion_set.groups)[2]
    train, test = _flat(motion_set, fold)
    plain = SVC(C=1.0, gamma=1 / train.shape[1], class_weight="balanced")
    plain.fit(train, motion_set.labels[fold.train_index])
    predictions = MACHINE(motion_set, fold, seed=0, explain=False)
    assert predictions.predicted.tolist() == plain.predict(test).tolist()
    assert predictions.probabilities is None


def test_averages_of_the_pairs_are_a_choice_of_the_inner_folds(motion_set):
    # The annotated pair is worthless here; the mean over both pairs still tells the classes apart.
    inputs = np.repeat(motion_set.inputs[:, :1], 2, axis=1)
    inputs[:, 0] = np.random.default_rng(0).normal(size=inputs[:, 0].shape) * inputs.std()
    noisy = MotionSet(**{**vars(motion_set), "inputs": inputs, "fingerprint": ""})
    mean = MotionSet(
        **{**vars(motion_set), "inputs": inputs.mean(axis=1, keepdims=True), "fingerprint": ""}
    )
    fold = loso(motion_set.groups)[1]
    method = LogisticRegression(LogisticRegressionConfig(replace(ONE, averages=(False, True))))
    predictions = method(noisy, fold, seed=0, explain=False)
    assert predictions.history["averaged"] == [1.0]
    assert (
        predictions.predicted.tolist()
        == LOGISTIC(mean, fold, seed=0, explain=False).predicted.tolist()
    )


WIDE = SearchSpace(sizes=(32, 8), strengths=(0.1, 10.0), inner_folds=3)


@pytest.mark.parametrize(
    "method",
    [
        LogisticRegression(LogisticRegressionConfig(WIDE)),
        SupportVectorMachine(SupportVectorConfig(space=WIDE)),
        KernelRidge(KernelRidgeConfig(space=WIDE)),
    ],
)
def test_baselines_learn_and_choose(method, motion_set):
    right = 0
    for fold in loso(motion_set.groups):
        predictions = method(motion_set, fold, seed=0, explain=False)
        right += int((predictions.predicted == motion_set.labels[fold.test_index]).sum())
        assert predictions.history["size"][0] in (32, 8)
        assert predictions.history["strength"][0] in (0.1, 10.0)
    assert right >= 0.9 * len(motion_set)


@pytest.mark.parametrize("method", [LOGISTIC, MACHINE, RIDGE])
def test_predictions_do_not_depend_on_the_test_subjects_labels(method, motion_set):
    fold = loso(motion_set.groups)[0]
    labels = motion_set.labels.copy()
    labels[fold.test_index] = 0
    blind = MotionSet(**{**vars(motion_set), "labels": labels})
    pair = [method(data, fold, seed=0, explain=False) for data in (motion_set, blind)]
    assert pair[0].predicted.tolist() == pair[1].predicted.tolist()


def test_class_missing_from_training_gets_no_probability(motion_set):
    fold = loso(motion_set.groups)[0]
    labels = motion_set.labels.copy()
    labels[fold.train_index[labels[fold.train_index] == 0]] = 2
    lacking = MotionSet(**{**vars(motion_set), "labels": labels})
    predictions = LOGISTIC(lacking, fold, seed=0, explain=False)
    assert predictions.probabilities is not None
    assert predictions.probabilities[:, 0].tolist() == [0.0] * 6
    labels = np.where(motion_set.groups == 0, motion_set.labels, 1).astype(np.int32)
    single = MotionSet(**{**vars(motion_set), "labels": labels})
    predictions = SupportVectorMachine()(single, fold, seed=0, explain=False)
    assert set(predictions.predicted.tolist()) == {1}


def test_kernel_ridge_is_the_weighted_problem_solved_over_images_and_mirror_images(motion_set):
    fold = loso(motion_set.groups)[0]
    images = motion_set.inputs[:, 0].astype(np.float64)
    mirrored = images[:, :, ::-1] * np.array([-1, 1, 1])

    def rows(images):
        centred = images - images.mean((1, 2), keepdims=True)
        return (centred / centred.std((1, 2), keepdims=True)).reshape(len(images), -1)

    def kernel(one, other):
        squared = ((one[:, None] - other[None]) ** 2).mean(-1)
        return np.exp(-squared)

    both = (kernel(rows(images), rows(images)) + kernel(rows(images), rows(mirrored))) / 2
    train, test = fold.train_index, fold.test_index
    labels = motion_set.labels[train]
    classes = len(motion_set.classes)
    weights = len(labels) / (classes * np.bincount(labels)[labels])
    targets = np.eye(classes)[labels] - 1 / classes
    # The minimum of sum w |y - f|^2 + lambda |f|^2 has the coefficients (K + lambda / w)^-1 Y.
    solved = np.linalg.solve(both[np.ix_(train, train)] + np.diag(1.0 / weights), targets)
    expected = (both[np.ix_(test, train)] @ solved).argmax(1)
    space = SearchSpace(sizes=(32,), strengths=(1.0,), averages=(False,))
    ridge = KernelRidge(KernelRidgeConfig((1.0,), space))
    predictions = ridge(motion_set, fold, seed=0, explain=False)
    assert predictions.predicted.tolist() == expected.tolist()
    turned = MotionSet(**{**vars(motion_set), "inputs": motion_set.inputs[:, :, :, ::-1] * FLIP})
    predictions = ridge(turned, fold, seed=0, explain=False)
    assert predictions.predicted.tolist() == expected.tolist()


def test_still_pixels_are_harmless(motion_set):
    inputs = motion_set.inputs.copy()
    inputs[:, :, :4] = 0.0
    fold = loso(motion_set.groups)[0]
    inputs[fold.test_index, :, 0] = 50.0
    still = MotionSet(**{**vars(motion_set), "inputs": inputs})
    predictions = LOGISTIC(still, fold, seed=0, explain=False)
    truth = motion_set.labels[fold.test_index]
    assert (predictions.predicted == truth).mean() >= 5 / 6


def test_empty_search_is_refused():
    with pytest.raises(ConfigError, match="at least one of each"):
        SearchSpace(strengths=())
    with pytest.raises(ConfigError, match="1 inner folds"):
        SearchSpace(inner_folds=1)
