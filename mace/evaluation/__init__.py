"""What a result is worth: cross-validation over subjects, baselines, intervals, report."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
