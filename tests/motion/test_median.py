"""The median that does not sort."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mace.motion.median import median_of_positive

pytestmark = pytest.mark.accelerator


@pytest.mark.parametrize("count", [1, 2, 3, 8, 1023, 1024])
def test_the_same_bits_as_sorting_gives(count):
    values = np.abs(np.random.default_rng(count).normal(size=(5, count))).astype(np.float32)
    values[1] = 0.25
    values[2, : count // 2] = 0
    values[3] *= 1e-42  # subnormal, and 0
    values[4] *= 1e37
    # Compared as on the host: a device may take subnormal numbers for 0.
    expected = np.median(values, axis=-1).astype(np.float32)
    found = np.asarray(jax.jit(median_of_positive)(values))
    np.testing.assert_array_equal(found[[0, 1, 2, 4]], expected[[0, 1, 2, 4]])
    np.testing.assert_allclose(found[3], expected[3], atol=1e-38)


def test_it_can_be_mapped_and_takes_any_number_of_axes():
    values = jnp.asarray(np.random.default_rng(0).random((2, 3, 7), np.float32))
    expected = jnp.median(values, axis=-1)
    np.testing.assert_array_equal(median_of_positive(values), expected)
    np.testing.assert_array_equal(jax.vmap(median_of_positive)(values), expected)
