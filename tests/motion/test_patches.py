from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from mace.errors import DataError
from mace.motion.patches import patch_flow


def texture(seed: int, size: int = 140) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return cv2.GaussianBlur(rng.integers(0, 256, (size, size)).astype(np.uint8), (0, 0), 2)


def averaged(flow: np.ndarray) -> np.ndarray:
    """Return what is left of a field once a network's input is made of it."""
    return cv2.resize(flow, (28, 28), interpolation=cv2.INTER_AREA).ravel()


def test_flow_follows_the_known_field(pairs):
    references, targets, fields = pairs
    flow = patch_flow(references, targets)
    assert flow.shape == fields.shape
    assert flow.dtype == np.float32
    for measured, truth in zip(flow, fields, strict=True):
        small, exact = averaged(measured), averaged(truth)
        assert np.corrcoef(small, exact)[0, 1] > 0.9
        assert 0.8 < small @ exact / (exact @ exact) < 1.2


@pytest.mark.parametrize("shift", [(1, 2), (-3, 0), (5, -4)])
def test_a_shift_to_the_right_and_down_is_positive(shift):
    image, (x, y) = texture(0), shift
    target = image[6 - y : 134 - y, 6 - x : 134 - x]
    flow = patch_flow(image[None, 6:134, 6:134], target[None])
    np.testing.assert_allclose(np.median(flow[0], axis=(0, 1)), shift, atol=0.02)


def test_a_shift_by_part_of_a_pixel_is_found():
    image = texture(1)
    moved = cv2.warpAffine(image, np.array([[1, 0, 0.6], [0, 1, -0.3]]), image.shape[::-1])
    inner = slice(6, 134)
    flow = patch_flow(image[None, inner, inner], moved[None, inner, inner])
    np.testing.assert_allclose(np.median(flow[0], axis=(0, 1)), [0.6, -0.3], atol=0.02)


def test_a_pair_gives_the_same_bits_alone_in_any_order_and_in_any_thread(pairs):
    references, targets, _ = pairs
    together = patch_flow(references, targets)
    np.testing.assert_array_equal(patch_flow(references[::-1], targets[::-1])[::-1], together)
    with ThreadPoolExecutor(4) as threads:
        alone = threads.map(patch_flow, references[:, None], targets[:, None])
        np.testing.assert_array_equal(np.concatenate(list(alone)), together)


def test_references_of_the_same_pixels_and_another_shape_are_not_taken_for_each_other():
    image = texture(2)[:64, :128]
    wide, tall = image, image.reshape(128, 64)
    flows = [patch_flow(one[None], np.roll(one, 1, axis=1)[None]) for one in (wide, tall)]
    assert [flow.shape[1:3] for flow in flows] == [(64, 128), (128, 64)]


def test_equal_frames_do_not_move(pairs):
    references, _, _ = pairs
    assert np.abs(patch_flow(references, references)).max() < 1e-4


def test_where_there_is_nothing_to_hold_on_to_nothing_moves():
    flat = np.full((1, 64, 64), 120, np.uint8)
    noise = np.random.default_rng(0).normal(0, 1.5, flat.shape)
    flow = patch_flow(flat, (flat + noise).astype(np.uint8))
    np.testing.assert_allclose(flow, 0, atol=1e-3)


def test_black_and_white_and_gone_give_numbers(pairs):
    references, targets, _ = pairs
    extremes = np.stack([np.zeros_like(targets[0]), np.full_like(targets[0], 255), targets[0].T])
    flow = patch_flow(np.repeat(references[:1], 3, axis=0), extremes)
    assert np.isfinite(flow).all()
    # A patch that is lost on every scale has left its place by this much at most.
    assert np.abs(flow).max() < 8 * (1 + 2 + 4)


@pytest.mark.parametrize("shape", [(16, 16), (17, 23), (63, 65), (224, 224), (100, 129)])
def test_any_size_is_covered_up_to_its_edges(shape):
    image = texture(3, 240)
    height, width = shape
    reference = image[4 : 4 + height, 4 : 4 + width]
    target = image[4 : 4 + height, 3 : 3 + width]
    flow = patch_flow(reference[None], target[None])
    assert flow.shape == (1, *shape, 2)
    assert np.isfinite(flow).all()
    np.testing.assert_allclose(np.median(flow[0], axis=(0, 1)), [1, 0], atol=0.1)


def test_tiny_crops_are_refused():
    tiny = np.zeros((1, 15, 20), np.uint8)
    with pytest.raises(DataError, match="20 by 15 px"):
        patch_flow(tiny, tiny)


def test_no_pairs_give_no_flow():
    none = np.empty((0, 32, 32), np.uint8)
    assert patch_flow(none, none).shape == (0, 32, 32, 2)
