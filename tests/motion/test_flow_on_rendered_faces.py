"""Both flows against the exact motion of rendered micro-expressions, onset to apex."""

import cv2
import numpy as np
import pytest
from skimage.registration import optical_flow_tvl1

from mace.datasets.synthetic.clips.clip import render_clip
from mace.datasets.synthetic.clips.config import ClipConfig
from mace.datasets.synthetic.clips.subject import Subject
from mace.face.config import CropConfig
from mace.face.similarity import fit_similarity
from mace.face.warping import warp
from mace.motion.config import TvL1Config
from mace.motion.dis import dis_flow
from mace.motion.tvl1 import tvl1_flow

SIZE = 128


@pytest.fixture(scope="module")
def rendered() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Two people, one movement each, without nuisances: crops, exact crop motion, its mask."""
    made = [_crop_pair(seed, emotion) for seed, emotion in ((100, "surprise"), (101, "happiness"))]
    references, targets, motions, masks = (np.stack(part) for part in zip(*made, strict=True))
    return references, targets, motions, masks


def _crop_pair(seed: int, emotion: str) -> tuple[np.ndarray, ...]:
    config = ClipConfig.quiet(frames=6, fps=20.0, peak_px=(1.0, 1.2))
    clip = render_clip(Subject(seed), emotion=emotion, seed=0, config=config)
    crop = CropConfig(size=SIZE)
    transform = fit_similarity(clip.eye_centres[clip.onset], crop.eyes)
    reference, target = (warp(clip.frames[k], transform, crop) for k in (clip.onset, clip.apex))
    motion, mask = clip.motion(clip.onset, clip.apex)
    # The head holds still: one transform serves both frames, and only turns and scales the motion.
    moved = cv2.warpAffine(motion, transform, (SIZE, SIZE)) @ transform[:, :2].T
    inside = cv2.warpAffine(mask.astype(np.uint8), transform, (SIZE, SIZE)) > 0
    return reference, target, moved.astype(np.float32), inside


def _agreement(flow: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> tuple[float, float]:
    """Return the correlation of measured with true displacement, and the slope through zero."""
    x, y = truth[mask].ravel().astype(float), flow[mask].ravel().astype(float)
    return float(np.corrcoef(x, y)[0, 1]), float(x @ y / (x @ x))


def test_dis_follows_the_truth(rendered):
    references, targets, motions, masks = rendered
    flow = dis_flow(references, targets)
    for measured, truth, mask in zip(flow, motions, masks, strict=True):
        correlation, slope = _agreement(measured, truth, mask)
        assert correlation > 0.95
        assert 0.8 < slope < 1.05


def test_tvl1_follows_the_truth_and_scikit_image(rendered):
    references, targets, motions, masks = rendered
    first, second = references.astype(np.float32) / 255, targets.astype(np.float32) / 255
    flow = np.asarray(tvl1_flow(first, second, config=TvL1Config()))
    for measured, truth, mask in zip(flow, motions, masks, strict=True):
        correlation, slope = _agreement(measured, truth, mask)
        assert correlation > 0.8
        assert 0.4 < slope < 1.05  # it smooths what little there is to see on a young skin
    v, u = optical_flow_tvl1(first[0], second[0])
    assert np.abs(flow[0] - np.stack([u, v], axis=-1)).mean() < 1e-4
