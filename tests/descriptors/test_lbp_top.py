"""LBP-TOP: scikit-image's patterns of the slices, lengths, cases by hand, invariances."""

import warnings

import numpy as np
import pytest
from skimage.feature import local_binary_pattern

from mace.descriptors.lbp_top import LBPTOP, binary_patterns, resampled, uniform_bins


def random_clip(frames=10, side=24, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (frames, side, side)).astype(np.uint8)


def test_lengths_are_the_papers():
    assert uniform_bins(8).max() + 1 == 59
    assert uniform_bins(4).max() + 1 == 15
    clips = [random_clip(12), random_clip(33)]
    assert LBPTOP().transform(clips).shape == (2, 5 * 5 * 3 * 59)
    assert LBPTOP(blocks=2, points=4).fit_transform(clips).shape == (2, 2 * 2 * 3 * 15)


def test_uniform_patterns_change_twice_around_the_circle_or_never():
    bins = uniform_bins(8)
    # 00000000, 00000001, 00000010, 00000011, 00000100; 00000101 changes four times.
    assert bins[[0, 1, 2, 3, 4, 5]].tolist() == [0, 1, 2, 3, 4, 58]
    assert bins[[255, 0b11000001]].tolist() == [57, bins[0b11000001]]
    assert bins[0b11000001] < 58
    assert (bins == 58).sum() == 256 - 58


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_patterns_are_those_of_scikit_image(radius):
    volume = random_clip(frames=9).astype(np.float64)
    inside = slice(radius, -radius)

    def theirs(image):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that gray levels are no whole numbers
            return local_binary_pattern(image, 8, radius)[inside, inside]

    planes = {
        "XY": (((2, radius), (1, radius)), lambda v: np.stack([theirs(image) for image in v])),
        # Slices whose rows are time and whose columns are x, or y.
        "XT": (
            ((2, radius), (0, radius)),
            lambda v: np.stack([theirs(v[:, y]) for y in range(v.shape[1])], 1),
        ),
        "YT": (
            ((1, radius), (0, radius)),
            lambda v: np.stack([theirs(v[:, :, x]) for x in range(v.shape[2])], 2),
        ),
    }
    cut = {"XY": (0,), "XT": (1,), "YT": (2,)}
    for name, (plane, of_slices) in planes.items():
        ours = binary_patterns(volume, plane, radii=(radius,) * 3, points=8)
        index = tuple(inside if axis in cut[name] else slice(None) for axis in range(3))
        np.testing.assert_array_equal(ours, of_slices(volume)[index], err_msg=name)


def test_one_bright_frame_by_hand():
    # All is 0 but the frame in the middle of three; four neighbours, one block.
    clip = np.zeros((3, 5, 5))
    clip[1] = 9
    features = LBPTOP(blocks=1, points=4, radii=(1, 1, 1), frames=3).transform([clip])
    xy, xt, yt = features.reshape(3, 15)
    # In space all neighbours are as bright: 1111. In time those before and after are not: bits 0
    # and 2 alone, which change four times around and so are in the last bin.
    bins = uniform_bins(4)
    assert xy[bins[0b1111]] == 1
    assert xt[14] == yt[14] == 1
    assert bins[0b0101] == 14


def test_light_does_not_matter():
    clip = random_clip().astype(np.float64)
    brighter = clip * 0.5 + 40
    np.testing.assert_array_equal(*(LBPTOP().transform([some]) for some in (clip, brighter)))


def test_every_histogram_has_the_sum_one():
    sums = LBPTOP().transform([random_clip(20)]).reshape(25, 3, 59).sum(-1)
    np.testing.assert_allclose(sums, 1, rtol=1e-6)


def test_a_still_clip_has_the_same_rows_and_columns_in_time():
    still = np.repeat(random_clip(1), 12, axis=0)
    xt = LBPTOP(radii=(1, 1, 1)).transform([still]).reshape(25, 3, 59)[:, 1]
    # Before and after are as bright: bits 2 and 6 of eight are always set.
    without = [code for code in range(256) if not (code >> 2) & 1 and uniform_bins(8)[code] < 58]
    assert not xt[:, uniform_bins(8)[without]].any()


def test_frames_between_frames_are_mixtures():
    clip = np.stack([np.full((2, 2), level) for level in (0.0, 10.0, 30.0)])
    np.testing.assert_allclose(resampled(clip, 5)[:, 0, 0], [0, 5, 10, 20, 30])
    np.testing.assert_array_equal(resampled(clip, 3), clip)


def test_other_clips_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match=r"gray clips \(t, h, w\) of 3 frames or more, this is"):
        LBPTOP().transform([np.zeros((2, 24, 24))])
    with pytest.raises(ValueError, match=r"takes frames larger than \(10, 10\)"):
        LBPTOP().transform([np.zeros((9, 10, 10))])
    with pytest.raises(ValueError, match="brought to 7 frames or more, not 6"):
        LBPTOP(frames=6).fit([np.zeros((9, 24, 24))])
