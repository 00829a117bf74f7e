"""Finding movements in long recordings: onset, apex and offset, and what kind they are."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
