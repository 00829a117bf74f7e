from dataclasses import replace

import jax
import numpy as np
import pytest
from evaluation_cases import make_set

from mace.augment.config import NO_AUGMENT, AugmentConfig
from mace.bundle import Bundle, Normalisation
from mace.evaluation.methods.gradcam import head_logits, heat_maps
from mace.evaluation.methods.network import Network
from mace.models.apply import apply_model, init_model
from mace.models.config import ModelConfig
from mace.models.make import make_model
from mace.motion.config import MotionConfig
from mace.protocols.folds import loso
from mace.training.config import TrainConfig

SMALL = ModelConfig(widths=(4, 8), depths=(1, 1), stem_stride=2, dropout=0.0)


def bundle(config: ModelConfig) -> Bundle:
    model = make_model(config, 3)
    return Bundle(
        model=config,
        motion=MotionConfig(size=32),
        face={},
        classes=("a", "b", "c"),
        normalisation=Normalisation(kind="none", mean=(0.0,) * 3, std=(1.0,) * 3),
        variables=init_model(model, jax.random.key(0), (32, 32, 3)),
        provenance={},
    )


@pytest.mark.parametrize("head", ["grid", "average", "max", "attention"])
@pytest.mark.parametrize("arch", ["macnn", "resnet"])
def test_head_alone_gives_the_networks_logits(arch, head):
    config = ModelConfig(arch=arch, head=head, widths=(4, 8), depths=(1, 1))
    trained = bundle(config)
    images = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype(np.float32)
    logits, out = apply_model(make_model(config, 3), trained.variables, images)
    again = head_logits(config, 3, trained.variables, out["features"])
    assert np.allclose(logits, again, atol=1e-5)


def test_heat_is_where_the_logit_comes_from():
    trained = bundle(SMALL)
    rng = np.random.default_rng(1)
    # One class listens to one cell of the grid alone: the map must light up there only.
    kernel = np.zeros((4, 4, 8, 3), np.float32)
    kernel[1, 2, :, 1] = 1.0
    variables = jax.tree.map(np.asarray, trained.variables)
    variables["params"]["head"]["classes"]["kernel"] = kernel.reshape(-1, 3)
    object.__setattr__(trained, "variables", variables)
    images = rng.normal(size=(3, 32, 32, 3)).astype(np.float32)
    maps = heat_maps(trained, images, np.array([1, 1, 0]))
    assert maps.shape == (3, 8, 8)
    lit = np.zeros((8, 8), bool)
    lit[2:4, 4:6] = True
    assert maps[:2][:, lit].max() == 1.0
    assert not maps[:2][:, ~lit].any()
    assert not maps[2].any()  # nothing speaks for class 0
    # The original average over places cannot tell the cells apart.
    assert heat_maps(trained, images, np.array([1, 1, 0]), averaged=True)[0, ~lit].any()


def test_many_inputs_are_explained_like_single_ones():
    trained = bundle(SMALL)
    images = np.random.default_rng(2).normal(size=(35, 32, 32, 3)).astype(np.float32)
    targets = np.arange(35) % 3
    together = heat_maps(trained, images, targets)
    assert together.shape == (35, 8, 8)
    assert np.allclose(together[34], heat_maps(trained, images[34:], targets[34:])[0], atol=1e-5)


def test_network_learns_a_fold_and_says_where_it_looked():
    motion_set = make_set(subjects=5, clips=12, noise=0.2)
    augment = AugmentConfig(flip=False, shift=0.0, rotation=0.0, scale=0.0)
    config = TrainConfig(model=SMALL, augment=augment, epochs=15, batch_size=12, selection="best")
    fold = loso(motion_set.groups, names=motion_set.subjects)[3]
    predictions = Network(train=config, validation=0.3)(motion_set, fold, seed=0, explain=True)
    assert (predictions.predicted == motion_set.labels[fold.test_index]).mean() > 0.6
    assert predictions.probabilities is not None
    assert predictions.probabilities.argmax(axis=1).tolist() == predictions.predicted.tolist()
    assert predictions.heat is not None
    assert predictions.heat.shape == (12, 8, 8)
    assert len(predictions.history["loss"]) == len(predictions.history["validation_uf1"]) == 15
    assert predictions.history["loss"][-1] < predictions.history["loss"][0]
    best = np.argmax(predictions.history["validation_uf1"]) + 1
    assert predictions.history["chosen_epoch"] == [float(best)]


def test_nothing_of_the_units_of_test_subjects_reaches_a_prediction():
    motion_set = make_set(subjects=4, noise=0.3)
    model = ModelConfig(arch="resnet", widths=(4,), depths=(1,), stem_stride=4, units=("1", "9"))
    train = TrainConfig(model=model, unit_weight=1.0, epochs=2, batch_size=9, augment=NO_AUGMENT)
    fold = loso(motion_set.groups, names=motion_set.subjects)[1]

    def probabilities(listed):
        units = tuple(frozenset({unit} - {""}) for unit in listed)
        given = replace(motion_set, units=units, fingerprint="")
        return Network(train=train)(given, fold, seed=0, explain=False).probabilities

    units = np.array(["1", "9", "17"])[motion_set.labels]
    other = {index: units.copy() for index in ("train", "test")}
    other["test"][fold.test_index] = ["9", "", "45", "1", "1", "17"]
    other["train"][fold.train_index] = "1"
    told = probabilities(units)
    np.testing.assert_array_equal(told, probabilities(other["test"]))
    assert np.abs(told - probabilities(other["train"])).max() > 1e-3
