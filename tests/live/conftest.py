"""Several rendered people in one picture, placed exactly."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import pytest

type Scene = Callable[..., np.ndarray]
type Placed = tuple[int, float, float]  # who, and where between the eyes, px

SUBJECTS = (5, 8, 12)
EYES = 54.0  # distance in the scene, px


@pytest.fixture(scope="session")
def cutouts():
    """Faces of three people: picture, mask and eye centres."""
    from mace.datasets.synthetic.clips.clip import render_clip
    from mace.datasets.synthetic.clips.config import ClipConfig
    from mace.datasets.synthetic.clips.subject import Subject

    config = ClipConfig.quiet(width=320, height=240, frames=2, eye_distance=75.0)
    found = []
    for number in SUBJECTS:
        clip = render_clip(Subject(number), emotion="surprise", seed=7, config=config)
        picture, eyes = np.asarray(clip.frames[0]), clip.eye_centres[0].astype(float)
        mask = np.zeros(picture.shape, np.uint8)
        x, y = eyes.mean(axis=0)
        cv2.ellipse(mask, (round(x), round(y) + 28), (88, 112), 0, 0, 360, 255, -1)
        found.append((picture, cv2.GaussianBlur(mask, (0, 0), 2), eyes))
    return found


@pytest.fixture(scope="session")
def scene(cutouts) -> Scene:
    """Frames of the people, who are painted one over the other in the order they are given."""
    backdrop = np.random.default_rng(1).integers(100, 160, (6, 8)).astype(np.uint8)

    def frame(
        placed: Sequence[Placed], *, index: int = 0, size: tuple[int, int] = (640, 480)
    ) -> np.ndarray:
        image = cv2.resize(backdrop, size, interpolation=cv2.INTER_CUBIC).astype(np.float32)
        for who, x, y in placed:
            picture, mask, eyes = cutouts[who]
            scale = EYES / float(np.hypot(*(eyes[1] - eyes[0])))
            middle = eyes.mean(axis=0)
            place = np.array([[scale, 0, x - scale * middle[0]], [0, scale, y - scale * middle[1]]])
            cover = cv2.warpAffine(mask, place, size) / np.float32(255)
            image += cover * (cv2.warpAffine(picture, place, size).astype(np.float32) - image)
        noise = np.random.default_rng(index).normal(0, 1, image.shape)
        return np.clip(image + noise, 0, 255).round().astype(np.uint8)

    return frame
