from .bundle import Bundle, load_bundle, make_bundle, save_bundle
from .compilation import keep_compiled
from .config import OptimiserConfig, TrainConfig
from .fitted import Fitted
from .loop import fit
from .normalise import Normalisation, normalise
from .predict import Trained, predict, predict_clips
from .signals import Interrupted

__all__ = [
    "Bundle",
    "Fitted",
    "Interrupted",
    "Normalisation",
    "OptimiserConfig",
    "TrainConfig",
    "Trained",
    "fit",
    "keep_compiled",
    "load_bundle",
    "make_bundle",
    "normalise",
    "predict",
    "predict_clips",
    "save_bundle",
]
