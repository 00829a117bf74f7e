"""A second set of clips that shares every batch."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from training_cases import CONFIG as PLAIN
from training_cases import make_set

from mace.config import config_hash
from mace.errors import CheckpointError, ConfigError, DataError
from mace.losses.units import listed_targets
from mace.motion.config import MotionConfig
from mace.training.config import MixConfig, OptimiserConfig
from mace.training.fit import fit, train_population
from mace.training.member import Member
from mace.training.mixing import Mix, load_mix, mixed_arrays, own_clips, save_mix
from mace.training.plan import Plan
from mace.training.sampling import draw
from mace.training.state import make_fold

pytestmark = pytest.mark.accelerator

SET = make_set()
TRAIN = range(20)
CONFIG = replace(PLAIN, batch_size=6, epochs=3)


def rendered(clips=30, *, classes=("up", "down", "still")):
    """Other people; the same classes in another order, and constants one can recognise."""
    made = make_set(clips)
    labels = np.array([classes.index(made.classes[label]) for label in made.labels], np.int32)
    return replace(
        made,
        inputs=made.inputs[:, :1] * 0 + 100.0 + labels[:, None, None, None, None],
        labels=labels,
        classes=classes,
        subjects=tuple(name.replace("made", "rendered") for name in made.subjects),
        clips=tuple(name.replace("made", "rendered") for name in made.clips),
        fingerprint="",
    )


MIX = Mix(motion_set=rendered(), share=0.5)


def batch(step, *, seed=0, mix=MIX, config=CONFIG, **settings):
    own = own_clips(mix, config.batch_size)
    fold = make_fold(SET, np.arange(20), config=config, seed=seed, own=own)
    mixed = jax.tree.map(jnp.asarray, mixed_arrays(mix, SET, config))
    return fold, draw(
        jnp.asarray(SET.inputs),
        jnp.asarray(SET.labels),
        fold,
        jnp.int32(step),
        batch_size=config.batch_size,
        temporal=True,
        mixup=0.0,
        mixed=mixed,
        own=own,
        **settings,
    )


@pytest.mark.parametrize(("share", "own"), [(0.5, 3), (0.01, 5), (0.99, 1), (0.34, 4)])
def test_a_share_of_every_batch_is_mixed_in(share, own):
    mix = Mix(motion_set=MIX.motion_set, share=share)
    for step in range(3):
        _, found = batch(step, mix=mix)
        foreign = np.asarray(found.images[..., 0]).max(axis=(1, 2)) > 50
        assert foreign.tolist() == [False] * own + [True] * (6 - own)


def test_labels_go_by_the_name_of_the_class():
    _, found = batch(2)
    values = np.asarray(found.images[3:, 0, 0, 0]) - 100
    names = [MIX.motion_set.classes[int(value)] for value in values]
    assert [SET.classes[i] for i in np.asarray(found.targets[3:].argmax(axis=1))] == names


def test_units_of_mixed_in_clips_are_learnt_where_they_list_any():
    made = rendered()
    listed = tuple(frozenset({"4"} if label == 0 else ()) for label in made.labels)
    mix = Mix(motion_set=replace(made, units=listed, fingerprint=""), share=0.5)
    config = replace(CONFIG, model=replace(CONFIG.model, units=("4",)), unit_weight=1.0)
    units = jax.tree.map(jnp.asarray, listed_targets(SET.units, ("4",)))
    _, found = batch(2, mix=mix, config=config, units=units)
    np.testing.assert_array_equal(found.units.known, found.units.present)
    np.testing.assert_array_equal(found.units.known[:3], np.zeros((3, 1)))
    first = np.asarray(found.images[3:, 0, 0, 0]) == 100
    np.testing.assert_array_equal(found.units.known[3:, 0], first)


def test_clips_without_a_class_of_the_set_are_left_out():
    made = rendered()
    other = replace(made, classes=("up", "sideways", "still"), fingerprint="")
    inputs, labels, _ = mixed_arrays(Mix(motion_set=other, share=0.5), SET, CONFIG)
    assert len(inputs) == len(labels) == np.sum(made.labels != 1)
    assert {SET.classes[label] for label in labels} == {"up", "still"}


def test_the_draw_is_a_function_of_seed_and_step():
    def images(*arguments, **settings):
        return np.asarray(batch(*arguments, **settings)[1].images)

    np.testing.assert_array_equal(images(4), images(4))
    mixed = [images(step)[3:] for step in range(6)]
    assert any((one != other).any() for one in mixed for other in mixed)
    assert any((images(step)[3:] != images(step, seed=1)[3:]).any() for step in range(6))


def test_the_fold_alone_decides_epochs_statistics_and_class_counts():
    plain = make_fold(SET, np.arange(20), config=CONFIG, seed=0)
    fold, _ = batch(0)
    assert int(fold.steps_per_epoch) == 7  # 20 clips, 3 in a batch
    assert int(plain.steps_per_epoch) == 4
    for name in ("mean", "std", "class_counts", "size"):
        np.testing.assert_array_equal(getattr(fold, name), getattr(plain, name))


@pytest.mark.slow
def test_mixed_training_learns_from_both_and_goes_on_where_it_was(tmp_path, interrupted_at):
    straight = fit(SET, TRAIN, config=CONFIG, mix=MIX)
    plain = fit(SET, TRAIN, config=CONFIG)
    assert straight.normalisation == plain.normalisation
    with interrupted_at(9):
        fit(SET, TRAIN, config=CONFIG, mix=MIX, run_dir=tmp_path)
    resumed = fit(SET, TRAIN, config=CONFIG, mix=MIX, run_dir=tmp_path)
    jax.tree.map(np.testing.assert_array_equal, resumed.variables, straight.variables)
    for other in (None, Mix(motion_set=MIX.motion_set, share=0.4)):
        with pytest.raises(CheckpointError, match="made with mix"):
            fit(SET, TRAIN, config=CONFIG, mix=other, run_dir=tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("two_devices")
def test_two_devices_share_a_mixed_batch():
    found = fit(SET, TRAIN, config=replace(CONFIG, devices=2, epochs=1), mix=MIX)
    one = fit(SET, TRAIN, config=replace(CONFIG, epochs=1), mix=MIX)
    assert found.history[0]["step"] == one.history[0]["step"] == 7


def test_a_population_mixes_as_a_run_does():
    config = replace(CONFIG, epochs=2)
    other = replace(config, optimiser=OptimiserConfig(learning_rate=0.003))
    members = [
        Member(config=config, train_index=TRAIN, seed=1),
        Member(config=other, train_index=range(12), seed=2),
    ]
    plan = Plan(kind="vmap", chunk=2)
    for member, result in zip(
        members, train_population(SET, members, mix=MIX, plan=plan), strict=True
    ):
        alone = fit(SET, member.train_index, config=member.config, seed=member.seed, mix=MIX)
        assert [row["step"] for row in result.history] == [row["step"] for row in alone.history]
        jax.tree.map(
            lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-5, atol=2e-4),
            result.network().variables,
            alone.variables,
        )


def test_a_mixed_in_set_is_kept_in_a_file_and_known_by_its_content(tmp_path):
    made = MIX.motion_set
    first, second = (
        MixConfig(path=tmp_path / name, fingerprint=made.fingerprint, share=0.25) for name in "ab"
    )
    assert config_hash(first) == config_hash(second)
    save_mix(first, made)
    found = load_mix(first)
    assert found.share == 0.25
    assert found.motion_set.fingerprint == made.fingerprint
    np.testing.assert_array_equal(found.motion_set.inputs, made.inputs)
    with pytest.raises(DataError, match="is damaged"):
        load_mix(second)
    save_mix(second, rendered(12))
    with pytest.raises(DataError, match="is another set"):
        load_mix(second)


@pytest.mark.parametrize(
    ("mixed", "error", "message"),
    [
        (replace(rendered(), motion=MotionConfig(size=28, flow="tvl1")), ConfigError, "one input"),
        (replace(rendered(), subjects=SET.subjects + ("x",) * 2), DataError, "made/0 is in the"),
        (replace(rendered(), classes=("a", "b", "c")), DataError, "none of the mixed-in classes"),
    ],
)
def test_what_cannot_be_mixed_in_is_refused(mixed, error, message):
    with pytest.raises(error, match=message):
        fit(SET, TRAIN, config=CONFIG, mix=Mix(motion_set=mixed, share=0.5))


@pytest.mark.parametrize("share", [0.0, 1.0, float("nan")])
def test_an_impossible_share_is_refused(share):
    with pytest.raises(ConfigError, match="share of mixed-in clips"):
        Mix(motion_set=MIX.motion_set, share=share)
    with pytest.raises(ConfigError, match="cannot be shared"):
        own_clips(MIX, 1)
