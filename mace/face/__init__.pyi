from .clip import AlignedClip, correct_clip
from .config import CropConfig, DetectorConfig, FaceConfig, RegistrationConfig
from .confirming import Check
from .correction import Keyframe, Registration
from .detector import Detection, FaceDetector
from .images import to_gray
from .landmarks import Landmarker, eye_centres
from .pose import canonical_transform, face_box, head_turn
from .similarity import Transform, apply, compose, fit_robust, fit_similarity, invert
from .tracked import Status, TrackedFace
from .tracker import FaceTracker
from .warping import warp

__all__ = [
    "AlignedClip",
    "Check",
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
    "Transform",
    "apply",
    "canonical_transform",
    "compose",
    "correct_clip",
    "eye_centres",
    "face_box",
    "fit_robust",
    "fit_similarity",
    "head_turn",
    "invert",
    "to_gray",
    "warp",
]
