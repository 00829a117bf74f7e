from .config import NO_AUGMENT, AugmentConfig
from .image import augment, flip, warp

__all__ = [
    "NO_AUGMENT",
    "AugmentConfig",
    "augment",
    "flip",
    "warp",
]
