"""From a configuration to its network."""

from mace.errors import ConfigError
from mace.models.config import ModelConfig
from mace.models.macnn import MACNN
from mace.models.resnet import ResNet
from mace.models.ststnet import STSTNet


def make_model(config: ModelConfig, classes: int) -> MACNN | ResNet | STSTNet:
    """Return the network of `config` with `classes` outputs; it holds no arrays.

    Raises:
        ConfigError: for fewer than two classes.
    """
    if classes < 2:
        raise ConfigError(f"a network for {classes} classes was asked for, expected 2 or more")
    network = {"macnn": MACNN, "resnet": ResNet, "ststnet": STSTNet}[config.arch]
    return network(config, classes)
