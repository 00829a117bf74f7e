"""Live results on a page: for a machine elsewhere, or for the camera of a browser."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
