"""Kernel ridge that is told what the pre-trained network thinks."""

from dataclasses import replace

import numpy as np
import pytest
from evaluation_cases import make_set

from mace.evaluation import informed
from mace.evaluation.baselines import KernelRidge
from mace.evaluation.config import KernelRidgeConfig, SearchSpace, ZeroShotConfig
from mace.evaluation.informed import InformedRidge
from mace.evaluation.method import FoldPredictions
from mace.pretrained.bundle_files import PACKAGED, bundle_file
from mace.protocols.folds import loso

SET = make_set(subjects=5, clips=6, size=28, noise=3.0)
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
    alone = KernelRidge(CONFIG)(SET, fold, seed=0, explain=False)
    np.testing.assert_array_equal(predictions.predicted, alone.predicted)


@pytest.mark.parametrize("number", [0, 3])
def test_nothing_of_the_test_subjects_reaches_a_choice(monkeypatch, number):
    monkeypatch.setattr(informed, "ZeroShot", says(certain(SET.labels)))
    fold = loso(SET.groups)[number]
    labels = SET.labels.copy()
    labels[fold.test_index] = 0
    blind = replace(SET, labels=labels, fingerprint="")
    first, second = (METHOD(data, fold, seed=0, explain=False) for data in (SET, blind))
    assert first.history == second.history
    np.testing.assert_array_equal(first.predicted, second.predicted)
