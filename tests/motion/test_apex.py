"""Apex estimation on rendered micro-expressions, and where there is nothing to estimate."""

import numpy as np
import pytest

from mace.datasets.synthetic.clips.clip import render_clip
from mace.datasets.synthetic.clips.config import ClipConfig
from mace.datasets.synthetic.clips.subject import Subject
from mace.errors import DataError
from mace.face.clip import correct_clip
from mace.motion.apex import estimate_apex, region_motion

CASES = ((200, "surprise"), (201, "happiness"), (202, "disgust"), (203, "repression"))


@pytest.fixture(scope="module")
def corrected() -> list[tuple[np.ndarray, int, int, int]]:
    """Frames, onset, apex and offset of movements that a blink may accompany."""
    config = ClipConfig(width=240, height=200, frames=20, eye_distance=60.0, peak_px=(0.6, 0.9))
    made = []
    for seed, emotion in CASES:
        clip = render_clip(Subject(seed), emotion=emotion, seed=seed, config=config)
        aligned = correct_clip(clip.frames, onset=clip.onset)
        made.append((aligned.frames, clip.onset, clip.apex, clip.offset))
    return made


def test_beats_the_midpoint(corrected):
    errors, baseline = [], []
    for frames, onset, apex, offset in corrected:
        errors.append(abs(estimate_apex(frames, onset=onset, offset=offset) - apex))
        baseline.append(abs((onset + offset) // 2 - apex))
    assert np.mean(errors) < np.mean(baseline)
    assert np.mean(errors) <= 1


def test_the_rest_of_the_clip_does_not_matter(corrected):
    frames, onset, _, offset = corrected[0]
    alone = estimate_apex(frames[onset : offset + 1], onset=0, offset=offset - onset)
    assert estimate_apex(frames, onset=onset, offset=offset) == onset + alone


def test_head_motion_is_no_motion_of_the_face():
    rng = np.random.default_rng(0)
    wide = np.kron(rng.integers(40, 216, (40, 40)), np.ones((4, 4))).astype(np.uint8)
    frames = np.stack([wide[16:144, 16 + shift : 144 + shift] for shift in (0, 1, 2)])
    motion = region_motion(frames)
    assert np.abs(motion[0]).max() < 1e-6
    assert np.median(np.abs(motion)) < 0.05


@pytest.mark.parametrize("frames", [2, 3, 4, 9])
def test_the_middle_where_nothing_moves_or_frames_are_few(frames):
    still = np.full((frames, 64, 64), 90, np.uint8)
    assert estimate_apex(still, onset=0, offset=frames - 1) == max((frames - 1) // 2, 1)


@pytest.mark.parametrize(("onset", "offset"), [(3, 3), (4, 2), (-1, 5), (0, 10)])
def test_refuses_an_interval_outside_the_clip(onset, offset):
    with pytest.raises(DataError, match="the apex was asked for between onset"):
        estimate_apex(np.zeros((10, 64, 64), np.uint8), onset=onset, offset=offset)
