"""Ready-made networks: the paper's, its controls, small ones for small inputs, and the zoo."""

from collections.abc import Mapping
from types import MappingProxyType

from mace.models.config import ModelConfig
from mace.models.networks import NETWORKS

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
