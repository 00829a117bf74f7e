"""A movement too small to be seen, in a picture that shows it, measured in that picture.

What is measured there is measured by another means than the flow that made it: by looking for a
patch of the face, as its picture before the movement has it (normalised cross-correlation).
"""

import cv2
import numpy as np
import pytest

import mace
from mace.datasets.synthetic.clips.clip import aligned_motion, render_clip
from mace.datasets.synthetic.clips.config import ClipConfig
from mace.datasets.synthetic.clips.subject import Subject
from mace.errors import DataError
from mace.face.config import CropConfig
from mace.face.similarity import fit_similarity
from mace.face.warping import warp
from mace.motion.config import OWN_FRAMING, MotionConfig
from mace.motion.exaggeration import move, on_crop, unfolded, worth_multiplying
from mace.motion.representation import represent

# Nose, cheeks, mouth and chin, (x, y) in the crop: a raised brow leaves them where they are.
STILL = ((64, 62), (40, 75), (88, 75), (64, 100), (50, 100), (64, 112))


@pytest.fixture(scope="module", params=[100, 101])
def raised(request):
    """Onset, apex and end of a brow raise of half a pixel, and its exact motion at the apex."""
    raise_px = 0.62 * 105.0 / 51.2  # of the stronger unit at its height, frame px
    config = ClipConfig.quiet(frames=6, fps=20.0, noise=1.0)
    aus = {"1": raise_px, "2": 0.7 * raise_px}
    clip = render_clip(Subject(request.param), aus=aus, seed=0, config=config)
    transform = fit_similarity(clip.eye_centres[0], CropConfig().eyes)
    chosen = clip.onset, clip.apex, len(clip.frames) - 1
    crops = [warp(clip.frames[index], transform, CropConfig()) for index in chosen]
    truth = aligned_motion(
        clip,
        np.repeat(transform[None], 6, axis=0),
        reference=clip.onset,
        target=clip.apex,
        size=128,
    )
    return *crops, np.nan_to_num(truth)


def displacement(before, after, x, y, reach=8):
    """Where the patch about (x, y) of one picture is in another, less where it was, px."""
    patch = before[y - 6 : y + 6, x - 8 : x + 8]
    around = after[y - 6 - reach : y + 6 + reach, x - 8 - reach : x + 8 + reach]
    likeness = cv2.matchTemplate(around, patch, cv2.TM_CCOEFF_NORMED)
    _, best, _, (column, row) = cv2.minMaxLoc(likeness)
    assert best > 0.9  # it is there, whole

    def summit(left, middle, right):
        return (left - right) / (2 * (left - 2 * middle + right))

    dx = summit(*likeness[row, column - 1 : column + 2])
    dy = summit(*likeness[row - 1 : row + 2, column])
    return np.array([column + dx - reach, row + dy - reach])


def brows(truth):
    """Where the motion is strongest on either side, (x, y)."""
    strength = cv2.blur(np.hypot(truth[..., 0], truth[..., 1]), (17, 13))
    for left, right in ((20, 60), (68, 108)):
        y, x = np.unravel_index(strength[15:60, left:right].argmax(), (45, right - left))
        yield int(x) + left, int(y) + 15


def as_the_network_sees_it(onset, apex):
    config = MotionConfig(size=28, framing=OWN_FRAMING, detrend="affine")
    motion = represent(onset[None], apex[None], config=config)[0]
    return on_crop(motion[..., :2], size=128, framing=config.framing)


def test_half_a_pixel_becomes_five_and_what_is_still_stays(raised):
    onset, apex, _, truth = raised
    coarse = move(apex, worth_multiplying(as_the_network_sees_it(onset, apex)), factor=10)
    for shown in (mace.exaggerate(onset, apex, factor=10), coarse):
        for x, y in brows(truth):
            true = 10 * truth[y - 6 : y + 6, x - 8 : x + 8].mean(axis=(0, 1))
            assert 4.4 < -true[1] < 5.6
            np.testing.assert_allclose(displacement(onset, shown, x, y), true, atol=1.0)
        for place in STILL:
            assert np.hypot(*displacement(onset, shown, *place)) < 0.3


def test_a_still_face_stays_still(raised):
    onset, _, end, truth = raised
    shown = mace.exaggerate(onset, end, factor=20)
    for place in (*brows(truth), *STILL):
        assert np.hypot(*displacement(onset, shown, *place)) < 0.3
    assert np.abs(shown.astype(int) - end).max() <= 4


def test_nothing_is_folded_over():
    y, x = np.mgrid[:128, :128].astype(np.float32)
    bump = np.exp(-((x - 64) ** 2 + (y - 64) ** 2) / (2 * 6**2))
    for factor in (5, 20, 50):
        shift = unfolded(factor * np.stack([0.6 * bump, -bump], axis=-1))
        (uy, ux), (vy, vx) = np.gradient(shift[..., 0]), np.gradient(shift[..., 1])
        assert ((1 + ux) * (1 + vy) - uy * vx).min() > 0.1
        assert np.hypot(*np.moveaxis(shift, -1, 0)).max() < 0.12 * 128
    small = 0.01 * np.stack([bump, bump], axis=-1)
    np.testing.assert_allclose(unfolded(small), small, atol=1e-6)


def test_a_point_is_where_its_motion_says():
    y, x = np.mgrid[:96, :96].astype(np.float32)
    bump = np.exp(-((x - 40) ** 2 + (y - 48) ** 2) / (2 * 12**2))
    motion = 0.4 * np.stack([bump, 0 * bump], axis=-1)
    picture = np.zeros((96, 96, 3), np.uint8)
    picture[46:51, 38:43] = 250, 120, 60
    shown = move(picture, motion, factor=12)
    columns = (shown[..., 0] * x).sum() / shown[..., 0].sum()
    # The picture is after the motion, so it has come one of twelve parts already.
    assert abs(columns - (40 + 11 * 0.4)) < 0.3
    np.testing.assert_array_equal(move(picture, motion, factor=1), picture)
    np.testing.assert_array_equal(move(picture, 0 * motion, factor=9), picture)


def test_noise_counts_for_nothing_and_no_more_than_noise():
    noise = np.random.default_rng(0).normal(0, 0.03, (128, 128, 2)).astype(np.float32)
    assert not worth_multiplying(noise).any()
    y, x = np.mgrid[:128, :128].astype(np.float32)
    bump = np.exp(-((x - 64) ** 2 + (y - 40) ** 2) / (2 * 10**2))
    motion = worth_multiplying(noise + np.stack([0 * bump, 0.5 * bump], axis=-1))
    assert 0.4 < motion[38:43, 62:67, 1].mean() < 0.55
    assert not motion[90:].any()
    everywhere = np.full((128, 128, 2), 0.5, np.float32)  # all of the face, and none of its border
    assert worth_multiplying(everywhere)[64, 64, 0] == pytest.approx(0.5)
    assert not worth_multiplying(everywhere)[0].any()


def test_what_is_no_pair_is_refused():
    picture = np.zeros((64, 64), np.uint8)
    with pytest.raises(DataError, match="one size"):
        mace.exaggerate(picture, picture[:32])
    for factor in (0.5, 51, float("nan")):
        with pytest.raises(DataError, match="factor"):
            mace.exaggerate(picture, picture, factor=factor)
