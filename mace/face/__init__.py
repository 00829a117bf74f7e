"""Faces: detection, landmarks and face correction, for stored clips and live frames alike."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
