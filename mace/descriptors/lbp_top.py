"""LBP-TOP: what is brighter than what around each point of a clip, in space and in time.

Zhao and Pietikäinen 2007, "Dynamic texture recognition using local binary patterns with an
application to facial expressions", IEEE TPAMI 29(6); as papers on micro-expressions use it: 5 x 5
blocks, clips of ten frames, uniform patterns, a linear SVM.

| step | result |
|---|---|
| onset to offset, brought to 10 frames | 10 x h x w |
| at every point, in planes XY, XT, YT: which of 8 neighbours, radius 3, are as bright | 8 bits |
| the 58 uniform patterns (two changes around the circle or fewer), and one for all others | 59 |
| 5 x 5 blocks x 3 planes, each histogram with the sum 1 | 4,425 |

Choices: frames between frames are linear mixtures, where papers take Zhou et al.'s temporal
interpolation (2011); neighbours between pixels are bilinear, as in the paper; blocks share none.
The known answer is scikit-image's `local_binary_pattern` of the slices, in the tests.
"""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from jaxtyping import Float, Int
from sklearn.base import BaseEstimator, TransformerMixin

_LEAST = 1e-3
"""Gray levels of 255 by which a mixture of equal neighbours may miss their value."""


class LBPTOP(TransformerMixin, BaseEstimator):
    """Clips to LBP-TOP histograms; learns nothing.

    Args:
        blocks: a side.
        points: neighbours.
        radii: in x and y, px, and in time, frames.
        frames: that every clip is brought to.

    Examples:
        >>> import numpy as np
        >>> from mace.descriptors.lbp_top import LBPTOP
        >>> clips = [np.zeros((12, 32, 32)), np.zeros((40, 32, 32))]
        >>> LBPTOP().transform(clips).shape
        (2, 4425)
    """

    def __init__(
        self,
        *,
        blocks: int = 5,
        points: int = 8,
        radii: tuple[int, int, int] = (3, 3, 3),
        frames: int = 10,
    ) -> None:
        self.blocks = blocks
        self.points = points
        self.radii = radii
        self.frames = frames

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the clips; nothing is learnt."""
        for clip in X:
            self._checked(clip)
        return self

    def transform(
        self, X: Sequence[np.ndarray] | Float[np.ndarray, "n t h w"]
    ) -> Float[np.ndarray, "n d"]:
        """Return float32 histograms, d = blocks² · 3 · (points · (points - 1) + 3).

        Args:
            X: gray clips (t, h, w) of levels 0 to 255, from onset to offset; t may differ.

        Raises:
            ValueError: for a clip of another shape, of fewer than 3 frames, or too small.
        """
        return np.stack([self._of_clip(self._checked(clip)) for clip in X])

    def __sklearn_tags__(self) -> Any:
        """Say that clips are taken, and that nothing has to be fitted."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.requires_fit = False
        return tags

    def _checked(self, clip: Any) -> Float[np.ndarray, "t h w"]:
        volume = np.asarray(clip, np.float32)
        if volume.ndim != 3 or len(volume) < 3:
            raise ValueError(
                f"LBP-TOP takes gray clips (t, h, w) of 3 frames or more, this is {volume.shape}"
            )
        x, y, t = self.radii
        if min(volume.shape[1] - 2 * y, volume.shape[2] - 2 * x) < self.blocks:
            raise ValueError(
                f"LBP-TOP in {self.blocks} x {self.blocks} blocks with radii {x} and {y} takes "
                f"frames larger than {volume.shape[1:]}, and gray clips (t, h, w)"
            )
        if self.frames <= 2 * t:
            raise ValueError(
                f"LBP-TOP with a radius of {t} frames takes clips brought to {2 * t + 1} frames "
                f"or more, not {self.frames}"
            )
        return volume

    def _of_clip(self, clip: Float[np.ndarray, "t h w"]) -> Float[np.ndarray, " d"]:
        volume = resampled(clip, self.frames)
        x, y, t = self.radii
        bins = uniform_bins(self.points)
        count = int(bins.max()) + 1
        # Axes are time, row, column; a circle's first direction, then its second.
        planes = (((2, x), (1, y)), ((2, x), (0, t)), ((1, y), (0, t)))
        height, width = volume.shape[1] - 2 * y, volume.shape[2] - 2 * x
        rows, columns = (np.arange(side) * self.blocks // side for side in (height, width))
        block = np.broadcast_to(
            rows[:, None] * self.blocks + columns, (self.frames - 2 * t, height, width)
        )
        histograms = []
        for plane in planes:
            codes = binary_patterns(volume, plane, radii=(t, y, x), points=self.points)
            place = (block * count + bins[codes]).ravel()
            histograms.append(np.bincount(place, minlength=self.blocks**2 * count))
        counts = np.stack(histograms).reshape(3, self.blocks**2, count).swapaxes(0, 1)
        return (counts / counts.sum(axis=-1, keepdims=True)).astype(np.float32).ravel()


def resampled(clip: Float[np.ndarray, "t h w"], frames: int) -> Float[np.ndarray, "f h w"]:
    """Return a clip of another number of frames: the first, the last, and mixtures between."""
    places = np.linspace(0, len(clip) - 1, frames)
    before = np.minimum(places.astype(np.int64), len(clip) - 2)
    share = (places - before).astype(np.float32)[:, None, None]
    return clip[before] * (1 - share) + clip[before + 1] * share


def uniform_bins(points: int) -> Int[np.ndarray, " p"]:
    """Return the bin of each of 2^points patterns: uniform ones in order, then all others.

    A pattern is uniform if its bits change twice around the circle or never (Ojala, Pietikäinen and
    Mäenpää 2002, IEEE TPAMI 24(7), section 2.3).
    """
    codes = np.arange(2**points)
    turned = (codes >> 1) | ((codes & 1) << (points - 1))
    changes = np.bitwise_count(codes ^ turned)
    uniform = changes <= 2
    return np.where(uniform, np.cumsum(uniform) - 1, uniform.sum())


def binary_patterns(
    volume: Float[np.ndarray, "t h w"],
    plane: tuple[tuple[int, int], tuple[int, int]],
    *,
    radii: tuple[int, int, int],
    points: int,
) -> Int[np.ndarray, "a b c"]:
    """Return the pattern of every point that is as far from all faces as `radii`, as whole numbers.

    Args:
        volume: gray levels.
        plane: the circle's first axis with its radius, then its second, along which it turns
            towards smaller indices.
        radii: along each axis, which the border is as wide as.
        points: on the circle; bit p is at the angle 2 pi p / points.
    """
    sides = [side - 2 * radius for side, radius in zip(volume.shape, radii, strict=True)]

    def shifted(offset: Sequence[int]) -> np.ndarray:
        starts = [radius + step for radius, step in zip(radii, offset, strict=True)]
        return volume[tuple(slice(s, s + side) for s, side in zip(starts, sides, strict=True))]

    centre = shifted((0, 0, 0))
    codes = np.zeros(centre.shape, np.int64)
    (first, wide), (second, high) = plane
    for point in range(points):
        angle = 2 * np.pi * point / points
        along, against = round(wide * np.cos(angle), 5), round(-high * np.sin(angle), 5)
        neighbour = np.zeros_like(centre)
        for a in {int(np.floor(along)), int(np.ceil(along))}:
            for b in {int(np.floor(against)), int(np.ceil(against))}:
                offset = [0, 0, 0]
                offset[first], offset[second] = a, b
                share = (1 - abs(along - a)) * (1 - abs(against - b))
                neighbour += np.float32(share) * shifted(offset)
        codes |= (neighbour > centre - _LEAST).astype(np.int64) << point
    return codes
