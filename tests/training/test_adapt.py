"""Unlabelled clips of another domain, brought to the statistics of the one trained on."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from training_cases import CONFIG, MODEL, make_set

from mace.bundle import PixelStatistics, load_bundle, save_bundle
from mace.config import to_dict
from mace.errors import ConfigError, DataError
from mace.face.config import FaceConfig
from mace.prediction import predict, predict_clips, prediction_program
from mace.training.adapt import adapt_bundle, make_adaptation, pixel_statistics
from mace.training.config import AdaptConfig
from mace.training.fitted import make_bundle
from mace.training.loop import fit

pytestmark = pytest.mark.accelerator


def make_places():
    """Return clips whose class is where in the face something moves."""
    made = make_set()
    inputs = made.inputs.copy()
    inputs[..., 1] = np.random.default_rng(5).normal(scale=0.3, size=inputs.shape[:-1])
    for clip, label in enumerate(made.labels):
        inputs[clip, :, 9 * label : 9 * label + 9, :, 1] += 2.0
    return replace(made, inputs=inputs, fingerprint="")


SET = make_places()
BELIEVE = AdaptConfig(prior_clips=0)


@pytest.fixture(scope="module")
def trained():
    model = replace(MODEL, widths=(8,), head="grid")
    config = replace(CONFIG, model=model, normalise="image", flip_average=True, epochs=15)
    fitted = fit(SET, np.arange(24), config=config)
    bare = make_bundle(fitted, face=to_dict(FaceConfig()), trained_on=("made",))
    flat = SET.inputs.reshape(-1, *SET.inputs.shape[2:])
    return replace(bare, reference=pixel_statistics(bare, flat))


def normalised(inputs):
    mean = inputs.mean(axis=(1, 2), keepdims=True)
    return (inputs - mean) / inputs.std(axis=(1, 2), keepdims=True)


def test_statistics_are_those_of_normalised_inputs_and_their_mirror_images(trained):
    inputs = np.random.default_rng(1).normal(size=(300, 28, 28, 3)).astype(np.float32)
    mirrored = inputs[:, :, ::-1] * np.array([-1, 1, 1], np.float32)
    found = pixel_statistics(trained, inputs)
    both = normalised(np.concatenate([inputs, mirrored]))
    np.testing.assert_allclose(found.mean, both.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(found.std, both.std(axis=0), atol=1e-5)
    single = pixel_statistics(replace(trained, flip_average=False), inputs)
    np.testing.assert_allclose(single.mean, normalised(inputs).mean(axis=0), atol=1e-5)
    with pytest.raises(DataError, match="no inputs"):
        pixel_statistics(trained, inputs[:0])


def statistics(seed):
    rng = np.random.default_rng(seed)
    return PixelStatistics(
        mean=rng.normal(size=(4, 4, 3)).astype(np.float32),
        std=rng.uniform(0.5, 2, size=(4, 4, 3)).astype(np.float32),
    )


def test_many_clips_are_brought_to_the_source_and_none_are_left_alone():
    source, target = statistics(0), statistics(1)
    images = np.random.default_rng(2).normal(size=(50_000, 4, 4, 3)) * target.std + target.mean
    full = make_adaptation(source, target, clips=1, config=BELIEVE)(images.astype(np.float32))
    np.testing.assert_allclose(full.mean(axis=0), source.mean, atol=0.05)
    np.testing.assert_allclose(full.std(axis=0), source.std, rtol=0.02)
    none = make_adaptation(source, target, clips=0, config=AdaptConfig())
    np.testing.assert_allclose(none.scale, 1, rtol=1e-6)
    np.testing.assert_allclose(none.offset, 0, atol=1e-6)


def test_few_clips_change_less_than_many():
    source, target = statistics(0), statistics(1)

    def change(clips):
        made = make_adaptation(source, target, clips=clips, config=AdaptConfig(prior_clips=20))
        return np.abs(made.scale - 1).mean()

    assert change(2) < change(20) < change(2000)


def test_a_pixel_that_never_moves_is_not_blown_up():
    source, target = statistics(0), statistics(1)
    still = replace(target, std=np.zeros_like(target.std))
    found = make_adaptation(source, still, clips=1, config=AdaptConfig(prior_clips=0, floor=0.25))
    assert found.scale.max() <= 4 * source.std.max() / source.std.min()


def test_inputs_that_were_shifted_get_their_answers_back(trained):
    # A pattern that lies over every input, as another framing or estimator makes one.
    pattern = 3 * np.random.default_rng(3).normal(size=(28, 28, 3)).astype(np.float32)
    foreign = SET.inputs + pattern
    own = predict_clips(trained, SET.inputs, pair_average=True)
    lost = predict_clips(trained, foreign, pair_average=True)
    change = adapt_bundle(trained, foreign, config=BELIEVE)
    again = predict_clips(trained, foreign, pair_average=True, adaptation=change)
    assert (own.argmax(axis=1) == SET.labels).mean() > 0.9
    assert np.abs(again - own).mean() < 0.7 * np.abs(lost - own).mean()


def test_an_adaptation_to_oneself_changes_nothing(trained):
    change = adapt_bundle(trained, SET.inputs, config=BELIEVE)
    own = predict(trained, SET.inputs[:, 0])
    np.testing.assert_allclose(
        predict(trained, SET.inputs[:, 0], adaptation=change), own, atol=1e-4
    )


def test_all_adaptations_share_one_program(trained):
    program = prediction_program(
        trained.model, trained.motion, 3, trained.normalisation.kind, trained.flip_average
    )
    predict(trained, SET.inputs[:, 0])
    for clips in (3, 7, 24):
        change = adapt_bundle(trained, SET.inputs[:clips], config=BELIEVE)
        predict(trained, SET.inputs[:, 0], adaptation=change)
    assert program._cache_size() == 2  # one without and one with  # type: ignore[attr-defined]


def test_a_bundle_keeps_its_reference_and_an_old_one_has_none(trained, tmp_path):
    save_bundle(tmp_path / "new", trained)
    found = load_bundle(tmp_path / "new")
    np.testing.assert_array_equal(found.reference.mean, trained.reference.mean)
    np.testing.assert_array_equal(found.reference.std, trained.reference.std)
    assert jax.tree.structure(found.variables) == jax.tree.structure(trained.variables)
    save_bundle(tmp_path / "old", replace(trained, reference=None))
    old = load_bundle(tmp_path / "old")
    assert old.reference is None
    with pytest.raises(ConfigError, match="does not hold the pixel statistics"):
        adapt_bundle(old, SET.inputs, config=BELIEVE)


def test_inputs_of_another_size_are_refused(trained):
    with pytest.raises(ConfigError, match=r"trained on inputs of \(28, 28, 3\)"):
        adapt_bundle(trained, SET.inputs[..., :14, :14, :], config=BELIEVE)


@pytest.mark.parametrize("settings", [{"prior_clips": -1.0}, {"floor": 0.0}])
def test_impossible_settings_are_refused(settings):
    with pytest.raises(ConfigError, match=next(iter(settings))):
        AdaptConfig(**settings)
