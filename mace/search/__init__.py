"""Searching for settings on training subjects alone, on one machine or many, across restarts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
