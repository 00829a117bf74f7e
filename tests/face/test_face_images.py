import numpy as np
import pytest

from mace.errors import DataError
from mace.face.images import to_gray


def test_grey_image_is_returned_itself():
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert to_gray(image) is image
    np.testing.assert_array_equal(to_gray(image[:, :, None]), image)


def test_strided_image_becomes_contiguous():
    image = np.arange(24, dtype=np.uint8).reshape(4, 6)[:, ::2]
    assert to_gray(image).flags.c_contiguous
    np.testing.assert_array_equal(to_gray(image), image)


@pytest.mark.parametrize("channels", [3, 4])
def test_colour_is_weighted_as_the_eye_does(channels):
    image = np.zeros((1, 3, channels), np.uint8)
    image[0, [0, 1, 2], [0, 1, 2]] = 200  # a blue, a green and a red pixel
    np.testing.assert_array_equal(to_gray(image), [[23, 117, 60]])


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (None, "NoneType"),
        ([[1, 2]], "list"),
        (np.zeros((4, 4)), "float64"),
        (np.zeros((4, 4), np.uint16), "uint16"),
        (np.zeros((0, 4), np.uint8), "shape"),
        (np.zeros(4, np.uint8), "shape"),
        (np.zeros((2, 4, 4, 3), np.uint8), "shape"),
        (np.zeros((4, 4, 2), np.uint8), "got 2"),
    ],
)
def test_anything_else_is_refused(image, says):
    with pytest.raises(DataError, match=says):
        to_gray(image)
