from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mace.errors import ConfigError
from mace.motion.conventions import (
    CANVAS,
    EYE_DISTANCE,
    EYE_HEIGHT,
    OWN_FRAMING,
    OWN_WINDOW,
    PUBLIC_WINDOW,
    ConventionConfig,
    channels_of,
    cut,
    present,
    window_of,
)
from mace.prediction import normalise

pytestmark = pytest.mark.accelerator

CELLS = 64
STILL = ConventionConfig(jitter=0.0, loose=0.0)


def canvas_coordinates(cells: int = CELLS) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y in eye distances at the middles of the canvas' cells."""
    place = (np.arange(cells) + 0.5) * CANVAS / cells - 0.5
    x, y = np.meshgrid(place - (CANVAS - 1) / 2, place - EYE_HEIGHT)
    return (x / EYE_DISTANCE).astype(np.float32), (y / EYE_DISTANCE).astype(np.float32)


@pytest.mark.parametrize("window", [OWN_WINDOW, PUBLIC_WINDOW, (-0.5, -0.5, 0.5, 0.5)])
def test_a_window_shows_the_place_that_it_names(window):
    image = np.stack(canvas_coordinates(), axis=-1)[None]
    found = cut(jnp.asarray(image), jnp.asarray([window]), size=28)[0]
    left, top, right, bottom = window
    middles = (np.arange(28) + 0.5) / 28
    # Averaging under a triangle leaves a linear ramp as it is, but for the border of the canvas.
    inner = slice(2, -2)
    np.testing.assert_allclose(
        found[14, inner, 0], left + middles[inner] * (right - left), atol=0.02
    )
    np.testing.assert_allclose(
        found[inner, 14, 1], top + middles[inner] * (bottom - top), atol=0.02
    )


def test_the_own_window_lies_within_the_crop_of_the_face_correction():
    # The crop of 128 px is columns 16 to 144 and rows 12 to 140 of the canvas.
    left, top, right, bottom = np.array(OWN_WINDOW) * EYE_DISTANCE
    middle = (CANVAS - 1) / 2 + 0.5
    assert middle + left >= 16
    assert middle + right <= 144
    assert EYE_HEIGHT + 0.5 + top >= 12
    assert EYE_HEIGHT + 0.5 + bottom <= 140


def test_a_framing_of_the_crop_is_a_window_of_the_canvas():
    np.testing.assert_allclose(window_of((0.06, 0.144, 0.94, 0.996)), OWN_WINDOW, atol=0.001)
    left, top, right, bottom = window_of((0.0, 0.0, 1.0, 1.0))
    assert -left == right == pytest.approx(128 / 2 / EYE_DISTANCE)
    # The correction puts the eyes 0.36 of the crop below its upper edge, pixel centres at integers.
    assert top == pytest.approx(-(0.36 * 128 + 0.5) / EYE_DISTANCE)
    assert bottom - top == pytest.approx(128 / EYE_DISTANCE)


def test_windows_may_be_given():
    x, y = canvas_coordinates()
    fields = jnp.asarray(np.stack([x, y], -1))[None]
    config = replace(STILL, public=1.0)
    window = (-0.5, -0.5, 0.5, 0.5)
    found = present(fields, jax.random.key(0), config=config, windows=(window, OWN_WINDOW))
    assert np.abs(found[..., :2]).max() < 0.5
    assert np.abs(found[..., :2]).max() > 0.45


def test_the_framing_of_our_crop_is_our_window():
    np.testing.assert_allclose(window_of(OWN_FRAMING), OWN_WINDOW, atol=0.01)


def test_strain_of_a_uniform_stretch_is_its_share_of_a_pixel():
    x, _ = canvas_coordinates()
    field = np.stack([0.02 * x * EYE_DISTANCE, np.zeros_like(x)], axis=-1)
    strain = channels_of(jnp.asarray(field))[..., 2]
    np.testing.assert_allclose(strain, 0.2, atol=1e-4)  # in tenths


def test_the_public_part_keeps_head_motion_and_our_part_loses_it():
    x, y = canvas_coordinates()
    turning = np.stack([0.5 - 0.1 * y, 0.3 + 0.1 * x], axis=-1)
    fields = jnp.asarray(np.tile(turning, (4, 1, 1, 1)))
    images = present(fields, jax.random.key(0), config=STILL)
    assert np.abs(images[:2, ..., :2]).max() > 0.3
    assert np.abs(images[2:]).max() < 1e-3


def test_a_stretched_channel_is_normalised_to_what_the_raw_one_is():
    fields = jax.random.normal(jax.random.key(1), (4, CELLS, CELLS, 2))
    raw = present(fields, jax.random.key(2), config=STILL)
    low, high = raw.min((1, 2), keepdims=True), raw.max((1, 2), keepdims=True)
    stretched = jnp.round(255 * (raw - low) / (high - low))
    one, nothing = jnp.ones(3), jnp.zeros(3)
    np.testing.assert_allclose(
        normalise(stretched, nothing, one, kind="image"),
        normalise(raw, nothing, one, kind="image"),
        atol=0.02,
    )


@pytest.mark.slow
def test_presenting_is_a_function_of_the_key_and_the_same_under_jit():
    fields = jax.random.normal(jax.random.key(1), (6, CELLS, CELLS, 2))
    config = ConventionConfig()
    first = present(fields, jax.random.key(3), config=config)
    again = jax.jit(lambda f, k: present(f, k, config=config))(fields, jax.random.key(3))
    other = present(fields, jax.random.key(4), config=config)
    np.testing.assert_allclose(first, again, atol=1e-4)
    assert np.abs(first - other).max() > 0.1


@pytest.mark.parametrize(
    ("changes", "named"), [({"public": 1.2}, "public"), ({"jitter": -0.1}, "jitter")]
)
def test_an_impossible_range_is_named(changes, named):
    with pytest.raises(ConfigError, match=named):
        ConventionConfig(**changes)
