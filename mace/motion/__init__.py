"""What moved between two aligned faces: appearance, difference, or optical flow with its strain.

`represent` is the one interface: training, evaluation and the live loop call the same function.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
