import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import jaxtyped
from typechecking import typechecker

from mace.models import conv, head, stem

pytestmark = pytest.mark.accelerator


def plain_conv(x, kernel, stride, dilation):
    """The definition, in NumPy: out[b, i, j, o] = sum over taps of padded x times kernel."""
    x, kernel = np.asarray(x, np.float64), np.asarray(kernel, np.float64)
    pad = dilation * (kernel.shape[0] - 1) // 2
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    out = 0
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            window = padded[:, i * dilation :, j * dilation :]
            window = window[:, : x.shape[1] : stride, : x.shape[2] : stride]
            out = out + window @ kernel[i, j]
    return out


CASES = pytest.mark.parametrize(
    ("size", "side", "stride", "dilation"),
    [(8, 1, 1, 1), (9, 3, 1, 3), (8, 3, 2, 1), (9, 3, 2, 1), (2, 3, 1, 1), (4, 3, 2, 1)],
)


@CASES
def test_convolution_is_its_definition(size, side, stride, dilation):
    x = jax.random.normal(jax.random.key(0), (2, size, size, 3))
    kernel = jax.random.normal(jax.random.key(1), (side, side, 3, 4))
    checked = jaxtyped(typechecker=typechecker)(conv.conv2d)
    y = checked(x, kernel, stride=stride, dilation=dilation)
    np.testing.assert_allclose(y, plain_conv(x, kernel, stride, dilation), atol=1e-4)


@CASES
@pytest.mark.parametrize("size_of_cache", [0, 10**9], ids=["native", "shifted"])
def test_gradient_is_that_of_the_plain_convolution(
    monkeypatch, size, side, stride, dilation, size_of_cache
):
    monkeypatch.setattr(conv, "CACHED_BYTES", size_of_cache)
    x = jax.random.normal(jax.random.key(0), (2, size, size, 3))
    kernel = jax.random.normal(jax.random.key(1), (side, side, 3, 4))

    def gradients(function):
        def total(x, kernel):
            y = function(x, kernel, stride=stride, dilation=dilation)
            return (y * jnp.cos(y)).sum()

        return jax.jit(jax.grad(total, argnums=(0, 1)))(x, kernel)

    ours, plain = gradients(conv.conv2d), gradients(conv.native_conv)
    for a, b in zip(ours, plain, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-3)


@pytest.mark.parametrize("height", [1, 2, 3])
@pytest.mark.parametrize(("dilation", "channels"), [(1, (2, 3)), (3, (1, 4))])
def test_tiny_maps_are_the_plain_convolution(height, dilation, channels):
    x = jax.random.normal(jax.random.key(0), (2, height, 2, channels[0]))
    kernel = jax.random.normal(jax.random.key(1), (3, 3, *channels))

    def with_gradients(function):
        def total(x, kernel):
            y = function(x, kernel, dilation=dilation)
            return (y * jnp.cos(y)).sum(), y

        return jax.jit(jax.grad(total, argnums=(0, 1), has_aux=True))(x, kernel)

    ours, plain = with_gradients(conv.conv2d), with_gradients(conv.native_conv)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(plain), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


@pytest.mark.parametrize(("side", "native"), [(2, False), (3, True)])
def test_only_tiny_maps_are_products_in_either_form(side, native):
    x, kernel = jnp.ones((1, side, side, 4)), jnp.ones((3, 3, 4, 4))
    assert ("conv_general_dilated" in str(jax.make_jaxpr(conv.conv2d)(x, kernel))) == native


@pytest.mark.parametrize(
    ("output", "kernel", "stride", "copies"),
    [
        ((32, 16, 16, 16), (3, 3, 16, 16), 1, True),  # 4.7 MB fit the cache
        ((32, 16, 16, 32), (3, 3, 16, 32), 1, False),  # 9.4 MB do not
        ((32, 16, 16, 32), (3, 3, 16, 32), 2, True),  # with a stride it is the input's channels
        ((32, 16, 16, 128), (3, 3, 16, 128), 1, True),  # 38 MB, but wide
        ((32, 128, 128, 128), (3, 3, 16, 128), 1, False),  # 2.4 GB
    ],
)
def test_copies_are_taken_where_they_fit_the_cache_or_are_wide(output, kernel, stride, copies):
    assert conv.takes_copies(output, kernel, stride=stride) == copies


def test_depthwise_is_the_grouped_convolution():
    x = jax.random.normal(jax.random.key(0), (2, 9, 8, 4))
    kernel = jax.random.normal(jax.random.key(1), (3, 3, 1, 4))
    depthwise = jax.jit(functools.partial(conv.depthwise, dilation=3))
    grouped = conv.native_conv(x, kernel, dilation=3, groups=4)
    np.testing.assert_allclose(depthwise(x, kernel), grouped, atol=1e-5)


@pytest.mark.parametrize(("size", "grid"), [(8, 4), (7, 4), (2, 4)])
def test_grid_cells_are_means(size, grid):
    x = jax.random.normal(jax.random.key(0), (1, size, size, 2))
    cells, x = np.asarray(head.grid_pool(x, grid=grid)), np.asarray(x)
    for i in range(grid):
        for j in range(grid):
            rows = slice(i * size // grid, -(-(i + 1) * size // grid))
            columns = slice(j * size // grid, -(-(j + 1) * size // grid))
            np.testing.assert_allclose(cells[0, i, j], x[0, rows, columns].mean((0, 1)), atol=1e-5)


@pytest.mark.parametrize("kind", ["average", "max", "attention"])
def test_global_heads_forget_the_place_and_the_grid_keeps_it(kind):
    image = jnp.zeros((1, 8, 8, 2)).at[0, 1, 1].set(1.0)
    moved = jnp.roll(image, 5, axis=1)

    def pooled(kind, x):
        module = head.Head(classes=2, units=0, kind=kind, grid=4, dropout=0.0, train=False)
        variables = module.init(jax.random.key(0), x)
        return module.apply(variables, x)[1]["pooled"]

    np.testing.assert_allclose(pooled(kind, image), pooled(kind, moved), atol=1e-6)
    assert not np.allclose(pooled("grid", image), pooled("grid", moved))


def test_space_to_depth_keeps_every_pixel():
    x = jnp.arange(2 * 5 * 6 * 1, dtype=jnp.float32).reshape(2, 5, 6, 1)
    folded = stem.space_to_depth(x, block=4)
    assert folded.shape == (2, 2, 2, 16)
    assert float(folded.sum()) == float(x.sum())
    np.testing.assert_array_equal(folded[0, 0, 0], x[0, :4, :4, 0].ravel())


def test_coordinates_run_from_minus_one_to_one():
    x = stem.append_coordinates(jnp.zeros((1, 3, 5, 1)))
    np.testing.assert_allclose(x[0, 0, :, 1], [-1, -0.5, 0, 0.5, 1])
    np.testing.assert_allclose(x[0, :, 0, 2], [-1, 0, 1])


@pytest.mark.parametrize(
    ("inputs", "outputs", "stride", "dilation"),
    [(3, 16, 1, 1), (4, 6, 1, 2), (4, 6, 2, 1), (6, 4, 1, 3), (2, 8, 2, 1)],
)
def test_convolution_as_products(inputs, outputs, stride, dilation):
    keys = jax.random.split(jax.random.key(0), 3)
    x = jax.random.normal(keys[0], (2, 9, 7, inputs))
    kernel = jax.random.normal(keys[1], (3, 3, inputs, outputs))

    def convolve(x, kernel, form):
        return conv.conv2d(x, kernel, stride=stride, dilation=dilation, form=form)

    def run(form):
        def value(x, kernel):
            y = convolve(x, kernel, form)
            weight = jnp.cos(jnp.arange(y.size, dtype=jnp.float32)).reshape(y.shape)
            return (y * weight).sum(), y

        return jax.value_and_grad(value, argnums=(0, 1), has_aux=True)(x, kernel)

    (_, expected), gradients = run("native")
    (_, found), ours = run("products")
    kernels = jnp.stack([kernel, 2 * kernel])
    mapped = jax.vmap(lambda kernel: convolve(x, kernel, "products"))(kernels)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    np.testing.assert_allclose(mapped, jnp.stack([expected, 2 * expected]), atol=2e-4)
    for one, other in zip(ours, gradients, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
