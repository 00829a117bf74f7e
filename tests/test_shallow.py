"""The field's methods by name, as scikit-learn classifiers."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score

import mace
from mace.errors import ConfigError
from mace.shallow import SHALLOW, KernelRidgeClassifier, shallow_classifier


def flow_images(people=4, clips=4, side=20):
    """Brows move up in one class, mouths down in the other."""
    rng = np.random.default_rng(0)
    labels = np.tile(["brow", "mouth"], people * clips // 2)
    images = rng.normal(0, 0.2, (len(labels), side, side, 3))
    images[labels == "brow", : side // 3, :, 1] -= 2
    images[labels == "mouth", -side // 3 :, :, 1] += 2
    images[..., 2] = np.hypot(images[..., 0], images[..., 1])
    return images, labels, np.repeat(np.arange(people), clips)


def clips_of(labels, side=16, frames=8):
    """Gray clips in which one half of the picture flickers."""
    rng = np.random.default_rng(1)
    clips = np.repeat(rng.integers(60, 200, (len(labels), 1, side, side)), frames, axis=1)
    for clip, label in zip(clips, labels, strict=True):
        part = slice(0, side // 2) if label == "brow" else slice(side // 2, side)
        clip[::2, part] += 40
    return clips.astype(np.uint8)


def test_every_method_is_cross_validated_by_its_name():
    images, labels, groups = flow_images()
    data = {"bi_woof": images, "kernel_ridge": images, "lbp_top": clips_of(labels)}
    assert set(data) == set(SHALLOW)
    for name, X in data.items():
        scores = mace.cross_validate(name, X, labels, groups)
        assert scores.uf1 == 1, name


def test_settings_of_a_step_are_chosen_on_images():
    images, labels, groups = flow_images()
    scores = mace.cross_validate(
        "bi_woof", images, labels, groups, choose={"svc__C": [0.1, 10.0], "biwoof__blocks": [3, 5]}
    )
    assert scores.uf1 == 1
    assert "biwoof__blocks=" in str(scores.chosen)


def test_kernel_ridge_is_scikit_learns_with_balanced_targets():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(9, 6, 6, 2)), np.array([0, 0, 0, 0, 0, 0, 1, 1, 1])
    ours = KernelRidgeClassifier(width=0.3, strength=0.7).fit(X, y)
    rows = (X - X.mean((1, 2), keepdims=True)) / X.std((1, 2), keepdims=True)
    rows = rows.reshape(9, -1)
    # gamma over the number of features, and each class weighing as much as the other.
    theirs = KernelRidge(kernel="rbf", gamma=0.3 / rows.shape[1], alpha=0.7)
    theirs.fit(rows, np.eye(2)[y] - 0.5, sample_weight=np.where(y == 0, 9 / 12, 9 / 6))
    other = rng.normal(size=(40, 6, 6, 2))
    rows = (other - other.mean((1, 2), keepdims=True)) / other.std((1, 2), keepdims=True)
    expected = theirs.predict(rows.reshape(40, -1)).argmax(1)
    assert 0 < expected.mean() < 1
    np.testing.assert_array_equal(ours.predict(other), expected)


def test_kernel_ridge_of_flow_does_not_see_which_side_moves():
    images, labels, _ = flow_images()
    ridge = KernelRidgeClassifier(channels="flow").fit(images, labels)
    one_sided = images.copy()
    one_sided[:, :, :10] = 0
    mirrored = one_sided[:, :, ::-1] * [-1, 1, 1]
    np.testing.assert_array_equal(ridge.predict(one_sided), ridge.predict(mirrored))


def test_scikit_learn_takes_them_as_its_own():
    images, labels, groups = flow_images()
    for name in ("bi_woof", "kernel_ridge"):
        classifier = clone(shallow_classifier(name))
        accuracies = cross_val_score(
            classifier, images, labels, groups=groups, cv=LeaveOneGroupOut()
        )
        assert accuracies.tolist() == [1, 1, 1, 1]


def test_what_cannot_be_is_said():
    images, labels, _ = flow_images()
    with pytest.raises(ConfigError, match="no method 'hog'; there are: lbp_top, bi_woof, kernel"):
        shallow_classifier("hog")
    with pytest.raises(ValueError, match="y holds one class"):
        KernelRidgeClassifier().fit(images, ["brow"] * len(images))
    ridge = KernelRidgeClassifier().fit(images, labels)
    with pytest.raises(ValueError, match="X has images of 300 numbers"):
        ridge.predict(images[:, :10, :10])
