from .config import LossConfig
from .schemes import Loss, make_loss

__all__ = [
    "Loss",
    "LossConfig",
    "make_loss",
]
