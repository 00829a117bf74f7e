"""A photograph whose motion is known exactly, for tests that need a real face."""

import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest
import skimage.data

from mace.face.similarity import apply, compose

type Frame = Callable[..., np.ndarray]

# The eyes, the bridge and the tip of the nose, and the upper lip in `photo`.
PROBES = np.array([[203.3, 102.0], [247.7, 104.3], [224.0, 105.0], [224.0, 127.0], [224.0, 148.0]])


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """The face of Eileen Collins (NASA, public domain), grey, 512 x 384 px."""
    return cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2GRAY)[:384]


@pytest.fixture(scope="session")
def head_path() -> Callable[..., np.ndarray]:
    """Photo px to frame px at an index, for a head that turns, nears and drifts at 200 fps."""

    def transform(index: int, *, motion: float = 1.0, size: float = 1.0) -> np.ndarray:
        phase = 2 * math.pi * index / 200
        angle = 6 * motion * math.sin(0.35 * phase)
        scale = 1.25 * (1 + 0.06 * motion * math.sin(0.23 * phase))
        place = cv2.getRotationMatrix2D((224, 120), angle, scale)
        place[:, 2] += [56 + 35 * motion * math.sin(0.5 * phase), 30]
        place[1, 2] += 15 * motion * math.sin(0.8 * phase)
        return place * size

    return transform


@pytest.fixture(scope="session")
def filmed(photo, head_path) -> Frame:
    """Frames of 640 x 480 px of the photo under `head_path`, with sensor noise."""

    def frame(
        index: int,
        *,
        motion: float = 1.0,
        noise: float = 2.0,
        size: float = 1.0,
        picture: np.ndarray | None = None,
        extra: np.ndarray | None = None,
    ) -> np.ndarray:
        transform = head_path(index, motion=motion, size=size)
        if extra is not None:
            transform = compose(extra, transform)
        # Rendered at twice the size and averaged, which leaves sub-pixel motion exact.
        double = transform * 2
        double[:, 2] += 0.5
        picture = photo if picture is None else picture
        width, height = round(640 * size), round(480 * size)
        image = cv2.warpAffine(
            picture,
            double,
            (2 * width, 2 * height),
            flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REFLECT,
        )
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        grain = np.random.default_rng(index).normal(0, noise, image.shape)
        return np.clip(image + grain, 0, 255).round().astype(np.uint8)

    return frame


@pytest.fixture(scope="session")
def probes_in_crop(head_path) -> Callable[..., np.ndarray]:
    """Where points of the photo land in the crop of a frame."""

    def land(transform: np.ndarray, index: int, **path: float) -> np.ndarray:
        return apply(transform, apply(head_path(index, **path), PROBES))

    return land
