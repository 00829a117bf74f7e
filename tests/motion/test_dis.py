import functools
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from mace.errors import ConfigError, DataError
from mace.motion.config import DisConfig
from mace.motion.dis import dis_flow


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


@pytest.mark.parametrize("config", [DisConfig(), DisConfig(1, 3, 25, True)])
def test_a_pair_gives_the_same_bits_alone_in_any_order_and_with_any_threads(pairs, config):
    references, targets, _ = pairs
    flow = functools.partial(dis_flow, config=config)
    together = flow(references, targets)
    flow(references[:, ::5, ::5], targets[:, ::5, ::5])  # small ones change OpenCV's settings
    backwards = flow(references[::-1], targets[::-1])[::-1]
    np.testing.assert_array_equal(backwards, together)
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        np.testing.assert_array_equal(flow(references[2:3], targets[2:3])[0], together[2])
        cv2.setNumThreads(4)
        np.testing.assert_array_equal(flow(references[2:3], targets[2:3])[0], together[2])
    finally:
        cv2.setNumThreads(threads)


def test_threads_do_not_share_what_opencv_keeps(pairs):
    references, targets, _ = pairs
    alone = dis_flow(references, targets)
    with ThreadPoolExecutor(4) as threads:
        found = threads.map(
            lambda pair: dis_flow(*pair)[0],
            zip(references[:, None], targets[:, None], strict=True),
        )
        np.testing.assert_array_equal(np.stack(list(found)), alone)


def test_equal_frames_do_not_move(pairs):
    references, _, _ = pairs
    assert np.abs(dis_flow(references, references)).max() < 1e-3


def test_tiny_crops_are_refused():
    tiny = np.zeros((1, 8, 8), np.uint8)
    with pytest.raises(DataError, match="8 by 8 px"):
        dis_flow(tiny, tiny)


def test_full_resolution_follows_a_faint_motion_better_than_the_preset(pairs):
    references, targets, fields = pairs
    preset = DisConfig(finest_scale=1, patch_stride=3, iterations=25, propagate=True)
    ours, presets = (
        np.abs(dis_flow(references[:2], targets[:2], config=config) - fields[:2]).mean()
        for config in (DisConfig(), preset)
    )
    assert ours < presets


def test_settings_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="patch_stride"):
        DisConfig(patch_stride=0)
    with pytest.raises(ConfigError, match="finest_scale"):
        DisConfig(finest_scale=9)
    with pytest.raises(ConfigError, match="iterations"):
        DisConfig(iterations=0)
