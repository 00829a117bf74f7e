"""From a configuration to its network."""

import sys
from typing import Any

import flax.linen as nn

from mace.errors import ConfigError, first_line
from mace.models.config import ModelConfig
from mace.models.conv import Form
from mace.models.networks import NETWORKS
from mace.models.own import OwnModel, OwnNetwork
from mace.models.own_module import line_of, load


def make_model(config: ModelConfig, classes: int, *, form: Form = "native") -> nn.Module:
    """Return the network of `config` with `classes` outputs; it holds no arrays.

    Args:
        config: what it is made of.
        classes: how many.
        form: how convolutions are written; a module of somebody's own has one form.

    Raises:
        ConfigError: for fewer than two classes, or a network of one's own that is none.
    """
    if classes < 2:
        raise ConfigError(f"a network for {classes} classes was asked for, expected 2 or more")
    if isinstance(config, OwnModel):
        return OwnNetwork(config.module, classes)
    if config.arch in NETWORKS:
        network: Any = load(NETWORKS[config.arch].place)
        return network(config, classes, form=form)
    if config.units:
        raise ConfigError(
            f"{config.arch} names no action units; leave out what begins with --recipe.train.model"
        )
    return OwnNetwork(_own_module(config.arch, classes), classes)


def _own_module(place: str, classes: int) -> nn.Module:
    made = load(place)
    if not isinstance(made, nn.Module):
        try:
            made = made(classes=classes)
        except (Exception, SystemExit) as error:
            home = sys.modules[place.partition(":")[0]]
            raise ConfigError(
                f"{place} does not make a network of {classes} classes: {type(error).__name__}: "
                f"{first_line(error)}{line_of(error, getattr(home, '__file__', None) or '')}"
            ) from error
    if not isinstance(made, nn.Module):
        raise ConfigError(f"{place} gives a {type(made).__name__}, expected a flax.linen.Module")
    return made
