"""The model of flow estimators: fitted to made-up estimators whose errors are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mace.datasets.synthetic.pairs import canvas
from mace.datasets.synthetic.pairs.fit_noise import compare, fit_estimators, sample
from mace.datasets.synthetic.pairs.noise import (
    blurred,
    estimator_model,
    load_model,
    measured_fields,
    save_model,
    stretch_matrix,
)
from mace.errors import ConfigError

_SIDE = canvas.CELLS


def motions(count: int, seed: int) -> np.ndarray:
    """Bumps of motion of log-uniform strength, in places and directions of their own."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:_SIDE, :_SIDE]
    fields = np.zeros((count, _SIDE, _SIDE, 2), np.float32)
    for k in range(count):
        for _ in range(3):
            row, column = rng.uniform(15, 50, 2)
            bump = np.exp(-((y - row) ** 2 + (x - column) ** 2) / 2 / rng.uniform(3, 8) ** 2)
            fields[k] += bump[..., None] * rng.normal(0, 1, 2)
        fields[k] *= np.exp(rng.uniform(-1.5, 0.7))
    return fields


def estimated(exact: np.ndarray, seed: int) -> np.ndarray:
    """A gain of 0.7, some blur, and smooth errors that grow with the motion and downwards."""
    rng = np.random.default_rng(seed)
    smooth = jax.jit(jax.vmap(lambda maps: blurred(maps, 2.5)))
    parts = np.moveaxis(exact, -1, 1)
    noise = np.asarray(smooth(jnp.asarray(rng.normal(0, 8, parts.shape), jnp.float32)))
    place = np.linspace(0.5, 1.5, _SIDE)[:, None]
    strength = 0.05 + 0.2 * np.sqrt((parts**2).mean((1, 2, 3), keepdims=True))
    each = np.exp(rng.normal(0, 0.4, (len(exact), 1, 1, 1)))
    measured = 0.5 * parts + 0.2 * np.asarray(smooth(parts)) + noise * place * strength * each
    return np.moveaxis(measured, 1, -1).astype(np.float32)


@pytest.fixture(scope="module")
def fitted():
    exact = motions(240, 1)
    measured = {"one": estimated(exact, 2), "two": exact.copy()}
    return fit_estimators(exact, measured, patterns=72, table=64)


def test_sampled_errors_are_like_real_ones_on_new_motions(fitted):
    exact = motions(80, 3)
    real = estimated(exact, 4)
    result = compare(exact, real, sample(fitted, exact, "one"))
    assert result.map_correlation > 0.8
    assert 0.8 < result.size < 1.25
    # Only the longest waves: patterns this few cannot hold all of such short-ranged errors.
    assert 0.55 < result.bands[0] < 1.7
    assert result.slope[1] == pytest.approx(result.slope[0], abs=0.06)
    assert result.correlation[1] == pytest.approx(result.correlation[0], abs=0.08)


def test_a_perfect_estimator_is_found_perfect(fitted):
    exact = motions(20, 5)
    again = sample(fitted, exact, "two")
    assert np.abs(again - exact).max() < 0.1 * np.abs(exact).max()


def test_exact_leaves_fields_alone_beside_others(fitted):
    exact = jnp.asarray(motions(2, 6))
    numbers = jnp.array([fitted.index("exact"), fitted.index("one")], jnp.int32)
    out = np.asarray(measured_fields(jax.random.key(0), exact, fitted, estimator=numbers))
    np.testing.assert_array_equal(out[0], exact[0])
    assert np.abs(out[1] - np.asarray(exact[1])).max() > 0.01
    with pytest.raises(ConfigError, match="unknown estimator 'three'"):
        fitted.index("three")


def test_the_stored_model_is_nearly_the_fitted_one(fitted, tmp_path):
    save_model(fitted, tmp_path / "model.npz")
    again = load_model(tmp_path / "model.npz")
    assert again.names == fitted.names
    for one, other in zip(jax.tree.leaves(fitted), jax.tree.leaves(again), strict=True):
        np.testing.assert_allclose(one, other, atol=0.01 * np.abs(one).max())


def test_maps_are_stretched_between_their_middles():
    matrix = stretch_matrix(2, 4)
    np.testing.assert_allclose(matrix @ [0, 1], [0, 0.25, 0.75, 1])


def test_the_shipped_model_samples_inside_a_jitted_step():
    model = estimator_model()
    assert model.names == ("dis", "dis-medium", "farneback", "tvl1")
    # The whole face moves by about 1 px, as in a crop that does not follow the head.
    shape = np.zeros((_SIDE, _SIDE, 2), np.float32)
    shape[5:60, 14:50] = (1.0, -0.7)
    exact = jnp.asarray(np.stack([shape] * 5))

    @jax.jit
    def step(key, exact):
        return measured_fields(key, exact, model, estimator=jnp.arange(5, dtype=jnp.int32))

    one, other = (np.asarray(step(jax.random.key(k), exact)) for k in (0, 1))
    assert one.dtype == np.float32
    assert np.isfinite(one).all()
    np.testing.assert_array_equal(one[4], exact[4])
    for k in range(4):
        middle = np.stack([one, other])[:, k, 15:50, 20:44].mean((0, 1, 2))
        np.testing.assert_allclose(middle, (1.0, -0.7), atol=0.4)
        assert np.abs(one[k] - other[k]).max() > 0.02
