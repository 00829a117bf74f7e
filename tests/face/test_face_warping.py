import numpy as np
import pytest

from mace.face.config import CropConfig
from mace.face.similarity import apply, invert
from mace.face.warping import supersampling, visible_fraction, warp

CROP = CropConfig(size=32)
SHIFT = np.array([[1.0, 0.0, -10.0], [0.0, 1.0, -20.0]])


def test_whole_shifts_copy_pixels():
    gray = np.random.default_rng(0).integers(0, 256, (80, 90)).astype(np.uint8)
    np.testing.assert_array_equal(warp(gray, SHIFT, CROP, samples=1), gray[20:52, 10:42])


@pytest.mark.parametrize("samples", [1, 2, 3, 4])
def test_sampling_keeps_places(samples):
    """On a ramp every pixel tells the exact place it was sampled at."""
    x, y = np.meshgrid(np.arange(120), np.arange(120))
    transform = np.array([[0.5, 0.1, -7.3], [-0.1, 0.5, 4.1]])
    place = apply(invert(transform), np.argwhere(np.ones((32, 32)))[:, ::-1].astype(float))
    for ramp, truth in ((2 * x, place[:, 0]), (2 * y, place[:, 1])):
        crop = warp(np.clip(ramp, 0, 255).astype(np.uint8), transform, CROP, samples=samples)
        inside = (place > 3).all(1) & (place < 116).all(1)
        assert np.abs(crop.ravel()[inside] - 2 * truth[inside]).max() <= 1.0


def test_shrinking_does_not_alias():
    stripes = np.tile(np.array([0, 255], np.uint8), (200, 100))
    transform = np.array([[0.3, 0.0, 0.0], [0.0, 0.3, 0.0]])
    assert (
        warp(stripes, transform, CROP).std() < 25 < warp(stripes, transform, CROP, samples=1).std()
    )


@pytest.mark.parametrize(("scale", "samples"), [(2.0, 2), (1.0, 2), (0.55, 2), (0.3, 3), (0.1, 4)])
def test_small_scales_are_sampled_more(scale, samples):
    assert supersampling(np.array([[scale, 0, 0], [0, scale, 0]])) == samples


def test_beyond_the_border_the_edge_is_repeated():
    gray = np.full((40, 40), 90, np.uint8)
    gray[:, -1] = 200
    crop = warp(gray, np.array([[1.0, 0, -30], [0, 1, 0]]), CROP, samples=1)
    assert (crop[:, :9] == 90).all()
    assert (crop[:, 9:] == 200).all()


def test_visible_fraction_is_the_covered_area():
    assert visible_fraction(SHIFT, CROP, (60, 60)) == 1.0
    half = np.array([[1.0, 0, 16], [0, 1, 0]])  # the frame begins in the crop's middle
    assert visible_fraction(half, CROP, (60, 60)) == pytest.approx(0.5)
    outside = np.array([[1.0, 0, 100], [0, 1, 0]])
    assert visible_fraction(outside, CROP, (60, 60)) == 0.0
    double = np.array([[2.0, 0, 16.5], [0, 2, 16.5]])
    assert visible_fraction(double, CROP, (60, 60)) == pytest.approx(0.25)


@pytest.mark.parametrize("interpolation", ["linear", "cubic", "lanczos"])
def test_every_interpolation_reproduces_a_smooth_picture(interpolation):
    x, y = np.meshgrid(np.arange(90), np.arange(80))
    gray = (128 + 100 * np.sin(x / 9) * np.cos(y / 11)).round().astype(np.uint8)
    transform = np.array([[0.9, 0.1, -8.0], [-0.1, 0.9, -5.0]])
    crop = warp(gray, transform, CropConfig(size=32, interpolation=interpolation))
    place = apply(invert(transform), np.argwhere(np.ones((32, 32)))[:, ::-1].astype(float))
    truth = 128 + 100 * np.sin(place[:, 0] / 9) * np.cos(place[:, 1] / 11)
    assert np.sqrt(np.mean((crop.ravel() - truth) ** 2)) < 1.5
