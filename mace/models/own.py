"""A Flax module of one's own in the place of a ready-made network."""

import inspect
import sys
from dataclasses import dataclass
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from mace.errors import ConfigError, MaceError, first_line
from mace.models.config import ModelConfig
from mace.models.own_module import code_of, line_of


@dataclass(frozen=True, kw_only=True)
class OwnModel(ModelConfig):
    """Says that a network is somebody's own Flax module; other settings of networks mean nothing.

    Attributes:
        module: images (b, h, w, c) float32 to logits (b, k), by `module(x)` or, where it takes
            that argument, `module(x, train=...)`. It initialises its parameters itself; a
            `dropout` key is there in training, and collections but `params` and `batch_stats` are
            not kept.
    """

    module: nn.Module

    def __post_init__(self) -> None:
        """Check that there is a module.

        Raises:
            ConfigError: for anything else, such as its class.
        """
        if not isinstance(self.module, nn.Module):
            raise ConfigError(
                f"a network of your own is {self.module!r}, expected an instance of a "
                "flax.linen.Module, such as MyNetwork(classes=3)"
            )

    def hashed_besides(self) -> dict[str, Any]:
        """Return the source of the module's class: its results are no other's of that name."""
        return {"source": code_of(self.module)}


class OwnNetwork(nn.Module):
    """The module behind the interface that all networks here have."""

    module: nn.Module
    classes: int
    axis_name: str | None = None
    """As other networks have it; what the module averages over devices is its own affair."""

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w c"], *, train: bool
    ) -> tuple[Float[Array, "b k"], dict[str, Float[Array, "b ..."]]]:
        """Return float32 logits and no intermediates.

        Raises:
            ConfigError: if there is not one logit a class.
        """
        takes = inspect.signature(type(self.module).__call__).parameters
        known: dict[str, Any] = {"train": train} if "train" in takes else {}
        name, home = type(self.module).__name__, sys.modules.get(type(self.module).__module__)
        file = getattr(home, "__file__", None) or ""  # a notebook has none
        try:
            logits = self.module(x, **known)
        except MaceError:
            raise
        except (Exception, SystemExit) as error:
            raise ConfigError(
                f"{name} failed on images of {x.shape}: {type(error).__name__}: {first_line(error)}"
                f"{line_of(error, file)}"
            ) from error
        expected = (x.shape[0], self.classes)
        if getattr(logits, "shape", None) != expected:
            raise ConfigError(
                f"{name} gives {getattr(logits, 'shape', type(logits))} for "
                f"{x.shape[0]} images and {self.classes} classes, expected logits of shape "
                f"{expected}"
            )
        return logits.astype(jnp.float32), {}
