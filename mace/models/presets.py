"""Ready-made networks: the paper's, its controls, small ones for small inputs, and the zoo."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from mace.models.config import ModelConfig
from mace.models.networks import NETWORKS


@dataclass(frozen=True, kw_only=True)
class Control:
    """MACNN, whatever its settings, without what its paper is about.

    Attributes:
        title: what tables call it.
        lacks: what is taken away, and the options that do it to the MACNN of `FLOW`.
        change: of a MACNN's settings.
    """

    title: str
    lacks: str
    change: Callable[[ModelConfig], ModelConfig]


def _rates(model: ModelConfig, rate: int) -> ModelConfig:
    return replace(model, dilations=(rate,) * len(model.dilations))


def _plain(model: ModelConfig) -> ModelConfig:
    # Two plain 3x3 convolutions hold 18 c^2 weights against the 30 c^2 of three branches and their
    # fusion; a quarter more width makes up for it.
    return replace(model, arch="resnet", widths=tuple(5 * width // 4 for width in model.widths))


CONTROLS: Mapping[str, Control] = MappingProxyType(
    {
        "macnn_no_dilation": Control(
            title="MACNN, rates of 1",
            lacks="no dilation (`--recipe.train.model.dilations 1 1 1`)",
            change=lambda model: _rates(model, 1),
        ),
        "macnn_single_scale": Control(
            title="MACNN, rates of 2",
            lacks="one scale (`--recipe.train.model.dilations 2 2 2`)",
            change=lambda model: _rates(model, 2),
        ),
        "macnn_no_residual": Control(
            title="MACNN, no shortcuts",
            lacks="no shortcuts (`--recipe.train.model.no-residual`)",
            change=lambda model: replace(model, residual=False),
        ),
        "resnet": Control(
            title="ResNet",
            lacks="basic blocks of He et al. 2016, CVPR, a quarter wider "
            "(`--recipe.train.model.arch resnet --recipe.train.model.widths 40 60`)",
            change=_plain,
        ),
    }
)
"""MACNN's controls by name."""

_SMALL = ModelConfig(widths=(16, 32, 64), depths=(1, 1, 1), stem_stride=1)

MODELS: Mapping[str, ModelConfig] = MappingProxyType(
    {"macnn": ModelConfig()}
    | {name: control.change(ModelConfig()) for name, control in CONTROLS.items()}
    | {
        # For motion images of 28 px, the size of Liong et al. 2019 (STSTNet): no reduction first.
        "macnn_small": _SMALL,
        "resnet_small": _plain(_SMALL),
        # Without batch norm, as the paper describes it: the maximum before everything else.
        "ststnet_plain": ModelConfig(arch="ststnet", norm="none", dropout=0.5),
    }
    | {
        name: ModelConfig(arch=name, dropout=0.5)
        for name, network in NETWORKS.items()
        if network.settings is not None
    }
)
"""Ready-made configurations by name."""
