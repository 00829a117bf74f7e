"""Kernel ridge that is told what the pre-trained network thinks."""

from dataclasses import replace

import numpy as np
import pytest
from evaluation_cases import make_set

from mace.evaluation.config import KernelRidgeConfig, SearchSpace, ZeroShotConfig
from mace.evaluation.methods import informed
from mace.evaluation.methods.baselines import KernelRidge
from mace.evaluation.methods.informed import InformedRidge
from mace.evaluation.methods.method import FoldPredictions
from mace.motion.config import MotionConfig
from mace.pretrained.bundle_files import PACKAGED, bundle_file
from mace.protocols.folds import loso

SET = replace(
    make_set(subjects=5, clips=6, size=28, noise=3.0),
    motion=MotionConfig(size=28, flow="images"),
    fingerprint="",
)
SPACE = SearchSpace(sizes=(28,), strengths=(1.0,), averages=(False,))
CONFIG = KernelRidgeConfig((0.5,), SPACE)
METHOD = InformedRidge(ZeroShotConfig(bundle=bundle_file(PACKAGED)), CONFIG)


def says(probabilities):
    """Return a network that says this of the clips of a set, whatever they show."""

    class Network:
        def __init__(self, config):
            pass

        def __call__(self, motion_set, fold, *, seed, explain):
            chosen = probabilities[fold.test_index]
            return FoldPredictions(predicted=chosen.argmax(1), probabilities=chosen)

    return Network


def certain(labels):
    return np.where(np.eye(3)[labels] > 0, 0.9, 0.05)


def accuracy(method, motion_set=SET):
    right = 0
    for fold in loso(motion_set.groups):
        predictions = method(motion_set, fold, seed=0, explain=False)
        right += (predictions.predicted == SET.labels[fold.test_index]).sum()
    return right / len(SET)


def test_a_network_that_knows_is_believed(monkeypatch):
    monkeypatch.setattr(informed, "ZeroShot", says(certain(SET.labels)))
    assert accuracy(METHOD) == 1
    assert accuracy(KernelRidge(CONFIG)) < 0.95
    fold = loso(SET.groups)[0]
    assert METHOD(SET, fold, seed=0, explain=False).history["weight"][0] > 0


def test_one_that_is_wrong_is_not_asked(monkeypatch):
    monkeypatch.setattr(informed, "ZeroShot", says(certain((SET.labels + 1) % 3)))
    fold = loso(SET.groups)[0]
    predictions = METHOD(SET, fold, seed=0, explain=False)
    assert predictions.history["weight"] == [0]


def test_features_that_know_are_looked_at(monkeypatch):
    # A network that sees the class, and says nothing.
    seen = np.repeat(np.eye(3)[SET.labels], 4, axis=1) + np.tile([0.0, 0.1], 6)
    by_clip = {clip.tobytes(): row for clip, row in zip(SET.inputs[:, 0], seen, strict=True)}
    nothing = np.zeros(seen.shape[1])

    def features(bundle, inputs):
        return np.stack([by_clip.get(image.tobytes(), nothing) for image in inputs])

    monkeypatch.setattr(informed, "ZeroShot", says(np.full((len(SET), 3), 1 / 3)))
    monkeypatch.setattr(informed, "predict_features", features)
    assert accuracy(METHOD) == 1
    fold = loso(SET.groups)[0]
    assert METHOD(SET, fold, seed=0, explain=False).history["features"] == [1]


@pytest.mark.parametrize("number", [0, 3])
def test_nothing_of_the_test_subjects_reaches_a_choice(monkeypatch, number):
    monkeypatch.setattr(informed, "ZeroShot", says(certain(SET.labels)))
    fold = loso(SET.groups)[number]
    labels, inputs = SET.labels.copy(), SET.inputs.copy()
    labels[fold.test_index] = 0
    blind = replace(SET, labels=labels, fingerprint="")
    inputs[fold.test_index[1:]] *= -40
    other = replace(blind, inputs=inputs, fingerprint="")
    first, second, third = (
        METHOD(data, fold, seed=0, explain=False) for data in (SET, blind, other)
    )
    assert first.history == second.history == third.history
    np.testing.assert_array_equal(first.predicted, second.predicted)
    assert first.predicted[0] == third.predicted[0]
    np.testing.assert_array_equal(first.data_use.normalised, fold.train_index)


def test_statistics_of_features_are_those_of_the_training_clips():
    fold = loso(SET.groups)[1]
    inputs = SET.inputs.copy()
    inputs[fold.test_index] *= -40
    straight = METHOD.feature_distances(SET, fold)[0]
    changed = METHOD.feature_distances(replace(SET, inputs=inputs, fingerprint=""), fold)[0]
    train = np.ix_(fold.train_index, fold.train_index)
    np.testing.assert_array_equal(straight[train], changed[train])
