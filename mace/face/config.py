"""Settings of face detection, landmarks and face correction."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float

from mace.errors import ConfigError

type Interpolation = Literal["linear", "cubic", "lanczos"]


@dataclass(frozen=True)
class CropConfig:
    """The canonical frame: where the eyes lie in a corrected crop, and how pixels are sampled.

    Linear sampling is the default because OpenCV 5 evaluates it at the exact sub-pixel position;
    its cubic and Lanczos kernels round positions to 1/32 px, which is as large as the jitter
    that face correction is meant to reach.

    Attributes:
        size: side of the square crop, px.
        eye_distance: between the eye centres, fraction of the side.
        eye_height: of the eye line below the upper edge, fraction of the side.
        interpolation: how pixels are sampled.
    """

    size: int = 128
    eye_distance: float = 0.40
    eye_height: float = 0.36
    interpolation: Interpolation = "linear"

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigError: for a crop that is too small or whose eyes lie outside it.
        """
        if self.size < 16:
            raise ConfigError(f"crop.size is {self.size} px, expected at least 16")
        if not 0.1 <= self.eye_distance <= 0.9:
            raise ConfigError(f"crop.eye_distance is {self.eye_distance}, expected 0.1 to 0.9")
        if not 0.05 <= self.eye_height <= 0.95:
            raise ConfigError(f"crop.eye_height is {self.eye_height}, expected 0.05 to 0.95")

    @property
    def eyes(self) -> Float[np.ndarray, "2 2"]:
        """Canonical eye centres (x, y) in crop px, the one on the left of the image first."""
        centre, half = (self.size - 1) / 2, self.eye_distance * self.size / 2
        height = self.eye_height * self.size
        return np.array([[centre - half, height], [centre + half, height]])


@dataclass(frozen=True)
class DetectorConfig:
    """Face detection by dlib's HOG detector, which sees faces of 80 px and more.

    Attributes:
        side: the longer side of the image the detector sees, px.
        upscale: a smaller image is enlarged at most this much.
        min_score: to take a face up.
        keep_score: to confirm, close to a known face, that it is still there.
    """

    side: int = 640
    upscale: float = 2.0
    min_score: float = 0.2
    keep_score: float = -0.2

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigError: for a side below dlib's smallest face, or a factor that shrinks.
        """
        if self.side < 80:
            raise ConfigError(f"detector.side is {self.side} px, expected at least 80")
        if self.upscale < 1:
            raise ConfigError(f"detector.upscale is {self.upscale}, expected at least 1")


@dataclass(frozen=True)
class RegistrationConfig:
    """Registration of a frame to the keyframe by Lucas–Kanade on rigid points.

    Lengths are in px of a picture in which the eyes are 51 px apart, whatever the crop's size.

    Attributes:
        cell: one point is taken from each cell of the rigid regions, side in px.
        min_texture: of a point, fraction of the best point's.
        window: side of the Lucas–Kanade window, px.
        max_passes: warp, measure, correct.
        converged: a correction below this ends the passes, px.
        max_round_trip: forward–backward distance of a point to be believed, px.
        max_error: residual (root mean square, px) over the fraction of inliers.
        min_inliers: fraction of the points.
        min_correlation: of the rigid region with the keyframe's.
    """

    cell: int = 7
    min_texture: float = 0.01
    window: int = 15
    max_passes: int = 4
    converged: float = 0.5
    max_round_trip: float = 0.3
    max_error: float = 2.2
    min_inliers: float = 0.3
    min_correlation: float = 0.6


@dataclass(frozen=True)
class FaceConfig:
    """Everything that decides what a corrected crop looks like.

    Attributes:
        crop: the canonical frame.
        detector: how faces are found.
        registration: how frames are registered to the keyframe.
        landmarks: how many dlib's model gives: 5, or 68, whose model has a licence of its own.
        boxes: slightly shifted boxes whose landmarks are averaged.
        keyframe_frames: frames whose landmarks give the canonical pose.
        patience: frames in a row that may fail to register before the keyframe is renewed;
            `correct_clip` and the live loop wait longer, or eyes closed in a blink would be the
            neutral face from then on.
        partial: whether a face in doubt is followed meanwhile by the few points that still agree: a
            strong movement around the eyes leaves no more. Without, such frames have no registered
            crop.
        search_interval: frames between two searches for a face that is lost, or in doubt.
        check_interval: frames between two confirmations by the detector.
    """

    crop: CropConfig = field(default_factory=CropConfig)
    detector: DetectorConfig = field(default_factory=DetectorConfig)
    registration: RegistrationConfig = field(default_factory=RegistrationConfig)
    landmarks: Literal[5, 68] = 5
    boxes: int = 5
    keyframe_frames: int = 5
    patience: int = 2
    partial: bool = False
    search_interval: int = 3
    check_interval: int = 50

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigError: for a count below one.
        """
        for name in ("boxes", "keyframe_frames", "patience", "search_interval", "check_interval"):
            if getattr(self, name) < 1:
                raise ConfigError(f"face.{name} is {getattr(self, name)}, expected at least 1")
