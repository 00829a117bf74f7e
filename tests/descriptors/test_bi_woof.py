"""Bi-WOOF: lengths, cases by hand, and what does not change it."""

import numpy as np
import pytest
from sklearn.base import clone

from mace.descriptors.bi_woof import BiWOOF


def random_images(count=3, side=28):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(count, side, side, 3))
    images[..., 2] = np.abs(images[..., 2])
    return images


def test_lengths_are_the_papers():
    assert BiWOOF().transform(random_images()).shape == (3, 5 * 5 * 8)
    assert BiWOOF(blocks=8).fit_transform(random_images()).shape == (3, 8 * 8 * 8)


@pytest.mark.parametrize(
    ("flow", "direction"),
    [((-1, -0.01), 0), ((0, -1), 2), ((1, 0), 4), ((1, 1), 5), ((0, 1), 6), ((-1, 0.01), 7)],
)
def test_a_direction_has_its_bin(flow, direction):
    image = np.zeros((1, 10, 10, 3))
    image[0, 4:6, 6:8] = *flow, 2.0  # block (2, 3) of 5 x 5
    expected = np.zeros(200)
    expected[(2 * 5 + 3) * 8 + direction] = 1
    np.testing.assert_allclose(BiWOOF().transform(image)[0], expected, atol=1e-7)


def test_lengths_weigh_within_a_block_and_strain_between_blocks():
    image = np.zeros((1, 4, 4, 3))
    image[0, 0, 0] = 3, 0, 1  # to the right, in the first block of 2 x 2
    image[0, 1, 1] = 0, 1, 2  # down, a third as long
    image[0, 3, 3] = -5, 0, 4  # to the left, in the last block
    features = BiWOOF(blocks=2, bins=4).transform(image)[0].reshape(4, 4)
    # Bins begin at -180, -90, 0 and 90 degrees. Strain sums to 3 and 4.
    raw = np.zeros((4, 4))
    raw[0, 2], raw[0, 3], raw[3, 0] = 3 * 3 / 4, 3 * 1 / 4, 4
    np.testing.assert_allclose(features, raw / np.sqrt(2.25**2 + 0.75**2 + 4**2), rtol=1e-6)


def test_neither_the_unit_of_flow_nor_that_of_strain_matters():
    images = random_images()
    expected = BiWOOF().transform(images)
    np.testing.assert_allclose(BiWOOF().transform(images * [7, 7, 0.1]), expected, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(expected, axis=1), 1, rtol=1e-6)


def test_a_mirrored_face_has_mirrored_features():
    images = random_images(side=30)
    mirrored = images[:, :, ::-1] * [-1, 1, 1]
    own, other = (BiWOOF().transform(some).reshape(-1, 5, 5, 8) for some in (images, mirrored))
    # Angle a becomes 180 - a: of the bins from -180 on, 0 and 3 change places, 4 and 7.
    turned = [3, 2, 1, 0, 7, 6, 5, 4]
    np.testing.assert_allclose(other, own[:, :, ::-1][..., turned], rtol=1e-5)


def test_a_still_face_is_nothing():
    assert not BiWOOF().transform(np.zeros((2, 28, 28, 3))).any()


def test_other_arrays_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match=r"takes motion images \(n, h, w, 3\) of u, v and"):
        BiWOOF().transform(np.zeros((2, 28, 28, 2)))
    with pytest.raises(ValueError, match=r"9 px a side or more; these are \(1, 8, 8, 3\)"):
        clone(BiWOOF(blocks=9)).fit(np.zeros((1, 8, 8, 3)))
