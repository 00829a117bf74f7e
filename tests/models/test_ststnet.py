"""STSTNet without batch norm against Liong et al. 2019's description, computed the plain way."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from mace.models.apply import apply_model, apply_train, count_parameters, init_model
from mace.models.conv import native_conv
from mace.models.conv_max import conv_max3
from mace.models.make import make_model
from mace.models.presets import MODELS

pytestmark = pytest.mark.accelerator

CONFIG = MODELS["ststnet_plain"]


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


def plain(x, kernel):
    """The layer as XLA has it: a convolution, then a reduction over windows."""
    padding = ((0, 0), (1, 1), (1, 1), (0, 0))
    y = native_conv(x, kernel)
    return lax.reduce_window(y, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 3, 3, 1), padding)


def layer(size):
    keys = jax.random.split(jax.random.key(size))
    return jax.random.normal(keys[0], (2, size, size + 1, 2)), jax.random.normal(
        keys[1], (3, 3, 2, 4)
    )


@pytest.mark.parametrize("size", [1, 2, 5, 27, 28, 29, 30])
def test_convolution_with_its_maximum(size):
    x, kernel = layer(size)
    np.testing.assert_allclose(conv_max3(x, kernel), plain(x, kernel), atol=1e-5)
    assert conv_max3(x.astype(jnp.bfloat16), kernel.astype(jnp.bfloat16)).dtype == jnp.bfloat16


@pytest.mark.parametrize("size", [2, 28, 29])
def test_gradients_of_convolution_with_its_maximum(size):
    def gradients(layer_of):
        return jax.jit(jax.grad(lambda x, k: (layer_of(x, k) ** 3).mean(), argnums=(0, 1)))

    x, kernel = layer(size)
    found, expected = gradients(conv_max3)(x, kernel), gradients(plain)(x, kernel)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6 * float(jnp.abs(other).max()), rtol=1e-5)
    # Mapped over several networks, as a population on an accelerator is.
    kernels = jnp.stack([kernel, -kernel])
    mapped = jax.vmap(gradients(conv_max3), (None, 0))(x, kernels)[1]
    np.testing.assert_allclose(mapped[0], found[1], atol=1e-6, rtol=1e-5)


def test_the_first_of_equal_values_gets_the_gradient():
    kernel = jnp.zeros((3, 3, 1, 1)).at[1, 1].set(1.0)
    found = jax.grad(lambda x: conv_max3(x, kernel).sum())(jnp.ones((1, 4, 4, 1)))
    first = np.zeros((4, 4))
    first[np.ix_([0, 2], [0, 2])] = 1
    np.testing.assert_array_equal(found[0, :, :, 0], first)


def test_dropout_only_in_training():
    model, variables = network(size=20)
    x = jnp.ones((2, 20, 20, 3))
    straight, _ = apply_model(model, variables, x)
    dropped, _, statistics = apply_train(model, variables, x, jax.random.key(1))
    assert statistics == {}
    assert not np.allclose(straight, dropped)
    np.testing.assert_array_equal(straight, apply_model(model, variables, x)[0])
