from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mace.datasets.synthetic.head.assets import UNIT_NAMES
from mace.datasets.synthetic.movement.action_units import AU_NAMES
from mace.datasets.synthetic.movement.prototypes import (
    CLASS_SETS,
    EMOTION_NAMES,
    class_names,
    labels_of_emotions,
    prototype_shares,
    prototype_table,
)
from mace.datasets.synthetic.pairs.config import (
    CropConfig,
    DistractorConfig,
    HeadConfig,
    MovementConfig,
    PairConfig,
)
from mace.datasets.synthetic.pairs.draw import draw_plans
from mace.datasets.synthetic.person.anatomy import draw_anatomy
from mace.errors import ConfigError

ANATOMY = np.stack([draw_anatomy(np.random.default_rng(seed), spread=1.0) for seed in (1, 2)])
PEOPLE = SimpleNamespace(
    reach=jnp.asarray(np.linspace(3, 9, 2 * len(AU_NAMES)).reshape(2, -1), jnp.float32),
    gain=jnp.ones((2, len(AU_NAMES))),
    asymmetry=jnp.zeros(2),
    anatomy=jnp.asarray(ANATOMY),
)


def draw(config: PairConfig, *, count: int = 400, seed: int = 0):
    return jax.device_get(draw_plans(jax.random.key(seed), PEOPLE, count=count, config=config))


@pytest.mark.slow
@pytest.mark.parametrize("classes", ["3", "5", "7"])
def test_each_class_gets_its_share(classes):
    plans = draw(PairConfig(classes=classes), count=4000)
    labels = labels_of_emotions(classes)[plans.emotion]
    assert labels.min() >= 0
    shares = [sum(members.values()) for members in CLASS_SETS[classes].values()]
    found = np.bincount(labels, minlength=len(shares)) / len(labels)
    np.testing.assert_allclose(found, np.array(shares) / np.sum(shares), atol=0.03)


def test_every_prototype_names_known_units_and_shares_add_up():
    assert class_names("3") == ("negative", "positive", "surprise")
    assert set(prototype_table().emotion.tolist()) == set(range(len(EMOTION_NAMES)))
    for classes in ("3", "5", "7"):
        assert prototype_shares(classes).sum() == pytest.approx(1)


def test_flat_shares_look_at_no_data_base():
    listed, flat = prototype_shares("3"), prototype_shares("3", mixture="flat")
    label = labels_of_emotions("3")[prototype_table().emotion]
    shown = prototype_table().aus
    for index in range(3):
        rows = (label == index) & (listed > 0)
        assert flat[rows].sum() == pytest.approx(listed[rows].sum())
        single = rows & (shown.sum(axis=1) == 1)
        assert flat[single].sum() == pytest.approx(flat[rows].sum() / 2)
        # Each unit alike, whether one emotion of the class shows it alone or several do.
        share = flat[single] @ shown[single]
        assert np.ptp(share[share > 0]) == pytest.approx(0, abs=1e-7)
    assert flat[listed == 0].sum() == 0


def test_people_differ_in_what_a_unit_moves_and_agree_in_the_rest():
    first, second = ANATOMY
    average = draw_anatomy(np.random.default_rng(1), spread=0.0)
    smile, brow = AU_NAMES.index("12"), AU_NAMES.index("4")
    left, right = UNIT_NAMES.index("mouthSmileLeft"), UNIT_NAMES.index("mouthSmileRight")
    assert average[smile, left] == average[smile, right] == pytest.approx(0.45)
    assert first[smile, left] != second[smile, left]
    assert (np.abs(ANATOMY[:, smile, left] - 0.45) <= 0.05).all()
    np.testing.assert_array_equal(first[brow], second[brow])


@pytest.mark.slow
def test_a_quiet_pair_moves_by_its_peak_and_by_nothing_else():
    peak = MovementConfig(
        peak_px=(1.0, 1.0), intensity_sd=0, asymmetry_sd=0, unilateral=0, extra=0,
        onset_error=0, apex_error=0, phase_sd=0, drift_px=0,
    )  # fmt: skip
    plans = draw(PairConfig.quiet(movement=peak))
    np.testing.assert_allclose(plans.peak_px, 1.0, rtol=1e-5)
    assert not plans.reference.any()
    assert not plans.head.any()
    assert not plans.registration.any()
    assert not plans.framing.any()
    assert plans.corrected.all()
    # With all else silent, the target is the action units' own mixture of face units. Contempt
    # and the like show on one side.
    both = np.einsum("ba,bau->bu", plans.aus, ANATOMY[plans.entry])
    table = prototype_table()
    one_sided = [
        name.split(" ")[0] for name, one in zip(table.names, table.unilateral, strict=True) if one
    ]
    symmetric = ~np.isin(np.array(EMOTION_NAMES)[plans.emotion], one_sided)
    assert symmetric.any()
    np.testing.assert_allclose(plans.target[symmetric], both[symmetric], atol=1e-6)


@pytest.mark.slow
def test_one_sided_movements_leave_the_other_side_still():
    movement = MovementConfig(unilateral=1.0, drift_px=0, onset_error=0)
    plans = draw(PairConfig.quiet(movement=movement))
    left = [i for i, name in enumerate(UNIT_NAMES) if name.endswith("Left")]
    right = [i for i, name in enumerate(UNIT_NAMES) if name.endswith("Right")]
    amounts = np.abs(plans.target)[:, left].max(1), np.abs(plans.target)[:, right].max(1)
    assert (np.minimum(*amounts) == 0).all()
    assert (np.maximum(*amounts) > 0).any()


@pytest.mark.parametrize(
    ("part", "config", "field"),
    [
        ("head", HeadConfig(), "head"),
        ("crop", CropConfig(), "registration"),
        ("distractors", DistractorConfig(speech=1.0, blink=1.0), "reference"),
    ],
)
def test_each_part_can_be_turned_on_alone(part, config, field):
    plans = draw(PairConfig.quiet(**{part: config}))
    assert np.abs(getattr(plans, field)).max() > 0
    others = {"head", "registration", "framing"} - ({"framing"} if part == "crop" else set())
    for other in others - {field}:
        assert not getattr(plans, other).any()


def test_errors_of_annotation_only_weaken_the_movement():
    full = draw(PairConfig.quiet(movement=MovementConfig(onset_error=0, apex_error=0, phase_sd=0)))
    weak = draw(PairConfig.quiet(movement=MovementConfig(onset_error=1, apex_error=1, phase_sd=0)))
    assert (weak.peak_px <= full.peak_px + 1e-6).all()
    assert weak.peak_px.mean() < 0.8 * full.peak_px.mean()


def test_the_same_key_draws_the_same_pairs():
    first, again, other = draw(PairConfig()), draw(PairConfig()), draw(PairConfig(), seed=1)
    np.testing.assert_array_equal(first.target, again.target)
    assert (first.target != other.target).any()


def test_an_impossible_setting_is_named():
    with pytest.raises(ConfigError, match="peak_px"):
        PairConfig(movement=MovementConfig(peak_px=(2.0, 1.0)))
    with pytest.raises(ConfigError, match="turn_deg"):
        PairConfig(head=HeadConfig(turn_deg=-1))
