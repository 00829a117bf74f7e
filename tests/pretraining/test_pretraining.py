"""From a few synthetic people to a pre-trained bundle; the real one takes an hour."""

import functools
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mace.bundle import load_bundle, save_bundle
from mace.datasets.synthetic.pairs.stored import make_pairs
from mace.errors import ConfigError
from mace.experiments.pretraining_study import STUDIES, base
from mace.prediction import predict
from mace.pretraining.config import PairStreamConfig, PretrainingConfig
from mace.pretraining.model_card import render_card
from mace.pretraining.pair_tests import labels_of, pair_tests, present_still, score
from mace.pretraining.pretrain import Judge, make_stream, pretrain
from mace.spotting.temperature import temper

TINY = PretrainingConfig(
    people=2,
    pairs_each=3,
    poses_each=1,
    stream=PairStreamConfig(estimators=("dis",)),
    train=replace(PretrainingConfig().train, epochs=2, batch_size=8, ema=0.0),
    steps_per_epoch=2,
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("pairs")


@pytest.fixture(scope="module")
def pairs(cache):
    return make_pairs(
        range(100_000, 100_002), 3, seed=1, estimators=("dis",), workers=1, cache_dir=cache
    )


@pytest.fixture(scope="module")
def stream(pairs):
    return make_stream(TINY, pairs, workers=1)


@pytest.fixture(scope="module")
def bundle(cache, pairs, tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("run")
    return pretrain(TINY, run_dir=run_dir, cache_dir=cache, workers=1, watch=False)


@pytest.mark.slow
def test_a_batch_is_a_function_of_seed_and_step(stream):
    take = jax.jit(stream.take)
    folds = [stream.seeded(seed, epochs=2) for seed in (0, 1)]
    first, again = (take(stream.arrays, folds[0], jnp.int32(3)) for _ in range(2))
    later, other = (take(stream.arrays, folds[k], jnp.int32(4 - k)) for k in range(2))
    np.testing.assert_array_equal(first.images, again.images)
    assert np.abs(first.images - later.images).max() > 0.1
    assert np.abs(first.images - other.images).max() > 0.1


@pytest.mark.slow
def test_a_batch_holds_normalised_images_and_whole_labels(stream):
    fold = stream.seeded(0, epochs=2)
    batch = jax.device_get(jax.jit(stream.take)(stream.arrays, fold, jnp.int32(0)))
    assert batch.images.shape == (8, 28, 28, 3)
    np.testing.assert_allclose(batch.images.mean((1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(batch.images.std((1, 2)), 1, atol=1e-3)
    assert ((batch.targets == 0) | (batch.targets == 1)).all()
    np.testing.assert_array_equal(batch.targets.sum(1), 1)


@pytest.mark.slow
def test_the_bundle_says_what_it_is_and_reads_stretched_images_alike(bundle, tmp_path):
    save_bundle(tmp_path / "model", bundle)
    loaded = load_bundle(tmp_path / "model")
    assert loaded.classes == ("negative", "positive", "surprise")
    assert loaded.trained_on == ("synthetic",)
    assert loaded.normalisation.kind == "image"
    images = np.random.default_rng(0).normal(size=(3, 28, 28, 3)).astype(np.float32)
    gain = np.array([3.0, 0.5, 10.0], np.float32)
    np.testing.assert_allclose(
        predict(loaded, images * gain + 1), predict(loaded, images), atol=1e-4
    )


@pytest.mark.slow
def test_four_steps_have_changed_the_network_and_are_not_taken_again(bundle, cache, tmp_path):
    again = pretrain(TINY, run_dir=tmp_path, cache_dir=cache, workers=1, watch=False)
    resumed = pretrain(TINY, run_dir=tmp_path, cache_dir=cache, workers=1, watch=False)
    for one, two, three in zip(
        *(jax.tree.leaves(b.variables) for b in (bundle, again, resumed)), strict=True
    ):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, three)


@pytest.mark.slow
def test_both_presentations_of_a_test_set_are_scored(bundle, pairs):
    found = score(bundle, pairs.of("dis"), labels_of(pairs, "3"))
    assert set(found) == {"public", "own"}
    assert all(0 <= value <= 1 for scores in found.values() for value in scores.values())
    public, own = (present_still(pairs.of("dis"), view, size=28) for view in ("public", "own"))
    assert public.shape == own.shape == (6, 28, 28, 3)
    assert np.abs(public - own).max() > 0.01


def test_test_people_are_neither_training_nor_validation_people():
    config = PretrainingConfig()
    seen = set(range(100_000, 100_000 + config.people))
    for part in ("validation", "test"):
        for test in pair_tests(config.pairs, config.picture, part=part):
            first = {"validation": 900_000, "test": 950_000}[part]
            first += 10_000 * (test.name == "shifted")
            people = set(range(first, first + test.people))
            assert not people & seen
            seen |= people
            assert test.estimator not in config.stream.estimators or test.name == "same"


def test_every_setting_of_a_study_has_a_name_and_a_configuration_of_its_own():
    for study in STUDIES.values():
        settings = list(study())
        assert len({setting.name for setting in settings}) == len(settings)
        assert len({repr(setting.config) for setting in settings}) == len(settings)
        assert all(setting.config.steps_per_epoch == base().steps_per_epoch for setting in settings)


@pytest.mark.slow
def test_answers_are_tempered_to_fit_the_validation_people(bundle, cache, monkeypatch):
    few = functools.partial(pair_tests, people=2, pairs_each=3)
    monkeypatch.setattr("mace.pretraining.pretrain.pair_tests", few)
    judge = Judge(TINY, workers=1, cache_dir=cache)
    temperature = judge.temperature(bundle)

    def surprise(by):
        found = []
        for _, fields, labels in judge.tests:
            answers = temper(predict(bundle, present_still(fields, "own", size=28)), by)
            found += [-np.log(answers[np.arange(len(labels)), labels])]
        return np.concatenate(found).mean()

    assert surprise(temperature) <= min(surprise(1.0), surprise(1.2 * temperature))


UNIT_ROW = {
    "auc": 0.95,
    "f1": 0.8,
    "f1 below 0.6 px": 0.6,
    "f1 0.6 px and more": 0.9,
    "f1 turned below 5 degrees": 0.81,
    "f1 turned 5 degrees and more": 0.7,
    "px": 0.4,
    "px_error": 0.1,
    "side": None,
}


def test_the_card_says_what_was_measured():
    row = {"uf1": 0.7, "uar": 0.6, "interval": (0.65, 0.75)}
    group = {"pairs": 5, "people": 2, "uf1": 0.5, "interval": (0.4, 0.6)}
    card = render_card(
        {
            "part": "test",
            "unseen": {"shifted": "lucas-kanade"},
            "scores": {"same, dis": {"network": row, "logistic": row, "lead": row}},
            "groups": {"skin tone": {"dark": group}},
            "light": {"hard": group},
            "units": {"same": {"1": UNIT_ROW}, "shifted": {"1": UNIT_ROW | {"auc": 0.75}}},
            "emotions": {"same": {"pairs": 512, "uf1": 0.53, "uar": 0.55}},
            "windows": {"brows in row 7, width 1.0": {"before": 0.61, "after": 0.72}},
            "photograph": {
                "warps": 7,
                "own": 0.912,
                "public": 0.9,
                "prototypes": {"fear 20": {"warps": 7, "own": 1.0, "public": 0.5}},
            },
        },
        parameters=1234,
        size=28,
        weights=5000,
        people=10,
        pairs=160,
        temperature=0.75,
        command="mace pretrain --measure",
    )
    for expected in (
        "1,234 parameters",
        "0.700 [0.650, 0.750]",
        "91.2%",
        "| fear 20 | 7 | 100% |",
        "| AU1 | 0.95, 0.75 | 0.80, 0.80 |",
        "row 7, width 1.0 | 0.610 | 0.720 |",
        "| same | 512 | 0.530 | 0.550 |",
    ):
        assert expected in card


def test_an_impossible_share_is_named():
    with pytest.raises(ConfigError, match="rendered"):
        PairStreamConfig(rendered=1.5)
