import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mace.augment.config import NO_AUGMENT, AugmentConfig
from mace.augment.image import augment, flip, warp
from mace.errors import ConfigError
from mace.motion.config import MotionConfig

pytestmark = pytest.mark.accelerator

FLOW = MotionConfig(representation="flow")
APPEARANCE = MotionConfig(representation="appearance")
STILL = {"shift": jnp.zeros(2), "angle": jnp.float32(0), "scale": jnp.float32(1)}


def _image(channels: int = 3, size: int = 9) -> jax.Array:
    rng = np.random.default_rng(1)
    return jnp.asarray(rng.normal(size=(size, size, channels)), jnp.float32)


def test_a_mirror_reverses_columns_and_horizontal_flow():
    image = jnp.asarray([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]])
    expected = [[[-4.0, 5.0, 6.0], [-1.0, 2.0, 3.0]]]
    np.testing.assert_array_equal(flip(image, motion=FLOW), expected)


def test_a_mirror_leaves_the_sign_of_grey_levels():
    image = jnp.asarray([[[1.0], [4.0]]])
    np.testing.assert_array_equal(flip(image, motion=APPEARANCE), [[[4.0], [1.0]]])


@pytest.mark.parametrize("motion", [FLOW, APPEARANCE])
def test_flipping_twice_changes_nothing(motion):
    image = _image()
    np.testing.assert_array_equal(flip(flip(image, motion=motion), motion=motion), image)


def test_the_identity_warp_changes_nothing():
    image = _image()
    np.testing.assert_allclose(warp(image, motion=FLOW, **STILL), image, atol=1e-6)


def test_a_quarter_turn_moves_positions_and_vectors_alike():
    # One vector to the right, at the right edge's middle; y points down, so a positive quarter
    # turn brings it to the lower edge's middle, pointing down.
    image = jnp.zeros((5, 5, 3)).at[2, 4].set(jnp.array([1.0, 0.0, 7.0]))
    turned = warp(image, motion=FLOW, **{**STILL, "angle": jnp.float32(np.pi / 2)})
    expected = np.zeros((5, 5, 3))
    expected[4, 2] = [0.0, 1.0, 7.0]
    np.testing.assert_allclose(turned, expected, atol=1e-5)


def test_a_turned_constant_field_is_constant_with_turned_vectors():
    image = jnp.broadcast_to(jnp.array([2.0, 0.0, 0.5]), (6, 8, 3))
    angle = np.deg2rad(30.0)
    turned = warp(image, motion=FLOW, **{**STILL, "angle": jnp.float32(angle)})
    expected = np.broadcast_to([2 * np.cos(angle), 2 * np.sin(angle), 0.5], (6, 8, 3))
    np.testing.assert_allclose(turned, expected, rtol=1e-5)


def test_a_turned_image_keeps_its_grey_levels():
    image = jnp.full((6, 8, 1), 3.0)
    turned = warp(image, motion=APPEARANCE, **{**STILL, "angle": jnp.float32(0.4)})
    np.testing.assert_allclose(turned, 3.0, rtol=1e-6)


def test_a_shift_moves_by_whole_pixels_and_repeats_the_edge():
    image = _image()
    moved = warp(image, motion=FLOW, **{**STILL, "shift": jnp.array([2.0, -1.0])})
    np.testing.assert_allclose(moved[:-1, 2:], image[1:, :-2], atol=1e-5)
    np.testing.assert_allclose(moved[:-1, 0], image[1:, 0], atol=1e-5)


def test_enlarging_enlarges_displacements_but_not_strain():
    image = jnp.broadcast_to(jnp.array([1.0, -2.0, 0.5]), (6, 6, 3))
    larger = warp(image, motion=FLOW, **{**STILL, "scale": jnp.float32(1.5)})
    np.testing.assert_allclose(larger, np.broadcast_to([1.5, -3.0, 0.5], (6, 6, 3)), rtol=1e-6)


def test_enlarging_samples_half_way_between_pixels():
    image = jnp.arange(5.0)[None, :, None] * jnp.ones((5, 1, 1))
    larger = warp(image, motion=APPEARANCE, **{**STILL, "scale": jnp.float32(2)})
    np.testing.assert_allclose(larger[2, :, 0], [1.0, 1.5, 2.0, 2.5, 3.0], atol=1e-6)


def test_no_augmentation_is_the_identity():
    image = _image()
    unchanged = augment(image, jax.random.key(0), config=NO_AUGMENT, motion=FLOW)
    np.testing.assert_array_equal(unchanged, image)


def test_the_same_key_gives_the_same_change_and_another_key_another():
    image, config = _image(), AugmentConfig(noise=0.1, magnitude=0.2)
    change = jax.jit(lambda key: augment(image, key, config=config, motion=FLOW))
    first, again, other = (change(jax.random.key(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


def test_half_of_the_images_are_flipped():
    config = AugmentConfig(shift=0, rotation=0, scale=0)
    image = _image(size=2)
    keys = jax.random.split(jax.random.key(0), 400)
    changed = jax.vmap(lambda key: augment(image, key, config=config, motion=FLOW))(keys)
    flipped = (np.asarray(changed) == np.asarray(flip(image, motion=FLOW))).all((1, 2, 3))
    same = (np.asarray(changed) == np.asarray(image)).all((1, 2, 3))
    assert (flipped ^ same).all()
    assert 160 < flipped.sum() < 240


def test_magnitude_and_noise_stay_in_their_ranges():
    keys = jax.random.split(jax.random.key(0), 300)
    ones = jnp.ones((2, 2, 3))
    quiet = {"flip": False, "shift": 0.0, "rotation": 0.0, "scale": 0.0}
    strong = AugmentConfig(**quiet, magnitude=0.2)
    values = np.asarray(jax.vmap(lambda key: augment(ones, key, config=strong, motion=FLOW))(keys))[
        :, 0, 0, 0
    ]
    assert 0.8 <= values.min() < 0.83
    assert 1.17 < values.max() <= 1.2
    noisy = AugmentConfig(**quiet, noise=0.5)
    scale = jnp.array([1.0, 2.0, 4.0])
    values = np.asarray(
        jax.vmap(
            lambda key: augment(ones, key, config=noisy, motion=FLOW, noise_scale=scale)
        )(keys)
    )  # fmt: skip
    np.testing.assert_allclose(values.std((0, 1, 2)), [0.5, 1.0, 2.0], rtol=0.1)


@pytest.mark.parametrize(
    "setting", [{"shift": -0.1}, {"rotation": 181.0}, {"scale": 1.0}, {"noise": float("nan")}]
)
def test_ranges_are_checked(setting):
    with pytest.raises(ConfigError, match=rf"augment\.{next(iter(setting))} is"):
        AugmentConfig(**setting)
