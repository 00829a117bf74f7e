import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
import skimage.transform

from mace.motion.resample import (
    area_matrix,
    gaussian_matrix,
    linear_matrix,
    pyramid_matrix,
    resize,
    smooth,
)
from mace.motion.stencils import (
    backward_difference,
    derivative,
    forward_difference,
    median3x3,
)

pytestmark = pytest.mark.accelerator


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(0).random((57, 44)).astype(np.float32)


@pytest.mark.parametrize("maker", [area_matrix, linear_matrix])
@pytest.mark.parametrize(("n", "size"), [(128, 28), (128, 64), (128, 128), (100, 33), (28, 224)])
def test_resampling_keeps_a_constant(maker, n, size):
    matrix = maker(n, size)
    assert matrix.shape == (size, n)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-12)


def test_area_halving_is_the_mean_of_two():
    np.testing.assert_array_equal(area_matrix(4, 2), [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]])


def test_area_with_a_broken_ratio_shares_the_middle_pixel():
    np.testing.assert_allclose(area_matrix(3, 2), [[2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3]])


def test_area_average_keeps_the_mean(image):
    small = np.asarray(resize(jnp.asarray(image), 28))
    assert small.mean() == pytest.approx(image.mean(), abs=1e-6)


@pytest.mark.parametrize("shape", [(56, 84), (56, 57), (57, 56), (57, 44), (14, 56)])
def test_blocks_and_products_give_the_same_average(shape):
    image = np.random.default_rng(1).random((2, *shape)).astype(np.float32)
    expected = area_matrix(shape[0], 28) @ image @ area_matrix(shape[1], 28).T
    np.testing.assert_allclose(resize(jnp.asarray(image), 28), expected, atol=1e-6)


def test_gaussian_is_scipys(image):
    expected = scipy.ndimage.gaussian_filter(image.astype(float), 1.5)
    actual = gaussian_matrix(57, 1.5) @ image @ gaussian_matrix(44, 1.5).T
    np.testing.assert_allclose(actual, expected, atol=1e-12)
    np.testing.assert_allclose(smooth(jnp.asarray(image), 1.5), expected, atol=1e-6)


def test_pyramid_level_is_scikit_images(image):
    expected = skimage.transform.pyramid_reduce(image.astype(float), 2)
    actual = pyramid_matrix(57) @ image @ pyramid_matrix(44).T
    np.testing.assert_allclose(actual, expected, atol=1e-12)


def test_derivative_is_numpys_gradient(image):
    for axis in (0, 1):
        np.testing.assert_allclose(
            derivative(jnp.asarray(image), axis), np.gradient(image, axis=axis), atol=1e-6
        )


def test_backward_difference_is_minus_the_adjoint_of_the_forward_one():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 9, 7)).astype(np.float32)
    for axis in (0, 1):
        inner = np.moveaxis(b, axis, 0)
        inner[-1] = 0
        left = jnp.sum(forward_difference(jnp.asarray(a), axis) * b)
        right = -jnp.sum(a * backward_difference(jnp.asarray(b), axis))
        assert float(left) == pytest.approx(float(right), abs=1e-5)


def test_median_is_scipys(image):
    stack = np.stack([image, image[::-1]])
    expected = scipy.ndimage.median_filter(stack, [1, 3, 3])
    np.testing.assert_array_equal(jax.jit(median3x3)(jnp.asarray(stack)), expected)
