"""Video files: frames with the times that their container gives them, read and written by PyAV."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
