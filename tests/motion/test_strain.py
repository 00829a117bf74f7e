import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mace.motion.resample import cut
from mace.motion.strain import optical_strain

pytestmark = pytest.mark.accelerator


def linear_flow(matrix, shift=(0.0, 0.0)) -> np.ndarray:
    """Return the field (u, v) = shift + matrix @ (x, y) on 9 by 12 pixels."""
    y, x = np.mgrid[:9, :12].astype(np.float32)
    return np.stack([x, y], axis=-1) @ np.array(matrix, np.float32).T + np.array(shift, np.float32)


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ([[0, 0], [0, 0]], 0.0),  # translation
        ([[0, -0.02], [0.02, 0]], 0.0),  # infinitesimal rotation
        ([[0.1, 0], [0, 0]], 0.1),  # stretch along x
        ([[0, 0], [0, -0.1]], 0.1),  # squeeze along y
        ([[0.1, 0], [0, 0.1]], 0.1 * np.sqrt(2)),  # growth: both normal strains
        ([[0, 0.2], [0, 0]], 0.1 * np.sqrt(2)),  # simple shear: ε_xy = ε_yx = 0.1
        ([[0.3, 0.1], [0.5, -0.4]], np.sqrt(0.09 + 0.16 + 2 * 0.09)),
    ],
)
def test_strain_of_a_linear_field_is_exact_everywhere(matrix, expected):
    strain = optical_strain(jnp.asarray(linear_flow(matrix, shift=(1.5, -0.5))))
    assert strain.shape == (9, 12)
    np.testing.assert_allclose(strain, expected, atol=2e-6)


def test_strain_ignores_which_way_the_skin_moves():
    flow = jnp.asarray(linear_flow([[0.3, 0.1], [0.5, -0.4]]))
    np.testing.assert_array_equal(optical_strain(flow), optical_strain(-flow))


def test_jit_equals_eager_and_leading_axes_are_free():
    flow = jnp.asarray(np.random.default_rng(0).normal(size=(2, 3, 8, 8, 2)), jnp.float32)
    strain = optical_strain(flow)
    assert strain.shape == (2, 3, 8, 8)
    np.testing.assert_allclose(jax.jit(optical_strain)(flow), strain, rtol=1e-6)
    np.testing.assert_allclose(optical_strain(flow[1, 2]), strain[1, 2], rtol=1e-6)


@pytest.mark.parametrize("framing", [(0.2, 0.3, 0.8, 0.7), (0.0, 0.2, 0.7, 1.0)])
def test_strain_in_a_window_is_that_of_the_whole_field(framing):
    flow = jnp.asarray(np.random.default_rng(2).normal(size=(2, 20, 30, 2)).astype(np.float32))
    whole = cut(optical_strain(flow), framing)
    np.testing.assert_allclose(optical_strain(flow, framing=framing), whole, rtol=1e-6)
