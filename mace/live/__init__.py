"""From a video to labelled frames: the stored clip's path, one frame at a time."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
