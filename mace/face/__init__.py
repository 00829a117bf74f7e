"""Faces: detection, landmarks and face correction, for stored clips and live frames alike."""

from mace.face.clip import AlignedClip, correct_clip
from mace.face.config import CropConfig, DetectorConfig, FaceConfig, RegistrationConfig
from mace.face.correction import Keyframe, Registration, canonical_transform
from mace.face.detector import Detection, FaceDetector
from mace.face.images import to_gray
from mace.face.landmarks import Landmarker, eye_centres
from mace.face.similarity import apply, compose, fit_robust, fit_similarity, invert
from mace.face.tracker import FaceTracker, Status, TrackedFace
from mace.face.warping import warp

__all__ = [
    "AlignedClip",
    "CropConfig",
    "Detection",
    "DetectorConfig",
    "FaceConfig",
    "FaceDetector",
    "FaceTracker",
    "Keyframe",
    "Landmarker",
    "Registration",
    "RegistrationConfig",
    "Status",
    "TrackedFace",
    "apply",
    "canonical_transform",
    "compose",
    "correct_clip",
    "eye_centres",
    "fit_robust",
    "fit_similarity",
    "invert",
    "to_gray",
    "warp",
]
