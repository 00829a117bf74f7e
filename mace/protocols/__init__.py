"""Who trains and who is tested, and the benchmarks whose sample counts make results comparable."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
