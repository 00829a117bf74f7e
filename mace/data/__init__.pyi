from .clips import Clip, frame_pairs, relabel
from .config import VariantConfig
from .loading import load_clips
from .making import make_motion_set
from .motion_set import MotionSet

__all__ = [
    "Clip",
    "MotionSet",
    "VariantConfig",
    "frame_pairs",
    "load_clips",
    "make_motion_set",
    "relabel",
]
