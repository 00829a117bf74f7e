"""Bi-WOOF: directions of motion in blocks of a face, weighed by its length and by optical strain.

Liong, See, Wong and Phan 2018, "Less is more: Micro-expression recognition from video using apex
frame", Signal Processing: Image Communication 62, with the sizes of the authors' `biwoof.m`.

| step | result |
|---|---|
| flow from onset to apex (u, v) and its optical strain | h x w x 3 |
| 5 x 5 blocks, in each a histogram of 8 directions, a pixel counting its length | 5 x 5 x 8 |
| each histogram brought to the sum 1 | |
| times the sum of optical strain in its block | |
| all of it brought to the length 1 | 200 |

Choices: blocks share no pixel (the authors' overlap by one or two), and one in which nothing moves
is 0 where theirs divides by 0. Directions are those of MACE's flow, v downwards, from -180° on.
"""

from typing import Any, Self

import numpy as np
from jaxtyping import Float
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_array


class BiWOOF(TransformerMixin, BaseEstimator):
    """Motion images to Bi-WOOF features; learns nothing.

    Args:
        blocks: a side.
        bins: directions.

    Examples:
        >>> import numpy as np
        >>> from mace.descriptors.bi_woof import BiWOOF
        >>> flow = np.zeros((1, 10, 10, 3))
        >>> flow[0, :2, :2] = 1, 0, 0.5  # the first block moves to the right
        >>> features = BiWOOF().transform(flow)
        >>> features.shape, features[0, :8].tolist()
        ((1, 200), [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0])
    """

    def __init__(self, *, blocks: int = 5, bins: int = 8) -> None:
        self.blocks = blocks
        self.bins = bins

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the images; nothing is learnt."""
        self._checked(X)
        return self

    def transform(self, X: Float[np.ndarray, "n h w c"]) -> Float[np.ndarray, "n d"]:
        """Return float32 features, d = blocks² · bins, of motion images.

        Args:
            X: u, v in px, optical strain in any unit, and whatever follows.

        Raises:
            ValueError: for arrays of another shape, or images of fewer pixels than blocks.
        """
        images = self._checked(X)
        count, height, width = images.shape[:3]
        u, v, strain = np.moveaxis(images[..., :3], -1, 0)
        angle = np.degrees(np.arctan2(v, u)) + 180  # 0 to 360; both ends are one direction
        direction = np.floor(angle * self.bins / 360).astype(np.int64) % self.bins
        rows, columns = (np.arange(side) * self.blocks // side for side in (height, width))
        cells = self.blocks**2
        block = rows[:, None] * self.blocks + columns + np.arange(count)[:, None, None] * cells
        place = (block * self.bins + direction).ravel()
        length = np.hypot(u, v).ravel()
        histogram = np.bincount(place, length, count * cells * self.bins).reshape(-1, self.bins)
        moving = histogram.sum(axis=1, keepdims=True)
        histogram = np.divide(histogram, moving, out=np.zeros_like(histogram), where=moving > 0)
        weight = np.bincount(block.ravel(), strain.ravel(), count * cells)
        features = (histogram * weight[:, None]).reshape(count, -1)
        norm = np.linalg.norm(features, axis=1, keepdims=True)
        return np.divide(features, norm, out=np.zeros_like(features), where=norm > 0).astype(
            np.float32
        )

    def __sklearn_tags__(self) -> Any:
        """Say that images are taken, and that nothing has to be fitted."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.requires_fit = False
        return tags

    def _checked(self, X: Any) -> Float[np.ndarray, "n h w c"]:
        images = np.asarray(check_array(X, allow_nd=True, ensure_2d=False, dtype="float64"))
        if images.ndim != 4 or images.shape[3] < 3 or min(images.shape[1:3]) < self.blocks:
            raise ValueError(
                f"Bi-WOOF takes motion images (n, h, w, 3) of u, v and optical strain, "
                f"{self.blocks} px a side or more; these are {images.shape}"
            )
        return images
