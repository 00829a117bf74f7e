import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import jaxtyped
from typechecking import typechecker

from mace.config import config_hash, from_dict, to_dict
from mace.errors import ConfigError, DataError
from mace.motion.config import MotionConfig, TvL1Config
from mace.motion.dis import dis_flow
from mace.motion.representation import channels, encode, measure_flow, represent
from mace.motion.resample import cut

pytestmark = pytest.mark.accelerator

FAST_TVL1 = TvL1Config(num_warp=2, num_iter=5)
CONFIGS = [
    MotionConfig(representation="appearance"),
    MotionConfig(representation="difference"),
    MotionConfig(representation="flow", flow="dis"),
    MotionConfig(representation="flow", flow="patches"),
    MotionConfig(representation="flow", flow="tvl1", tvl1=FAST_TVL1),
]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.representation}-{c.flow}")
def test_a_pair_gives_the_same_alone_as_in_a_batch(pairs, config):
    references, targets, _ = pairs
    if config.flow == "tvl1":  # one level of the pyramid: compiling is what takes the time
        references, targets = references[:, 40:72, 40:72], targets[:, 40:72, 40:72]
    together = represent(references[:2], targets[:2], config=config)
    assert together.shape == (2, config.size, config.size, channels(config))
    assert together.dtype == np.float32
    assert np.isfinite(together).all()
    alone = represent(references[1:2], targets[1:2], config=config)
    np.testing.assert_allclose(alone[0], together[1], atol=1e-3)


@pytest.mark.parametrize("config", CONFIGS[:4], ids=lambda c: f"{c.representation}-{c.flow}")
def test_jit_equals_eager(pairs, config):
    references, targets, _ = pairs
    flow = measure_flow(references, targets, config=config)
    flow = None if flow is None else jnp.asarray(flow)
    checked = jaxtyped(typechecker=typechecker)(encode)
    eager = checked(jnp.asarray(references), jnp.asarray(targets), flow, config=config)
    jitted = jax.jit(functools.partial(encode, config=config))(references, targets, flow)
    np.testing.assert_allclose(jitted, eager, atol=2e-5)
    np.testing.assert_allclose(represent(references, targets, config=config), eager, atol=2e-5)


@pytest.mark.parametrize("size", [28, 50, 128, 224])
def test_every_size_describes_the_same_picture(pairs, size):
    references, targets, _ = pairs
    config = MotionConfig(size=size, detrend="none")
    small = represent(references[:1], targets[:1], config=config)[0]
    full = dis_flow(references[:1], targets[:1])[0]
    assert small.shape == (size, size, 3)
    np.testing.assert_allclose(small[..., :2].mean((0, 1)), full.mean((0, 1)), atol=5e-3)


def test_flow_is_in_px_of_the_128_px_crop_whatever_the_crop(pairs):
    references, targets, _ = pairs
    coarse = np.kron(references[3:], np.ones((1, 2, 2), np.uint8))
    coarse_target = np.kron(targets[3:], np.ones((1, 2, 2), np.uint8))
    config = MotionConfig(size=32, detrend="none")
    expected = represent(references[3:], targets[3:], config=config)[0]
    doubled = represent(coarse, coarse_target, config=config)[0]
    for channel in range(3):
        ratio = np.std(doubled[..., channel]) / np.std(expected[..., channel])
        assert 0.8 < ratio < 1.25


def test_strain_of_a_stretch_has_the_same_value_at_any_crop_size():
    for size in (64, 128, 192):
        x = np.mgrid[:size, :size][1].astype(np.float32)
        flow = np.stack([0.02 * x, np.zeros_like(x)], axis=-1)[None]
        crops = np.zeros((1, size, size), np.uint8)
        config = MotionConfig(size=32, detrend="none")
        strain = np.asarray(encode(crops, crops, flow, config=config))[0, ..., 2]
        np.testing.assert_allclose(strain, 0.02 / 0.1, atol=1e-4)


def test_appearance_is_centred_and_blind_to_gain_and_offset(pairs):
    references, targets, _ = pairs
    config = MotionConfig(representation="appearance", size=128)
    image = represent(references, targets, config=config)
    np.testing.assert_allclose(image.mean((1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(image.std((1, 2, 3)), 1, atol=1e-4)
    darker = (targets // 2 + 20).astype(np.uint8)
    np.testing.assert_allclose(represent(references, darker, config=config), image, atol=0.05)


def test_a_flat_crop_stays_flat():
    gray = np.full((1, 64, 64), 90, np.uint8)
    for config in CONFIGS[:3]:
        assert np.abs(represent(gray, gray, config=config)).max() < 1e-3


def test_difference_ignores_flicker_but_not_motion(pairs):
    references, targets, _ = pairs
    brighter = np.clip(np.round(1.06 * references[:1].astype(float) + 3), 0, 255).astype(np.uint8)
    matched = MotionConfig(representation="difference", size=128)
    plain = MotionConfig(representation="difference", size=128, match_light=False)
    same_face = np.abs(represent(references[:1], brighter, config=matched)).mean()
    assert same_face < 0.02
    assert np.abs(represent(references[:1], brighter, config=plain)).mean() > 0.2
    moved = represent(references[3:], targets[3:], config=matched)
    assert np.abs(moved).mean() > 10 * same_face
    raw = (targets[3:].astype(float) - references[3:]) / 32
    np.testing.assert_allclose(
        represent(references[3:], targets[3:], config=plain)[..., 0], raw, atol=1e-5
    )


@pytest.mark.parametrize(
    ("reference", "target", "message"),
    [
        (np.zeros((1, 64, 64), np.float32), np.zeros((1, 64, 64), np.uint8), "float32"),
        (np.zeros((1, 64, 48), np.uint8), np.zeros((1, 64, 48), np.uint8), "side"),
        (np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.uint8), "batch"),
        (np.zeros((1, 64, 64), np.uint8), np.zeros((2, 64, 64), np.uint8), "differ"),
    ],
)
def test_wrong_crops_are_refused(reference, target, message):
    with pytest.raises(DataError, match=message):
        represent(reference, target, config=MotionConfig())


def test_the_configuration_survives_json_and_refuses_nonsense():
    for config in CONFIGS:
        assert from_dict(MotionConfig, to_dict(config)) == config
    assert len({config_hash(config) for config in CONFIGS}) == len(CONFIGS)
    with pytest.raises(ConfigError, match="size"):
        MotionConfig(size=16)
    with pytest.raises(ConfigError, match="smooth"):
        MotionConfig(smooth=-1.0)


@pytest.mark.parametrize("representation", ["appearance", "difference", "flow"])
def test_framing_cuts_a_window_after_everything_else(pairs, representation):
    references, targets, _ = (part[:1] for part in pairs)
    whole = MotionConfig(representation=representation, size=128)
    framed = MotionConfig(
        representation=representation, size=64, framing=(0.25, 0.125, 0.75, 0.625)
    )
    window = represent(references, targets, config=framed)
    expected = represent(references, targets, config=whole)[:, 16:80, 32:96]
    if representation == "appearance":  # brought to mean 0 and deviation 1 within the window
        expected = (expected - expected.mean()) / expected.std()
    np.testing.assert_allclose(window, expected, atol=1e-5)


def test_a_framing_that_is_no_square_fills_one(pairs):
    references, targets, _ = (part[:1] for part in pairs)
    config = MotionConfig(size=28, framing=(0.05, 0.2, 0.95, 1.0))
    found = represent(references, targets, config=config)
    assert found.shape == (1, 28, 28, 3)
    window = represent(references, targets, config=MotionConfig(size=128))[0, 26:128, 6:122]
    np.testing.assert_allclose(found[0].mean((0, 1)), window.mean((0, 1)), atol=1e-5)


def test_the_whole_crop_is_left_as_it_is():
    image = jnp.ones((2, 128, 128))
    assert cut(image, MotionConfig().framing) is image


@pytest.mark.parametrize(
    "framing", [(0.5, 0, 0.5, 1), (0, 0, 1.1, 1), (-0.1, 0, 1, 1), (0, 0.9, 1, 0.1)]
)
def test_an_impossible_framing_is_refused(framing):
    with pytest.raises(ConfigError, match="framing"):
        MotionConfig(framing=framing)
