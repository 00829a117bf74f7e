"""Exact motion as it should appear between two corrected crops."""

import cv2
import numpy as np
from jaxtyping import Float, Float32

from mace.datasets.synthetic.clips.clip import RenderedClip
from mace.face.similarity import apply, invert


def aligned_motion(
    clip: RenderedClip,
    transforms: Float[np.ndarray, "t 2 3"],
    *,
    reference: int,
    target: int,
    size: int,
) -> Float32[np.ndarray, "size size 2"]:
    """Displacement in crop px of every crop pixel of frame `reference` up to frame `target`.

    It contains what the correction left of the head's motion: a perfect flow of the two crops. NaN
    where the pixel does not show the head.

    Args:
        clip: the rendered clip.
        transforms: of its frames, frame px to crop px.
        reference: frame the pixels belong to.
        target: frame they move to.
        size: side of the crop in px.
    """
    flow, mask = clip.motion(reference, target)
    flow[~mask] = np.nan
    columns, rows = np.meshgrid(np.arange(size, dtype=np.float64), np.arange(size))
    crop = np.stack([columns, rows], -1).reshape(-1, 2)
    begin = apply(invert(transforms[reference]), crop)
    there = begin.reshape(size, size, 2).astype(np.float32)
    moved = cv2.remap(
        flow,
        there[..., 0],
        there[..., 1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(np.nan, np.nan),
    )
    end = apply(transforms[target], begin + moved.reshape(-1, 2))
    return (end - crop).reshape(size, size, 2).astype(np.float32)
