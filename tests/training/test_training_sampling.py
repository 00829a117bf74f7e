from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from training_cases import CONFIG, make_set

from mace.losses.units import listed_targets
from mace.training.sampling import batch_clips, beta_quantiles, draw
from mace.training.state import make_fold

pytestmark = pytest.mark.accelerator

SET = make_set()
TRAIN = np.array([0, 1, 2, 5, 7, 8, 11, 13, 14, 20, 23])


def _epoch(fold, epoch: int, batch_size: int) -> np.ndarray:
    steps = int(fold.steps_per_epoch)
    first = epoch * steps
    batches = [batch_clips(fold, jnp.int32(first + i), batch_size=batch_size) for i in range(steps)]
    return np.concatenate(batches)


def test_an_epoch_visits_every_training_clip_and_no_other():
    fold = make_fold(SET, TRAIN, config=replace(CONFIG, batch_size=4), seed=3)
    clips = _epoch(fold, 0, 4)
    assert len(clips) == 12  # 11 clips in batches of 4
    assert sorted(set(clips)) == TRAIN.tolist()
    assert clips[11] == clips[0]  # the last batch is filled from the epoch's start


def test_epochs_and_seeds_differ_but_repeat_exactly():
    config = replace(CONFIG, batch_size=4)
    one, two = (make_fold(SET, TRAIN, config=config, seed=seed) for seed in (1, 2))
    assert _epoch(one, 5, 4).tolist() == _epoch(one, 5, 4).tolist()
    assert _epoch(one, 5, 4).tolist() != _epoch(one, 6, 4).tolist()
    assert _epoch(one, 5, 4).tolist() != _epoch(two, 5, 4).tolist()


def test_a_batch_larger_than_the_training_set_repeats_clips():
    fold = make_fold(SET, TRAIN[:3], config=CONFIG, seed=0)
    clips = np.asarray(batch_clips(fold, jnp.int32(0), batch_size=8))
    assert clips[:3].tolist() == clips[3:6].tolist()
    assert int(fold.steps_per_epoch) == 1


@pytest.mark.parametrize("temporal", [False, True])
def test_draw_takes_the_annotated_pair_unless_time_is_augmented(temporal):
    fold = make_fold(SET, TRAIN, config=CONFIG, seed=0)
    step = jnp.int32(1)
    batch = draw(
        jnp.asarray(SET.inputs), jnp.asarray(SET.labels), fold, step,
        batch_size=8, temporal=temporal, mixup=0.0,
    )  # fmt: skip
    clips = np.asarray(batch_clips(fold, step, batch_size=8))
    annotated = [
        np.array_equal(image, SET.inputs[clip, 0])
        for image, clip in zip(batch.images, clips, strict=True)
    ]
    other = [
        np.array_equal(image, SET.inputs[clip, 1])
        for image, clip in zip(batch.images, clips, strict=True)
    ]
    assert np.logical_xor(annotated, other).all()
    assert all(annotated) != temporal
    np.testing.assert_array_equal(np.asarray(batch.targets).argmax(-1), SET.labels[clips])


def test_mixup_mixes_images_and_targets_by_the_same_share():
    fold = make_fold(SET, TRAIN, config=CONFIG, seed=0)
    step = jnp.int32(0)
    inputs = jnp.asarray(SET.labels, jnp.float32)[:, None, None, None, None]
    batch = draw(
        jnp.broadcast_to(inputs, (len(SET), 1, 2, 2, 1)), jnp.asarray(SET.labels), fold, step,
        batch_size=8, temporal=True, mixup=0.4,
    )  # fmt: skip
    targets = np.asarray(batch.targets)
    np.testing.assert_allclose(targets.sum(-1), 1.0, rtol=1e-6)
    # The image holds the class number, so the mean class of the target must be the mixed image.
    np.testing.assert_allclose(batch.images[:, 0, 0, 0], targets @ [0.0, 1.0, 2.0], rtol=1e-6)
    assert ((targets > 0.01).sum(-1) > 1).any()


def test_units_go_with_their_clips_and_are_mixed_by_the_same_share():
    fold = make_fold(SET, TRAIN, config=CONFIG, seed=0)
    # A clip of class 0 lists nothing, one of class 1 AU1, one of class 2 AU4.
    listed = [frozenset(units) for units in np.array(["", "1", "4"])[SET.labels]]
    units = jax.tree.map(jnp.asarray, listed_targets(listed, ("1", "4")))
    arrays = jnp.asarray(SET.inputs), jnp.asarray(SET.labels)
    for mixup in (0.0, 0.4):
        batch = draw(
            *arrays, fold, jnp.int32(0), batch_size=8, temporal=True, mixup=mixup, units=units
        )
        np.testing.assert_allclose(batch.units.present, batch.targets[:, 1:], rtol=1e-6)
        known = batch.targets[:, 1:].sum(-1, keepdims=True)
        np.testing.assert_allclose(batch.units.known, known, rtol=1e-6)
        assert batch.units.strength is None


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_beta_quantiles_have_the_distribution(alpha):
    values = beta_quantiles(alpha)
    assert values.mean() == pytest.approx(0.5, abs=1e-4)
    assert values.var() == pytest.approx(stats.beta(alpha, alpha).var(), rel=2e-3)
