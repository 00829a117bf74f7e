"""The window and the convention that a network is surest about, found without labels."""

from dataclasses import replace

import numpy as np
import pytest

from mace.adaptation.config import AdaptConfig
from mace.adaptation.convention import CONVENTIONS, Convention
from mace.adaptation.search import WindowSearch, correlations, distances, windows
from mace.augment.config import NO_AUGMENT
from mace.config import to_dict
from mace.data.motion_set import MotionSet
from mace.errors import ConfigError, DataError
from mace.face.config import FaceConfig
from mace.models.config import ModelConfig
from mace.motion.config import MotionConfig
from mace.prediction import Adaptation, predict, prediction_program, typical_images
from mace.training.config import OptimiserConfig, TrainConfig
from mace.training.fit import fit
from mace.training.fitted import make_bundle

pytestmark = pytest.mark.accelerator

FEW = AdaptConfig(heights=(1.0,), widths=(1.0,), shift=0.125, step=0.125, best=1, conventions=False)


def make_places():
    """Return clips whose class is where in the face something moves down, and how far."""
    labels = (np.arange(24) % 3).astype(np.int32)
    rng = np.random.default_rng(5)
    inputs = rng.normal(scale=0.3, size=(24, 1, 28, 28, 3)).astype(np.float32)
    for clip, label in enumerate(labels):
        inputs[clip, :, 9 * label + 3 : 9 * label + 7, 4:20, 1] += 2.0
    return MotionSet(
        inputs=inputs,
        labels=labels,
        groups=(np.arange(24) // 4).astype(np.int32),
        subjects=tuple(f"made/{k}" for k in range(6)),
        clips=tuple(f"made/{k // 4}/{k}" for k in range(24)),
        classes=("brow", "nose", "mouth"),
        motion=MotionConfig(size=28),
    )


SET = make_places()
IMAGES = SET.inputs[:, 0]
EVERYBODY = np.arange(len(SET))


@pytest.fixture(scope="module")
def trained():
    model = ModelConfig(widths=(8,), depths=(1,), stem_stride=2, norm="group", dropout=0.0)
    config = TrainConfig(
        model=model,
        optimiser=OptimiserConfig(learning_rate=1e-2),
        augment=NO_AUGMENT,
        normalise="image",
        epochs=15,
        batch_size=8,
        flip_average=True,
    )
    fitted = fit(SET, EVERYBODY, config=config)
    return make_bundle(fitted, face=to_dict(FaceConfig()), trained_on=("made",))


def moved(rows):
    """Return the images with more above the face than training had: `rows` further down."""
    noise = np.random.default_rng(6).normal(scale=0.3, size=IMAGES.shape).astype(np.float32)
    noise[:, rows:] = IMAGES[:, : 28 - rows]
    return noise


def accuracy(trained, images, adaptation=None):
    predicted = predict(trained, images, adaptation=adaptation).argmax(-1)
    return (predicted == SET.labels).mean()


def test_images_that_fit_are_left_alone(trained):
    fit = WindowSearch(trained, IMAGES, config=AdaptConfig(best=1)).fit(EVERYBODY)
    assert fit.windows == ((0, 0, 1, 1),)
    assert fit.convention == Convention()
    assert fit.before == pytest.approx(fit.after, abs=1e-5)
    assert not fit.edge
    np.testing.assert_allclose(
        predict(trained, IMAGES, adaptation=fit.adaptation(3)), predict(trained, IMAGES), atol=1e-5
    )


def test_a_window_that_lies_further_down_is_found_without_labels(trained):
    lower = moved(4)
    fit = WindowSearch(trained, lower, config=FEW).fit(EVERYBODY)
    assert fit.windows == ((0, 0.125, 1, 1.125),)
    assert fit.edge
    assert "edge of those tried" in str(fit)
    assert fit.after > fit.before + 0.05
    assert accuracy(trained, lower) < accuracy(trained, lower, fit.adaptation(3)) > 0.9


def test_predictions_are_the_mean_over_the_best_windows(trained):
    lower = moved(4)
    fit = WindowSearch(trained, lower, config=replace(FEW, best=2)).fit(EVERYBODY)
    assert len(fit.windows) == 2
    assert fit.windows[0] == (0, 0.125, 1, 1.125)
    assert "and 1 more like these" in str(fit)
    both = fit.adaptation(3)
    each = [
        predict(trained, lower, adaptation=replace(both, windows=both.windows[[place]]))
        for place in range(2)
    ]
    mean = predict(trained, lower, adaptation=both)
    np.testing.assert_allclose(mean, np.mean(each, axis=0), atol=1e-6)
    assert np.abs(each[0] - each[1]).max() > 0.1
    assert fit.after == pytest.approx(each[0].max(axis=-1).mean(), abs=1e-5)
    assert fit.best().windows == fit.windows[:1]
    # What is seen in one picture, or learnt from, is the best window.
    shown = Adaptation(windows=both.windows[:1], channels=both.channels)(lower)
    np.testing.assert_array_equal(both(lower), shown)


def test_with_fewer_windows_than_asked_for_all_are_shown(trained):
    fit = WindowSearch(trained, IMAGES, config=replace(FEW, best=8)).fit(EVERYBODY)
    assert sorted(fit.windows) == [(0, -0.125, 1, 0.875), (0, 0, 1, 1), (0, 0.125, 1, 1.125)]
    assert fit.windows[0] == (0, 0, 1, 1)


def test_channels_in_another_order_are_found_without_labels_and_said(trained):
    images = IMAGES[..., [1, 0, 2]]
    config = replace(FEW, shift=0.0, conventions=True)
    fit = WindowSearch(trained, images, config=config).fit(EVERYBODY)
    assert fit.convention.swapped
    assert "v before u" in str(fit)
    assert accuracy(trained, images, fit.adaptation(3)) > 0.9


def test_what_motion_is_typical_tells_all_conventions_apart(trained):
    # In two mirrored halves, for mirror images are averaged, all three move inwards as they fall.
    # The network has learnt to look at the fall, so what turns u makes it no less sure.
    inwards = IMAGES.copy()
    inwards[..., :14, 0] += IMAGES[..., :14, 1]
    inwards[..., 14:, 0] -= IMAGES[..., 14:, 1]
    knowing = replace(trained, typical=typical_images(trained, inwards, SET.labels))
    config = replace(FEW, shift=0.0, conventions=True)

    def found(bundle, convention):
        images = inwards @ convention.matrix(3).T
        return WindowSearch(bundle, images, config=config).fit(EVERYBODY).convention

    assert [found(knowing, convention) for convention in CONVENTIONS] == list(CONVENTIONS)
    assert [found(trained, convention) for convention in CONVENTIONS] != list(CONVENTIONS)


@pytest.mark.parametrize("clips", [1, 2, 9])
def test_few_clips_do_not_tell_another_convention(trained, clips):
    config = replace(FEW, shift=0.0, conventions=True)
    search = WindowSearch(trained, IMAGES[..., [1, 0, 2]], config=config)
    assert search.fit(EVERYBODY[:clips]).convention == CONVENTIONS[0]


def test_confidence_before_is_that_of_the_images_as_they_are(trained):
    images = IMAGES[..., [1, 0, 2]]
    config = replace(FEW, shift=0.0, conventions=True)
    fit = WindowSearch(trained, images, config=config).fit(EVERYBODY)
    assert fit.before == pytest.approx(predict(trained, images).max(axis=-1).mean(), abs=1e-4)
    assert fit.after > fit.before


def test_correlations_are_those_of_both_directions_together():
    up_and_right = np.zeros((1, 2, 2, 3), np.float32)
    up_and_right[0, 0, 0] = [1, -1, 5]
    down_and_left = -up_and_right
    right = up_and_right * np.array([1, 0, 0], np.float32)
    images = np.concatenate([up_and_right + 3, down_and_left, right, 0 * right])
    np.testing.assert_allclose(
        correlations(images, up_and_right)[:, 0], [1, -1, np.sqrt(0.5), 0], atol=1e-6
    )


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_conventions_say_what_is_in_the_images(convention):
    expected = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    u, v = convention.u * expected[:, 0], convention.v * expected[:, 1]
    given = np.stack([v, u, expected[:, 2]] if convention.swapped else [u, v, expected[:, 2]], -1)
    np.testing.assert_array_equal(given @ convention.matrix(3), expected)


def test_a_choice_knows_its_own_clips_alone(trained):
    half = EVERYBODY[::2]
    lower = moved(4)
    alone = WindowSearch(trained, lower, config=FEW).fit(half)
    spoilt = lower.copy()
    spoilt[1::2] = np.random.default_rng(8).normal(size=spoilt[1::2].shape)
    assert WindowSearch(trained, spoilt, config=FEW).fit(half) == alone


def test_images_of_nothing_say_that_the_choice_means_little(trained):
    still = np.zeros((4, 28, 28, 3), np.float32)
    fit = WindowSearch(trained, still, config=FEW).fit(np.arange(4))
    assert fit.windows == ((0, 0, 1, 1),)
    assert fit.flat
    assert "means little" in str(fit)


def test_all_windows_share_one_program(trained):
    program = prediction_program(
        trained.model, trained.motion, 3, trained.normalisation.kind, trained.flip_average
    )
    before = program._cache_size()  # type: ignore[attr-defined]
    search = WindowSearch(trained, moved(4), config=FEW)
    for clips in (3, 7, 24):
        predict(trained, IMAGES, adaptation=search.fit(EVERYBODY[:clips]).adaptation(3))
    assert program._cache_size() <= before + 1  # type: ignore[attr-defined]


def test_windows_keep_the_middle_and_pay_for_what_they_change():
    tried = windows(AdaptConfig(shift=0.1, step=0.1, heights=(1.0, 0.5), widths=(1.0, 2.0)))
    assert len(tried) == 3 * 2 * 2
    np.testing.assert_allclose(tried[:, 0] + tried[:, 2], 1)
    cases = [(0, 0, 1, 1), (0, 0.1, 1, 1.1), (-0.5, 0, 1.5, 1), (0, 0.25, 1, 0.75)]
    np.testing.assert_allclose(distances(np.array(cases, np.float32)), [0, 0.1, 1, 1], atol=1e-6)


def test_what_cannot_be_fitted_is_refused(trained):
    with pytest.raises(DataError, match="at least one clip"):
        WindowSearch(trained, IMAGES[:0], config=FEW)
    with pytest.raises(DataError, match="at least one clip"):
        WindowSearch(trained, IMAGES, config=FEW).fit(EVERYBODY[:0])
    large = np.zeros((3, 56, 56, 3), np.float32)
    knowing = replace(trained, typical=np.zeros((3, 28, 28, 3), np.float32))
    with pytest.raises(DataError, match=r"are 56 x 56 x 3 .* learnt from 28 x 28 x 3"):
        WindowSearch(knowing, large, config=FEW)
    flat = Adaptation(windows=np.array([0, 0, 1, 1], np.float32), channels=np.eye(3))
    with pytest.raises(ConfigError, match="one row or more"):
        predict(trained, IMAGES, adaptation=flat)
    other = replace(trained, motion=replace(trained.motion, representation="appearance"))
    with pytest.raises(ConfigError, match="leave out --adapt"):
        WindowSearch(other, IMAGES, config=FEW)


@pytest.mark.parametrize(
    "settings",
    [{"shift": -0.1}, {"price": -1.0}, {"best": 0}, {"heights": (0.9,)}, {"widths": (1.0, 3.0)}],
)
def test_impossible_settings_are_refused(settings):
    with pytest.raises(ConfigError, match=next(iter(settings))):
        AdaptConfig(**settings)
