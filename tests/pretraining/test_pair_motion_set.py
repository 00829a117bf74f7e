"""Rendered pairs as clips that go with the input of a data set."""

from dataclasses import replace

import numpy as np
import pytest

from mace.errors import ConfigError, DataError
from mace.motion.config import MotionConfig
from mace.pretraining import rendered_pairs as pair_motion_set
from mace.pretraining.rendered_pairs import pair_classes, rendered_pairs

CLIPS = MotionConfig(size=32, flow="dis")
IMAGES = MotionConfig(size=28, flow="images")
POLARITIES = ("negative", "positive", "surprise")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def made(store):
    def make(motion, *, classes=POLARITIES, seed=0):
        return rendered_pairs(
            motion,
            classes=classes,
            people=2,
            pairs_each=8,
            seed=seed,
            variants=3,
            workers=1,
            cache_dir=store,
        )

    return make


@pytest.mark.slow
def test_pairs_for_clips_are_flow_of_the_recipe(made):
    pairs = made(CLIPS)
    assert pairs.inputs.shape == (16, 3, 32, 32, 3)
    assert pairs.motion == CLIPS
    assert pairs.classes == POLARITIES
    assert len(pairs.subjects) == 2
    assert len(set(pairs.clips)) == 16
    # Sub-pixel motion in px, and strain is never negative.
    assert 0.02 < np.abs(pairs.inputs[..., :2]).mean() < 1
    assert pairs.inputs[..., 2].min() >= 0
    assert (pairs.inputs[:, 0] != pairs.inputs[:, 1]).any((1, 2, 3)).all()


@pytest.mark.slow
def test_pairs_for_images_are_stretched_as_they_are(made):
    pairs = made(IMAGES)
    assert pairs.inputs.shape == (16, 3, 28, 28, 3)
    assert pairs.motion == IMAGES
    np.testing.assert_array_equal(pairs.inputs[..., :2].min((2, 3)), -1)
    np.testing.assert_array_equal(pairs.inputs.max((2, 3)), 1)
    np.testing.assert_array_equal(pairs.inputs[..., 2].min((2, 3)), 0)
    levels = (pairs.inputs[..., 2] * 255).ravel()
    np.testing.assert_allclose(levels, np.round(levels), atol=1e-3)  # of 8 bits


@pytest.mark.slow
def test_what_was_rendered_is_used_again(made, monkeypatch):
    first = made(CLIPS)
    monkeypatch.setattr("mace.datasets.synthetic.pairs.stored.store_chunk", None)
    assert made(CLIPS).fingerprint == first.fingerprint
    framed = made(replace(CLIPS, framing=(0.1, 0.1, 0.9, 0.9), detrend="median", smooth=1.0))
    assert framed.fingerprint != first.fingerprint
    with pytest.raises(TypeError):
        made(CLIPS, seed=1)  # other people


@pytest.mark.slow
def test_classes_are_taken_by_name(made):
    pairs = made(CLIPS, classes=("surprise", "Positive"))
    assert pairs.classes == ("surprise", "Positive")
    assert len(pairs) < 16
    assert all(pairs.units)  # the second task knows what moves in every pair
    everything = made(CLIPS)
    kept = everything.labels > 0
    assert len(pairs) == kept.sum()
    np.testing.assert_array_equal(pairs.labels, 2 - everything.labels[kept])


def test_the_set_of_classes_that_knows_most_is_taken():
    assert pair_classes(POLARITIES) == "3"
    assert pair_classes(("disgust", "happiness", "others", "repression", "surprise")) == "5"
    assert pair_classes(("anger", "disgust", "fear")) == "7"
    with pytest.raises(DataError, match="none of the classes tense"):
        pair_classes(("tense",))


def test_pictures_are_not_rendered_for_it():
    with pytest.raises(ConfigError, match=r"synthetic/demo:0\.5"):
        rendered_pairs(replace(CLIPS, representation="appearance"), classes=POLARITIES)


def test_people_are_nobody_elses():
    assert pair_motion_set.PEOPLE_FROM + 10 * 10_000 < 900_000  # `pair_checks`' come from there
