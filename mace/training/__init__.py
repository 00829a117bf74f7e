"""Training: `fit` makes a network of a motion set, `predict` asks it, a bundle keeps it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
