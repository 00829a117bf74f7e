import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import jaxtyped
from typechecking import typechecker

from mace.config import from_dict, to_dict
from mace.errors import ConfigError
from mace.losses.config import LossConfig
from mace.losses.schemes import make_loss
from mace.losses.units import UnitTargets, listed_targets, read_units, unit_loss

pytestmark = pytest.mark.accelerator

KINDS = (
    "cross_entropy", "weighted", "label_smoothing", "focal", "class_balanced_focal",
    "logit_adjusted",
)  # fmt: skip
COUNTS = (60, 30, 10)
# softmax of these logits is (0.5, 0.25, 0.25)
LOGITS = jnp.log(jnp.asarray([[2.0, 1.0, 1.0]]))


def loss_of(kind, *, label, counts=COUNTS, logits=LOGITS, **settings):
    loss = make_loss(LossConfig(kind=kind, **settings), counts)
    return float(loss(logits, jax.nn.one_hot(jnp.asarray([label]), 3))[0])


def test_cross_entropy_by_hand():
    assert loss_of("cross_entropy", label=0) == pytest.approx(math.log(2))
    assert loss_of("cross_entropy", label=1) == pytest.approx(math.log(4))


def test_weighted_by_hand():
    assert loss_of("weighted", label=0) == pytest.approx(100 / (3 * 60) * math.log(2))
    assert loss_of("weighted", label=2) == pytest.approx(100 / (3 * 10) * math.log(4))


def test_weights_average_to_one_over_the_training_samples():
    loss = make_loss(LossConfig(kind="weighted"), COUNTS)
    labels = jnp.repeat(jnp.arange(3), jnp.asarray(COUNTS), total_repeat_length=100)
    losses = loss(jnp.zeros((100, 3)), jax.nn.one_hot(labels, 3))
    assert float(losses.mean()) == pytest.approx(math.log(3))


def test_label_smoothing_by_hand():
    # targets (0.9, 0.05, 0.05) for a smoothing of 0.15 over three classes
    expected = 0.9 * math.log(2) + 0.1 * math.log(4)
    assert loss_of("label_smoothing", label=0, smoothing=0.15) == pytest.approx(expected)


def test_focal_by_hand():
    assert loss_of("focal", label=0, gamma=2.0) == pytest.approx(0.25 * math.log(2))
    assert loss_of("focal", label=1, gamma=2.0) == pytest.approx(0.5625 * math.log(4))


def test_focal_without_focus_is_cross_entropy():
    assert loss_of("focal", label=1, gamma=0.0) == pytest.approx(math.log(4))


def test_class_balanced_focal_by_hand():
    beta = 0.9
    weights = np.array([(1 - beta) / (1 - beta**n) for n in COUNTS])
    weights *= 3 / weights.sum()
    for label, focal in ((0, 0.25 * math.log(2)), (2, 0.5625 * math.log(4))):
        got = loss_of("class_balanced_focal", label=label, gamma=2.0, beta=beta)
        assert got == pytest.approx(weights[label] * focal, rel=1e-5)


def test_class_balanced_limits():
    # beta = 0 weighs all classes alike; beta towards 1 weighs by inverse frequency.
    plain = loss_of("focal", label=2)
    assert loss_of("class_balanced_focal", label=2, beta=0.0) == pytest.approx(plain)
    inverse = np.array([1 / n for n in COUNTS])
    inverse *= 3 / inverse.sum()
    got = loss_of("class_balanced_focal", label=2, beta=1 - 1e-7)
    assert got == pytest.approx(inverse[2] * plain, rel=1e-4)


def test_logit_adjusted_by_hand():
    adjusted = np.array([0.5, 0.25, 0.25]) * np.array([0.6, 0.3, 0.1])
    adjusted /= adjusted.sum()
    assert loss_of("logit_adjusted", label=2) == pytest.approx(-math.log(adjusted[2]))
    assert loss_of("logit_adjusted", label=2, tau=0.0) == pytest.approx(math.log(4))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "label_smoothing"])
def test_soft_targets_mix_the_losses(kind):
    loss = make_loss(LossConfig(kind=kind), COUNTS)
    first, second = (loss(LOGITS, jax.nn.one_hot(jnp.asarray([i]), 3)) for i in (0, 2))
    mixed = loss(LOGITS, jnp.asarray([[0.3, 0.0, 0.7]]))
    np.testing.assert_allclose(mixed, 0.3 * first + 0.7 * second, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_extreme_logits_stay_finite(kind, gamma):
    loss = make_loss(LossConfig(kind=kind, gamma=gamma), (200, 1, 0))
    values = [0.0, 1e-30, 20.0, -20.0, 1e4, -1e4, 1e30, -1e30]
    logits = jnp.asarray([(a, b, 0.0) for a in values for b in values])
    for label in range(3):
        targets = jax.nn.one_hot(jnp.full(len(logits), label), 3)
        losses, back = jax.vjp(lambda z, targets=targets: loss(z, targets), logits)
        (gradients,) = back(jnp.ones_like(losses))
        assert np.isfinite(losses).all()
        assert np.isfinite(gradients).all()
        assert (np.asarray(losses) >= 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_is_that_of_differences(kind):
    loss = make_loss(LossConfig(kind=kind, gamma=1.5), COUNTS)
    logits = jnp.asarray([[0.3, -0.7, 1.1], [2.0, 0.5, -1.0]])
    targets = jnp.asarray([[0.0, 1.0, 0.0], [0.2, 0.0, 0.8]])
    gradient = jax.grad(lambda z: loss(z, targets).sum())(logits)
    step = 1e-2
    for i in np.ndindex(2, 3):
        up, down = (loss(logits.at[i].add(s), targets).sum() for s in (step, -step))
        assert float(gradient[i]) == pytest.approx(float(up - down) / (2 * step), abs=2e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_counts_may_be_traced(kind):
    config, targets = LossConfig(kind=kind), jax.nn.one_hot(jnp.asarray([1]), 3)
    traced = jax.jit(lambda counts: make_loss(config, counts)(LOGITS, targets))
    expected = make_loss(config, COUNTS)(LOGITS, targets)
    np.testing.assert_allclose(traced(jnp.asarray(COUNTS)), expected, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_one_float32_loss_a_sample(kind):
    checked = jaxtyped(typechecker=typechecker)(make_loss)
    loss = checked(LossConfig(kind=kind), COUNTS)(jnp.zeros((4, 3)), jnp.full((4, 3), 1 / 3))
    assert loss.shape == (4,)
    assert loss.dtype == jnp.float32


def test_configuration_survives_json():
    config = LossConfig(kind="focal", gamma=1.5)
    assert from_dict(LossConfig, to_dict(config)) == config


@pytest.mark.parametrize(
    ("setting", "value"), [("smoothing", 1.0), ("gamma", -1.0), ("beta", 1.0), ("tau", -0.1)]
)
def test_setting_out_of_range_is_named(setting, value):
    with pytest.raises(ConfigError, match=f"setting {setting} is {value}"):
        LossConfig(**{setting: value})


@pytest.mark.parametrize("counts", [[5], [3, -1], [0, 0], [[1, 2], [3, 4]]])
def test_impossible_counts_are_refused(counts):
    with pytest.raises(ConfigError, match="class counts are"):
        make_loss(LossConfig(), counts)


def test_a_unit_costs_half_its_cross_entropy_and_an_eighth_of_squared_errors():
    targets = UnitTargets(
        known=jnp.ones((1, 1)),
        present=jnp.asarray([[1.0, 0.0]]),
        strength=jnp.asarray([[math.e - 1, 5.0]]),
        side=jnp.asarray([[0.0, 1.0]]),
    )
    # Presence at 1/2 costs log 2; of the first, log strength is 1 too low, the side 0.6 too far
    # left. Strength and side of the second, which is not there, mean nothing.
    outputs = jnp.asarray([[[0.0, 0.0, math.atanh(0.6)], [0.0, 3.0, 0.0]]])
    expected = 0.5 * (2 * math.log(2) + 0.25 * (1.0 + 0.36))
    np.testing.assert_allclose(unit_loss(outputs, targets), [expected], rtol=1e-5)
    certain = outputs.at[0, :, 0].set(jnp.asarray([60.0, -60.0]))
    np.testing.assert_allclose(unit_loss(certain, targets), [0.125 * 1.36], rtol=1e-4)


def test_of_listed_units_presence_alone_is_learnt_and_of_an_unknown_clip_nothing():
    targets = listed_targets([frozenset({"4", "45"}), frozenset()], ["1", "4"])
    assert targets is not None
    np.testing.assert_array_equal(targets.known, [[1], [0]])
    np.testing.assert_array_equal(targets.present, [[0, 1], [0, 0]])
    assert listed_targets([frozenset({"4"})], []) is None
    # Of the first clip AU1, absent, has a probability of 3/4, and AU4, present, of 1/4.
    outputs = jnp.asarray([[[math.log(3), 5.0, 0.3], [-math.log(3), 7.0, -2.0]]] * 2)
    expected = [0.5 * 2 * math.log(4), 0.0]
    np.testing.assert_allclose(unit_loss(outputs, targets), expected, rtol=1e-6)
    gradient = jax.grad(lambda z: unit_loss(z, targets).sum())(outputs)
    np.testing.assert_allclose(gradient[0], [[0.375, 0, 0], [-0.375, 0, 0]], rtol=1e-6)
    np.testing.assert_array_equal(gradient[1], np.zeros((2, 3)))
    # Mixed 0.3 to 0.7 with an unknown one, a clip costs 0.3 of itself.
    mixed = jax.tree.map(lambda values: 0.3 * values[:1] + 0.7 * values[1:], targets)
    np.testing.assert_allclose(unit_loss(outputs[:1], mixed), [0.3 * expected[0]], rtol=1e-6)


def test_units_are_read_in_the_unit_of_the_motion():
    outputs = jnp.asarray([[[0.0, math.log(5), 0.0], [2.0, -1.0, math.atanh(-0.5)]]])
    read = read_units(outputs, jnp.asarray([0.25]))
    np.testing.assert_allclose(read[0, 0], [0.5, 1.0, 0.0], rtol=1e-5)
    np.testing.assert_allclose(read[0, 1], [1 / (1 + math.exp(-2)), 0.0, -0.5], rtol=1e-5)
