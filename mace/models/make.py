"""From a configuration to its network."""

from mace.errors import ConfigError
from mace.models.config import ModelConfig
from mace.models.conv import Form
from mace.models.macnn import MACNN
from mace.models.own import OwnModel, OwnNetwork
from mace.models.resnet import ResNet
from mace.models.ststnet import STSTNet


def make_model(
    config: ModelConfig, classes: int, *, form: Form = "native"
) -> MACNN | ResNet | STSTNet | OwnNetwork:
    """Return the network of `config` with `classes` outputs; it holds no arrays.

    Args:
        config: what it is made of.
        classes: how many.
        form: how MACNN's and ResNet's convolutions are written; the others have one form.

    Raises:
        ConfigError: for fewer than two classes.
    """
    if classes < 2:
        raise ConfigError(f"a network for {classes} classes was asked for, expected 2 or more")
    if isinstance(config, OwnModel):
        return OwnNetwork(config.module, classes)
    if config.arch == "ststnet":
        return STSTNet(config, classes)
    network = {"macnn": MACNN, "resnet": ResNet}[config.arch]
    return network(config, classes, form=form)
