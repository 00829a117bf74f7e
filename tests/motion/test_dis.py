import cv2
import numpy as np
import pytest

from mace.errors import DataError
from mace.motion import dis_flow


def test_flow_follows_the_known_field(pairs):
    references, targets, fields = pairs
    flow = dis_flow(references, targets)
    assert flow.shape == fields.shape
    assert flow.dtype == np.float32
    for measured, truth in zip(flow, fields, strict=True):
        assert np.corrcoef(measured.ravel(), truth.ravel())[0, 1] > 0.8


def test_a_shift_to_the_right_and_down_is_positive():
    rng = np.random.default_rng(0)
    texture = cv2.GaussianBlur(rng.integers(0, 256, (140, 140)).astype(np.uint8), (0, 0), 2)
    flow = dis_flow(texture[None, 6:134, 6:134], texture[None, 4:132, 5:133])
    np.testing.assert_allclose(np.median(flow[0], axis=(0, 1)), [1, 2], atol=0.05)


def test_a_pair_gives_the_same_bits_alone_in_any_order_and_with_any_threads(pairs):
    references, targets, _ = pairs
    together = dis_flow(references, targets)
    dis_flow(references[:, ::5, ::5], targets[:, ::5, ::5])  # small ones change OpenCV's settings
    backwards = dis_flow(references[::-1], targets[::-1])[::-1]
    np.testing.assert_array_equal(backwards, together)
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        np.testing.assert_array_equal(dis_flow(references[2:3], targets[2:3])[0], together[2])
        cv2.setNumThreads(4)
        np.testing.assert_array_equal(dis_flow(references[2:3], targets[2:3])[0], together[2])
    finally:
        cv2.setNumThreads(threads)


def test_equal_frames_do_not_move(pairs):
    references, _, _ = pairs
    assert np.abs(dis_flow(references, references)).max() < 1e-3


def test_tiny_crops_are_refused():
    tiny = np.zeros((1, 8, 8), np.uint8)
    with pytest.raises(DataError, match="8 by 8 px"):
        dis_flow(tiny, tiny)
