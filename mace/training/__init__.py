"""Training: `fit` makes a network of a motion set, `predict` asks it, a bundle keeps it."""

from mace.training.bundle import Bundle, load_bundle, make_bundle, save_bundle
from mace.training.compilation import keep_compiled
from mace.training.config import OptimiserConfig, TrainConfig
from mace.training.loop import fit
from mace.training.normalise import Normalisation, normalise
from mace.training.predict import Trained, predict
from mace.training.run import Fitted
from mace.training.signals import Interrupted

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
    "save_bundle",
]
