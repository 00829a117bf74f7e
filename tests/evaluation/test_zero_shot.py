"""A pre-trained network as it is: what it predicts, and what an audit makes of it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from evaluation_cases import make_set

from mace.adaptation.config import AdaptConfig
from mace.augment.config import NO_AUGMENT
from mace.bundle import load_bundle, save_bundle
from mace.errors import CheckpointError, ConfigError
from mace.evaluation.config import EvaluationConfig, ZeroShotConfig
from mace.evaluation.cross_validation import evaluate_methods
from mace.evaluation.methods.network import Network
from mace.evaluation.methods.windows import show
from mace.evaluation.methods.zero_shot import ZeroShot
from mace.evaluation.summary import summarise
from mace.leakage.audit_report import audit_case
from mace.leakage.run_folder import case_of_run
from mace.models.config import ModelConfig
from mace.motion.config import MotionConfig
from mace.network import Network as Trained
from mace.prediction import Adaptation
from mace.pretrained.bundle_files import PACKAGED, bundle_file
from mace.protocols.folds import loso
from mace.training.config import TrainConfig
from mace.training.fit import fit
from mace.training.fitted import make_bundle

SET = replace(
    make_set(subjects=6, clips=6, size=28, noise=0.3), motion=MotionConfig(size=28), fingerprint=""
)
FOLD = loso(SET.groups, names=SET.subjects)[2]


# Whatever is surest by a hair, so that a choice is made where none is needed.
EAGER = AdaptConfig(
    price=0.0, heights=(1.0,), widths=(1.0,), shift=0.15, step=0.15, conventions=False
)


@pytest.fixture(scope="module")
def bundle():
    train = TrainConfig(
        model=ModelConfig(widths=(8,), depths=(1,), stem_stride=4, dropout=0.0, norm="group"),
        normalise="image",
        augment=NO_AUGMENT,
        epochs=20,
        batch_size=12,
    )
    fitted = fit(SET, np.arange(len(SET)), config=train)
    return make_bundle(fitted, face={}, trained_on=("synthetic",))


@pytest.fixture(scope="module")
def file(bundle, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "net"
    save_bundle(path, bundle)
    return bundle_file(path)


def zero_shot(file, **settings):
    return ZeroShot(ZeroShotConfig(bundle=file, **settings))


def test_it_predicts_without_learning(file):
    predictions = zero_shot(file)(SET, FOLD, seed=0, explain=True)
    assert (predictions.predicted == SET.labels[FOLD.test_index]).mean() > 0.8
    assert predictions.data_use.fitted.size == 0
    assert predictions.data_use.normalised is None
    assert predictions.heat.shape[0] == FOLD.test_index.size
    again = zero_shot(file)(SET, FOLD, seed=7, explain=False)
    np.testing.assert_array_equal(predictions.probabilities, again.probabilities)


def test_classes_are_told_apart_by_name(file):
    turned = replace(
        SET, labels=2 - SET.labels, classes=("surprise", "positive", "negative"), fingerprint=""
    )
    straight = zero_shot(file)(SET, FOLD, seed=0, explain=False)
    other = zero_shot(file)(turned, FOLD, seed=0, explain=False)
    np.testing.assert_array_equal(other.predicted, 2 - straight.predicted)
    np.testing.assert_array_equal(other.probabilities, straight.probabilities[:, ::-1])


def test_a_class_that_the_data_lack_is_never_predicted(file):
    index = np.flatnonzero(SET.labels < 2)
    two = replace(
        SET,
        inputs=SET.inputs[index],
        labels=SET.labels[index],
        groups=SET.groups[index],
        clips=tuple(SET.clips[i] for i in index),
        classes=("negative", "positive"),
        units=(),
        fingerprint="",
    )
    predictions = zero_shot(file)(two, loso(two.groups)[0], seed=0, explain=True)
    assert predictions.probabilities.shape[1] == 2
    np.testing.assert_allclose(predictions.probabilities.sum(axis=1), 1, atol=1e-6)


def test_only_training_subjects_adapt(file):
    method = zero_shot(file, adapt=EAGER)
    lower = replace(SET, inputs=np.roll(SET.inputs, 4, axis=2), fingerprint="")
    predictions = method(lower, FOLD, seed=0, explain=False)
    np.testing.assert_array_equal(predictions.data_use.normalised, FOLD.train_index)
    inputs = lower.inputs.copy()
    inputs[FOLD.test_index[1:]] += 5 * np.random.default_rng(0).normal(size=inputs.shape[1:])
    spoilt = replace(lower, inputs=inputs, fingerprint="")
    again = method(spoilt, FOLD, seed=0, explain=False)
    np.testing.assert_array_equal(predictions.probabilities[0], again.probabilities[0])
    assert "clips without labels" in predictions.data_use.selection
    plain = zero_shot(file)(lower, FOLD, seed=0, explain=False)
    assert np.abs(plain.probabilities - predictions.probabilities).max() > 1e-4


def test_other_classes_are_read_from_the_units_of_the_packaged_network():
    names = ("disgust", "happiness", "others", "repression", "surprise")
    five = replace(
        SET,
        labels=(SET.labels + np.arange(len(SET)) % 2).astype(np.int32),
        classes=names,
        motion=MotionConfig(size=28, flow="images"),
        fingerprint="",
    )
    method = zero_shot(bundle_file(PACKAGED))
    predictions = method(five, FOLD, seed=0, explain=False)
    assert predictions.probabilities.shape == (len(FOLD.test_index), 5)
    np.testing.assert_allclose(predictions.probabilities.sum(axis=1), 1, atol=1e-5)
    images = five.inputs[FOLD.test_index, 0]
    read = Trained(load_bundle(PACKAGED), name="").predict_proba(images, classes=names)
    np.testing.assert_allclose(predictions.probabilities, read, atol=1e-5)


def test_a_network_that_goes_on_learning_is_shown_the_window_too(file):
    train = TrainConfig(
        model=file.load().model, normalise="image", augment=NO_AUGMENT, epochs=1, batch_size=12
    )
    lower = replace(SET, inputs=np.roll(SET.inputs, 4, axis=2), fingerprint="")
    chosen = zero_shot(file, adapt=EAGER)(lower, FOLD, seed=0, explain=False)
    method = Network(train=train, start=file, adapt=EAGER)
    predictions = method(lower, FOLD, seed=0, explain=True)
    # It learns from the best window; the network as it is, is asked in several.
    assert predictions.history["windows"] == chosen.history["windows"][:4]
    assert len(chosen.history["windows"]) > 4
    assert "clips without labels" in predictions.data_use.selection
    np.testing.assert_array_equal(predictions.data_use.normalised, FOLD.train_index)
    assert predictions.heat.shape[0] == FOLD.test_index.size
    # Shown beforehand, the images are the same, and so is what is learnt from them.
    best = predictions.history["windows"]
    assert best != [0.0, 0.0, 1.0, 1.0]
    window = Adaptation(
        windows=np.array([best], np.float32),
        channels=np.eye(3, dtype=np.float32),
    )
    plain = Network(train=train, start=file)(show(lower, window), FOLD, seed=0, explain=False)
    np.testing.assert_array_equal(plain.probabilities, predictions.probabilities)


def test_flow_images_of_the_same_size_are_accepted(file):
    images = replace(SET, motion=MotionConfig(size=28, flow="images"), fingerprint="")
    assert zero_shot(file)(images, FOLD, seed=0, explain=False).predicted.size == 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"motion": MotionConfig(size=28, flow="tvl1")}, "leave out what begins with"),
        ({"classes": ("negative", "positive", "tense")}, "tense as well; choose a set of classes"),
    ],
)
def test_what_does_not_fit_is_refused(file, change, message):
    with pytest.raises(ConfigError, match=message):
        zero_shot(file)(replace(SET, fingerprint="", **change), FOLD, seed=0, explain=False)


def test_people_it_was_trained_on_are_refused(bundle, tmp_path):
    save_bundle(tmp_path / "net", replace(bundle, trained_on=("casme2", "synthetic")))
    method = zero_shot(bundle_file(tmp_path / "net"))
    assert method(SET, FOLD, seed=0, explain=False).predicted.size == 6  # rendered people
    real = replace(
        SET, subjects=tuple(s.replace("synthetic", "casme2") for s in SET.subjects), fingerprint=""
    )
    with pytest.raises(ConfigError, match="was trained on casme2"):
        method(real, FOLD, seed=0, explain=False)


def test_a_network_that_was_replaced_under_way_is_refused(bundle, tmp_path):
    save_bundle(tmp_path / "net", bundle)
    file = bundle_file(tmp_path / "net")
    other = {"params": {**bundle.variables["params"], "more": np.zeros(1, np.float32)}}
    save_bundle(tmp_path / "net", replace(bundle, variables=other))
    with pytest.raises(CheckpointError, match="was replaced"):
        zero_shot(file)(SET, FOLD, seed=0, explain=False)


@pytest.mark.parametrize("adapt", [None, EAGER])
def test_an_evaluation_of_it_is_clean_and_says_what_it_is(file, adapt, tmp_path):
    config = EvaluationConfig(
        zero_shot=ZeroShotConfig(bundle=file, adapt=adapt),
        seeds=(0,),
        logistic_regression=None,
        svm=None,
        kernel_ridge=None,
    )
    evaluation = evaluate_methods(SET, config=config, run_dir=tmp_path, title="MACNN, zero-shot")
    summary = summarise(evaluation)
    assert summary.zero_shot == {
        "checksum": file.checksum,
        "trained_on": ["synthetic"],
        "adapt": adapt is not None,
    }
    assert set(summary.baselines) == {"majority"}
    report = audit_case(case_of_run(tmp_path))
    assert report.clean
    assert "normalisation" in report.checked
    assert json.loads((tmp_path / "results.json").read_text())["uf1"] > 0.8
