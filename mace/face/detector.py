"""Frontal faces by dlib's HOG detector, at a cost that does not grow with the image."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import UInt8

from mace.face.config import DetectorConfig
from mace.face.dlib_models import hog_detector
from mace.face.similarity import Transform, apply, scale


@dataclass(frozen=True)
class Detection:
    """A face: its box in px of the frame, whose edges may lie outside the frame.

    Attributes:
        left: left edge, px.
        top: upper edge, px.
        right: right edge, px.
        bottom: lower edge, px.
        score: dlib's; the higher the surer.
    """

    left: float
    top: float
    right: float
    bottom: float
    score: float

    @property
    def centre(self) -> tuple[float, float]:
        """Centre (x, y) of the box, px."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    @property
    def width(self) -> float:
        """Side of the box, px; dlib's boxes are squares."""
        return self.right - self.left

    def moved(self, motion: Transform) -> "Detection":
        """Return the box where the similarity `motion` takes it, upright as before."""
        x, y = apply(motion, np.array([self.centre]))[0]
        half = 0.5 * self.width * scale(motion)
        return Detection(x - half, y - half, x + half, y + half, self.score)


class FaceDetector:
    """Finds upright frontal faces (roll within about 30 degrees)."""

    def __init__(self, config: DetectorConfig = DetectorConfig()) -> None:  # noqa: B008
        self.config = config

    def detect(self, gray: UInt8[np.ndarray, "h w"]) -> list[Detection]:
        """Return the faces of the whole image, the largest and surest first.

        The image is scaled so that its longer side has `config.side` px: the smallest face found
        is 80 px of that, an eighth of the image at the default. No face gives an empty list.
        """
        factor = min(self.config.side / max(gray.shape), self.config.upscale)
        return self._run(gray, (0, 0), factor, self.config.min_score)

    def near(
        self, gray: UInt8[np.ndarray, "h w"], centre: tuple[float, float], width: float
    ) -> Detection | None:
        """Return the face at about `centre` (x, y) and of about `width`, px, or None.

        A tenth of the cost of `detect`, and content with a lower score: where a face was a moment
        ago, weak evidence will do.
        """
        half = 1.1 * width
        height, breadth = gray.shape
        left, right = max(int(centre[0] - half), 0), min(int(centre[0] + half) + 1, breadth)
        top, bottom = max(int(centre[1] - half), 0), min(int(centre[1] + half) + 1, height)
        if right - left < 16 or bottom - top < 16:
            return None
        region = np.ascontiguousarray(gray[top:bottom, left:right])
        factor = min(110 / width, self.config.upscale)
        found = self._run(region, (left, top), factor, self.config.keep_score)
        near = [
            face
            for face in found
            if np.hypot(face.centre[0] - centre[0], face.centre[1] - centre[1]) < 0.5 * width
            and 0.6 < face.width / width < 1.7
        ]
        return near[0] if near else None

    def _run(
        self, gray: np.ndarray, corner: tuple[int, int], factor: float, min_score: float
    ) -> list[Detection]:
        if factor != 1:
            size = max(round(gray.shape[1] * factor), 1), max(round(gray.shape[0] * factor), 1)
            method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
            resized = np.asarray(cv2.resize(gray, size, interpolation=method))
        else:
            resized = gray
        boxes, scores, _ = hog_detector().run(resized, 0, min_score)
        found = [
            Detection(
                left=corner[0] + box.left() / factor,
                top=corner[1] + box.top() / factor,
                right=corner[0] + (box.right() + 1) / factor,
                bottom=corner[1] + (box.bottom() + 1) / factor,
                score=float(score),
            )
            for box, score in zip(boxes, scores, strict=True)
        ]
        return sorted(found, key=lambda face: face.width * max(face.score, 0.01), reverse=True)
