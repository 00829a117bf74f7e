import jax.numpy as jnp
import numpy as np
import pytest

from mace.motion.detrend import _solve, remove_head_motion

pytestmark = pytest.mark.accelerator


def grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:size, :size].astype(np.float32)
    return x, y


def affine_fields(size: int) -> np.ndarray:
    x, y = grid(size)
    shifts = np.stack([np.full_like(x, 1.25), np.full_like(x, -0.5)], axis=-1)
    scale = 128 / size
    general = np.stack(
        [0.6 + scale * (0.01 * x - 0.004 * y), -1 + scale * (0.003 * x + 0.02 * y)], axis=-1
    )
    return np.stack([shifts, general])


def brow_raise(size: int) -> np.ndarray:
    """Return a local upward motion of 1 px over about a tenth of the face."""
    x, y = grid(size)
    across, along = (x / size - 0.35) / 0.12, (y / size - 0.3) / 0.08
    bump = np.exp(-(across**2) - along**2)
    return np.stack([np.zeros_like(bump), -bump], axis=-1)


@pytest.mark.parametrize("size", [28, 64, 100, 128])
def test_an_affine_field_is_removed_exactly(size):
    left = remove_head_motion(jnp.asarray(affine_fields(size)), method="affine")
    assert np.abs(left).max() < 2e-5


def test_median_removes_a_shift_and_keeps_the_rest():
    fields = affine_fields(128)
    left = np.asarray(remove_head_motion(jnp.asarray(fields), method="median"))
    assert np.abs(left[0]).max() < 1e-6
    kept, given = np.ptp(left[1], axis=(0, 1)), np.ptp(fields[1], axis=(0, 1))
    np.testing.assert_allclose(kept, given, atol=1e-5)


@pytest.mark.parametrize(("method", "loss"), [("median", 0.02), ("affine", 0.02)])
def test_a_local_bump_survives(method, loss):
    bump = brow_raise(128)
    moving = bump + affine_fields(128)[0 if method == "median" else 1]
    left = np.asarray(remove_head_motion(jnp.asarray(moving[None]), method=method))[0]
    assert np.abs(left - bump).max() < loss


def test_least_squares_alone_would_not_pass_the_bump_test():
    bump = brow_raise(128)
    x, y = grid(128)
    basis = np.stack([np.ones_like(x), x, y], axis=-1).reshape(-1, 3)
    fit = basis @ np.linalg.lstsq(basis, bump.reshape(-1, 2), rcond=None)[0]
    assert np.abs(fit).max() > 0.06


def test_none_changes_nothing_and_clips_do_not_mix():
    fields = jnp.asarray(affine_fields(64) + 0.2 * brow_raise(64))
    assert remove_head_motion(fields, method="none") is fields
    together = remove_head_motion(fields, method="affine")
    for index in range(2):
        alone = remove_head_motion(fields[index : index + 1], method="affine")
        np.testing.assert_allclose(alone[0], together[index], atol=1e-5)


def test_cofactors_solve_three_equations():
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(4, 3, 3))
    symmetric = factors @ factors.swapaxes(1, 2) + np.eye(3)
    right = rng.normal(size=(4, 2, 3))
    row, column = np.triu_indices(3)
    normal = jnp.asarray(symmetric[:, row, column], jnp.float32)
    found = _solve(normal, jnp.asarray(right, jnp.float32))
    expected = np.linalg.solve(symmetric[:, None], right[..., None])[..., 0]
    np.testing.assert_allclose(found, expected, atol=1e-5)
