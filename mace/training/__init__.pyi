from .adapt import Adaptation, PixelStatistics, adapt_bundle, make_adaptation, pixel_statistics
from .bundle import Bundle, load_bundle, make_bundle, save_bundle
from .compilation import keep_compiled
from .config import AdaptConfig, FineTuneConfig, MixConfig, OptimiserConfig, TrainConfig
from .fitted import Fitted
from .loop import fit
from .mixing import Mix, load_mix, save_mix
from .normalise import Normalisation, normalise
from .predict import Trained, predict, predict_clips
from .signals import Interrupted

__all__ = [
    "AdaptConfig",
    "Adaptation",
    "Bundle",
    "FineTuneConfig",
    "Fitted",
    "Interrupted",
    "Mix",
    "MixConfig",
    "Normalisation",
    "OptimiserConfig",
    "PixelStatistics",
    "TrainConfig",
    "Trained",
    "adapt_bundle",
    "fit",
    "keep_compiled",
    "load_bundle",
    "load_mix",
    "make_adaptation",
    "make_bundle",
    "normalise",
    "pixel_statistics",
    "predict",
    "predict_clips",
    "save_bundle",
    "save_mix",
]
