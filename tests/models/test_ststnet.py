"""STSTNet against Liong et al. 2019's description, computed the plain way."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from mace.models import MODELS, apply_model, apply_train, count_parameters, init_model, make_model
from mace.models.ststnet import max_pool3

CONFIG = MODELS["ststnet"]


def network(classes=3, size=28):
    model = make_model(CONFIG, classes)
    return model, init_model(model, jax.random.key(0), (size, size, 3))


def test_number_of_weights():
    _, variables = network()
    assert count_parameters({"params": variables["params"]["stem"]}) == 448
    assert count_parameters(variables) == 448 + 400 * 3 + 3


def test_three_streams_one_after_the_other():
    model, variables = network()
    rng = np.random.default_rng(0)
    variables = jax.tree.map(
        lambda leaf: leaf + rng.normal(scale=0.1, size=leaf.shape).astype(np.float32), variables
    )
    x = jnp.asarray(rng.normal(size=(2, 28, 28, 3)).astype(np.float32))
    stem, head = variables["params"]["stem"], variables["params"]["head"]["classes"]
    maps = []
    for i in (1, 2, 3):
        y = lax.conv_general_dilated(
            x,
            stem[f"stream{i}_kernel"],
            (1, 1),
            "SAME",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        y = jnp.maximum(y + stem[f"stream{i}_bias"], 0.0)
        maps.append(
            lax.reduce_window(
                y, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 3, 3, 1), ((0, 0), (1, 1), (1, 1), (0, 0))
            )
        )
    joined = jnp.concatenate(maps, -1)
    assert joined.shape == (2, 10, 10, 16)
    averaged = joined.reshape(2, 5, 2, 5, 2, 16).mean((2, 4)).reshape(2, 400)
    expected = averaged @ head["kernel"] + head["bias"]
    found, out = apply_model(model, variables, x)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(out["features"], joined, atol=1e-5)


@pytest.mark.parametrize("size", [1, 2, 5, 27, 29, 30])
def test_maximum_for_any_size(size):
    x = jax.random.normal(jax.random.key(size), (1, size, size + 1, 2))
    padding = ((0, 0), (1, 1), (1, 1), (0, 0))
    expected = lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 3, 3, 1), padding)
    np.testing.assert_array_equal(max_pool3(x), expected)


def test_dropout_only_in_training():
    model, variables = network(size=20)
    x = jnp.ones((2, 20, 20, 3))
    straight, _ = apply_model(model, variables, x)
    dropped, _, statistics = apply_train(model, variables, x, jax.random.key(1))
    assert statistics == {}
    assert not np.allclose(straight, dropped)
    np.testing.assert_array_equal(straight, apply_model(model, variables, x)[0])


@pytest.mark.parametrize("size", [3, 28, 30])
def test_gradient_of_the_maximum(size):
    x = jax.random.normal(jax.random.key(size), (2, size, size, 2))
    padding = ((0, 0), (1, 1), (1, 1), (0, 0))

    def plain(x):
        y = lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 3, 3, 1), padding)
        return (y**3).sum()

    found = jax.grad(lambda x: (max_pool3(x) ** 3).sum())(x)
    np.testing.assert_allclose(found, jax.grad(plain)(x), rtol=1e-6)
    # Of equal values one gets it all.
    flat = jax.grad(lambda x: max_pool3(x).sum())(jnp.ones((1, 4, 4, 1)))
    assert float(flat.sum()) == 4.0
