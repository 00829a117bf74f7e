"""The networks behind scikit-learn's interface: any images, any labels, any Flax module."""

import flax.linen as nn
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.utils.estimator_checks import check_estimator

import mace
from mace.augment.config import NO_AUGMENT, AugmentConfig
from mace.classifiers import NetworkClassifier, model_of
from mace.errors import ConfigError
from mace.models.config import ModelConfig
from mace.models.presets import MODELS

TINY = ModelConfig(widths=(8,), depths=(1,), dilations=(1,), stem_stride=4, norm="group")


class Own(nn.Module):
    """A network of somebody's own, in ten lines."""

    classes: int

    @nn.compact
    def __call__(self, x):
        x = nn.relu(nn.Conv(8, (3, 3), strides=2)(x))
        return nn.Dense(self.classes)(x.mean((1, 2)))


class Dropping(nn.Module):
    """One that must know whether it is trained."""

    @nn.compact
    def __call__(self, x, train):
        x = nn.Dropout(0.2, deterministic=not train)(x.reshape(len(x), -1))
        return nn.Dense(2, bias_init=nn.initializers.constant(0.25))(x)


def images(shape=(8, 12, 2), count=12, labels=("angry", "calm")):
    rng = np.random.default_rng(0)
    y = np.repeat(np.array(labels), count // len(labels))
    bright = np.searchsorted(np.unique(y), y).astype(float)
    return rng.normal(size=(count, *shape)) * 0.3 + bright.reshape(-1, *[1] * len(shape)), y


def own(**settings):
    return NetworkClassifier(**{"network": Own(2), "epochs": 12, "learning_rate": 0.03} | settings)


def test_learns_classes_of_any_kind_from_images_of_any_shape():
    for labels in (("angry", "calm"), (7, -3), (True, False)):
        X, y = images(labels=labels)
        network = own().fit(X, y)
        assert network.classes_.tolist() == np.unique(y).tolist()
        assert network.score(X, y) == 1.0
        assert network.predict(X).dtype == y.dtype
        probabilities = network.predict_proba(X[:5])
        assert probabilities.shape == (5, 2)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert len(network.history_) == 12


def test_the_same_seed_gives_the_same_network():
    X, y = images()
    first, again, other = (own(epochs=2, random_state=s).fit(X, y) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.predict_proba(X), again.predict_proba(X))
    assert np.abs(first.predict_proba(X) - other.predict_proba(X)).max() > 0


def test_leave_one_group_out_by_scikit_learn():
    X, y = images()
    groups = np.arange(len(y)) % 3
    cv = LeaveOneGroupOut()
    predicted = cross_val_predict(own(), X, y, groups=groups, cv=cv)
    assert (predicted == y).mean() > 0.9
    train, test = next(cv.split(X, y, groups))
    alone = clone(own()).fit(X[train], y[train]).predict(X[test])
    assert predicted[test].tolist() == alone.tolist()


def test_a_module_that_drops_out_keeps_its_own_initialisers():
    X, y = images()
    network = NetworkClassifier(Dropping(), epochs=1, learning_rate=0.0, weight_decay=0.0)
    bias = network.fit(X, y).fitted_.variables["params"]["module"]["Dense_0"]["bias"]
    np.testing.assert_array_equal(bias, 0.25)
    np.testing.assert_array_equal(network.predict_proba(X), network.predict_proba(X))


def test_macnn_has_scikit_learns_parameters():
    network = mace.MACNN(epochs=3)
    assert network.get_params()["epochs"] == 3
    assert network.set_params(network=TINY).network == TINY
    X, y = images((32, 32, 3))
    assert network.fit(X, y).image_shape_ == (32, 32, 3)
    assert {model_of(name) for name in MODELS} == set(MODELS.values())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"network": "vgg"}, "there is no network 'vgg'; there are: macnn"),
        ({"network": Own}, "expected an instance of a flax.linen.Module"),
        ({"network": Own(5)}, "expected logits of shape"),
        ({"channels": "rgb"}, "channels is 'rgb'"),
        ({"epochs": 0}, "epochs is 0"),
        ({"augment": AugmentConfig()}, "augment.flip, augment.rotation, augment.scale would"),
    ],
)
def test_settings_that_cannot_be(settings, message):
    X, y = images()
    with pytest.raises(ConfigError, match=message):
        own(**settings).fit(X, y)


def test_flow_may_be_mirrored():
    X, y = images((28, 28, 3))
    augment = AugmentConfig(**{**vars(NO_AUGMENT), "flip": True})
    assert own(channels="flow", augment=augment, epochs=1).fit(X, y).fitted_.motion.size == 28


def test_arrays_that_cannot_be():
    X, y = images()
    network = own(epochs=1)
    with pytest.raises(ValueError, match=r"look like \(n, c, h, w\); give np.moveaxis"):
        network.fit(np.zeros((len(y), 3, 28, 28)), y)
    with pytest.raises(ValueError, match="y holds one class"):
        network.fit(X, np.zeros(len(y)))
    with pytest.raises(ValueError, match="inconsistent"):
        network.fit(X, y[:-1])
    with pytest.raises(ValueError, match="was fitted with"):
        network.fit(X, y).predict(X[:, :-1])


# What holds of rows of a table and not of images, or of a network that learns for longer.
NOT_FOR_IMAGES = {
    "check_classifiers_train": "needs more epochs than a test has",
    "check_n_features_in_after_fitting": "counts columns; images have a shape",
}


@pytest.mark.slow
def test_scikit_learns_own_checks():
    network = NetworkClassifier(TINY, epochs=3, learning_rate=0.02)
    # One check is of other array libraries, and is skipped without their switch.
    check_estimator(network, expected_failed_checks=NOT_FOR_IMAGES, on_skip=None)
