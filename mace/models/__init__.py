"""Networks: a configuration becomes a Flax module, used through pure functions.

config = MODELS["macnn"]
model = make_model(config, classes=5)
variables = init_model(model, jax.random.key(0), (128, 128, 3))
logits, out = apply_model(model, variables, x)
"""

from collections.abc import Mapping
from types import MappingProxyType

from mace.errors import ConfigError
from mace.models.apply import Variables, apply_model, apply_train, count_parameters, init_model
from mace.models.config import ModelConfig
from mace.models.macnn import MACNN
from mace.models.receptive import ReceptiveField, receptive_field, receptive_fields
from mace.models.resnet import ResNet
from mace.models.runtime import MICRO_BATCH, compiler_options, keep_heap

__all__ = [
    "MACNN",
    "MICRO_BATCH",
    "MODELS",
    "ModelConfig",
    "ReceptiveField",
    "ResNet",
    "Variables",
    "apply_model",
    "apply_train",
    "compiler_options",
    "count_parameters",
    "init_model",
    "keep_heap",
    "make_model",
    "receptive_field",
    "receptive_fields",
]

MODELS: Mapping[str, ModelConfig] = MappingProxyType(
    {
        "macnn": ModelConfig(),
        "macnn_no_dilation": ModelConfig(dilations=(1, 1, 1)),
        "macnn_single_scale": ModelConfig(dilations=(2, 2, 2)),
        "macnn_no_residual": ModelConfig(residual=False),
        # Two plain 3x3 convolutions hold 18 c^2 weights against the 30 c^2 of three branches and
        # their fusion; a quarter more width makes up for it, to within 3 %.
        "resnet": ModelConfig(arch="resnet", widths=(20, 40, 80, 160)),
        # For motion images of 28 px, the size of Liong et al. 2019 (STSTNet): no reduction first.
        "macnn_small": ModelConfig(widths=(16, 32, 64), depths=(1, 1, 1), stem_stride=1),
        "resnet_small": ModelConfig(
            arch="resnet", widths=(20, 40, 80), depths=(1, 1, 1), stem_stride=1
        ),
    }
)
"""Ready-made configurations by name."""


def make_model(config: ModelConfig, classes: int) -> MACNN | ResNet:
    """Return the network of `config` with `classes` outputs; it holds no arrays.

    Raises:
        ConfigError: for fewer than two classes.
    """
    if classes < 2:
        raise ConfigError(f"a network for {classes} classes was asked for, expected 2 or more")
    network = {"macnn": MACNN, "resnet": ResNet}[config.arch]
    return network(config, classes)
