from .apply import Variables, apply_model, apply_train, count_parameters, init_model
from .config import ModelConfig
from .conv import convolutions
from .fold import fold_norm
from .macnn import MACNN
from .make import make_model
from .own import OwnModel
from .presets import MODELS
from .receptive import ReceptiveField, receptive_field, receptive_fields
from .resnet import ResNet
from .runtime import (
    MICRO_BATCH,
    Dtype,
    Options,
    compiler_options,
    inference_form,
    inference_options,
    keep_heap,
)
from .ststnet import STSTNet

__all__ = [
    "MACNN",
    "MICRO_BATCH",
    "MODELS",
    "Dtype",
    "ModelConfig",
    "Options",
    "OwnModel",
    "ReceptiveField",
    "ResNet",
    "STSTNet",
    "Variables",
    "apply_model",
    "apply_train",
    "compiler_options",
    "convolutions",
    "count_parameters",
    "fold_norm",
    "inference_form",
    "inference_options",
    "init_model",
    "keep_heap",
    "make_model",
    "receptive_field",
    "receptive_fields",
]
